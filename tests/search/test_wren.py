"""Our default search is frugal, tells collapse and noise from quality, and only shows what it measured."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from evaluations import Smooth, quality
from problems import scores, shipped, small_space

from codewren.core.errors import InputError
from codewren.core.pareto import Budget
from codewren.core.task import CLONE
from codewren.search.choose import choose
from codewren.search.random_search import RandomSearch
from codewren.search.rates import Rate
from codewren.search.space import coarsen
from codewren.search.space.latency_model import FEATURES, LatencyModel
from codewren.search.space.points import Points
from codewren.search.space.space import extended_space
from codewren.search.strategy import Problem
from codewren.search.trials.journal import Journal
from codewren.search.trials.pace import Pace
from codewren.search.trials.runner import Attempt, TrialRunner
from codewren.search.trials.trial import Evaluation, Request
from codewren.search.wren import Plan, Wren

SPACE = small_space().with_domains({"learning_rate": (1e-4, 3e-4, 1e-3, 3e-3)})
WIDE = extended_space(CLONE).with_domains(
    {"num_hidden_layers": (1,), "tokenizer": ("word",), "embedding_size": (0,), "max_sequence_length": (400,)}
)
LATENCY = LatencyModel((1e-5, 1e-8, 1e-10, 1e-10) + (1e-11,) * (len(FEATURES) - 4))


def problem(evaluate, *, space=SPACE, max_bytes=800_000, items=4000):
    run = TrialRunner(evaluate, Journal())
    budget = Budget(max_bytes=max_bytes)
    return Problem(CLONE, space, budget, shipped, LATENCY, run_trials=run, validation_items=items)


def noisy(deviation):
    def evaluate(config, *, fidelity, seed):
        digits = f"{config.to_dict()}{fidelity}{seed}".encode()
        rng = np.random.default_rng(list(digits))
        return Evaluation(scores(config, quality(config, fidelity) + rng.normal(0, deviation)))

    return evaluate


@pytest.mark.parametrize("trials", [1, 3, 8, 24, 60])
@pytest.mark.parametrize("epochs", [1, 2, 4, 10])
def test_a_plan_never_exceeds_its_trainings(trials, epochs):
    plan = Plan.of(trials, epochs, 2)
    assert sum(plan.rungs) + plan.repeats <= trials
    assert plan.epochs[-1] == epochs
    assert list(plan.rungs) == sorted(plan.rungs, reverse=True)
    result = Wren(trials=trials, epochs=epochs, repeats=2).search(problem(Smooth()), seed=0)
    assert len(result.trials) <= trials


def test_the_learning_rate_is_settled_on_one_fully_trained_student():
    result = Wren().search(problem(Smooth()), seed=0)
    short = {trial.config for trial in result.trials if trial.fidelity == 1}
    tuned = {trial.config for trial in result.trials if trial.fidelity == 4} - short
    (student,) = {config.replace(learning_rate=1e-3) for config in tuned}
    assert {config.learning_rate for config in tuned} == {3e-4, 3e-3}  # the neighbours of the best, and no others
    assert (result.details["learning_rate"], result.details["at_hidden_size"]) == (1e-3, student.hidden_size)
    sizes = sorted(shipped(trial.config) for trial in result.trials if trial.fidelity == 1)
    assert sizes[0] < shipped(student) < sizes[-1]
    assert any(note.startswith("learning rate 0.001 at hidden size") for note in result.notes)


@pytest.mark.parametrize(("best", "tried"), [(1e-4, {1e-4, 3e-4, 1e-3, 3e-3}), (3e-3, {1e-3, 3e-3})])
def test_the_rate_climbs_to_the_best_one_on_offer(best, tried):
    def evaluate(config, *, fidelity, seed):
        missed = 0.03 * abs(np.log10(config.learning_rate / best))
        return Evaluation(scores(config, quality(config.replace(learning_rate=1e-3), fidelity) - missed))

    space = SPACE.with_domains({"hidden_size": (96,), "num_attention_heads": (1, 3, 4, 6, 8)})
    result = Wren(trials=30).search(problem(evaluate, space=space), seed=0)
    assert result.details["learning_rate"] == best
    full = {t.config: t.config.learning_rate for t in result.trials if t.fidelity == 4}
    assert set(full.values()) >= tried
    short = [t for t in result.trials if t.fidelity == 1]
    assert {trial.config.learning_rate for trial in short[(len(short) + 3) // 2 :]} == {best}


def test_a_rate_is_tried_upwards_first_and_no_further_than_it_helps():
    def higher_is_better(config, *, fidelity, seed):
        return Evaluation(scores(config, 0.8 + 0.01 * np.log10(config.learning_rate)))

    result = Wren(trials=30).search(problem(higher_is_better), seed=0)
    tuned = [trial.config.learning_rate for trial in result.trials if trial.fidelity == 4][:2]
    assert tuned == [1e-3, 3e-3]
    assert not any(trial.config.learning_rate < 1e-3 for trial in result.trials)


def test_a_rate_falls_with_the_root_of_the_width_and_is_one_on_offer():
    space = extended_space(CLONE)
    rate = Rate(1e-3, 128)
    assert [rate.of(space, hidden) for hidden in (32, 64, 128, 256)] == [2e-3, 1e-3, 1e-3, 5e-4]
    assert Rate(1e-3, 16).of(space, 256) == 3e-4
    points = Points.of(space, [space.base.replace(hidden_size=hidden) for hidden in (32, 256)])
    assert [config.learning_rate for config in rate.at(points).configs()] == [2e-3, 5e-4]


def test_short_trainings_are_continued_and_the_front_is_fully_trained():
    result = Wren(trials=30, epochs=8).search(problem(Smooth()), seed=0)
    by_epochs = {epochs: {t.config for t in result.trials if t.fidelity == epochs} for epochs in (2, 4, 8)}
    assert by_epochs[4] <= by_epochs[2]
    assert len(by_epochs[8] - by_epochs[2]) <= 2  # the neighbouring learning rates
    assert len(by_epochs[2]) > len(by_epochs[4])
    assert {candidate.config for candidate in result.front.candidates} <= by_epochs[8]
    assert all(candidate.scores.measured for candidate in result.front.candidates)
    assert all(candidate.scores.latency_s == LATENCY(candidate.config) for candidate in result.front.candidates)


@pytest.mark.parametrize("seed", range(2))
def test_every_octave_of_bytes_is_tried_and_trained_fully(seed):
    result = Wren(trials=30).search(problem(Smooth(), space=WIDE, max_bytes=3_000_000), seed=seed)
    edges = [3_000_000 / 2**level for level in range(6)]
    for epochs, least in ((1, 2), (4, 1)):
        sizes = [shipped(trial.config) for trial in result.trials if trial.fidelity == epochs]
        for high, low in pairwise(edges):
            assert sum(low < size <= high for size in sizes) >= least
    front = [candidate.scores.size_bytes for candidate in result.front.candidates]
    assert min(front) < 100_000
    assert max(front) > 500_000  # the largest may be beaten by a smaller one


def test_a_front_keeps_one_of_every_octave_unless_it_is_beaten_beyond_noise():
    def saturated(config, *, fidelity, seed):
        worse = 0.05 if 700_000 < shipped(config) < 1_500_000 else 0.0  # an octave in which all are really beaten
        digits = f"{config.to_dict()}{seed}".encode()
        noise = np.random.default_rng(list(digits)).normal(0, 0.001)
        wide = 0.1 * min(1.0, shipped(config) / 200_000)
        return Evaluation(scores(config, 0.85 + wide - worse + noise - 0.02 / fidelity))

    found = problem(saturated, space=WIDE, max_bytes=3_000_000)
    result = Wren(trials=30, objectives=("effectiveness", "size_bytes")).search(found, seed=0)
    sizes = [candidate.scores.size_bytes for candidate in result.front.candidates]
    assert sum(size > 1_500_000 for size in sizes) == 1
    assert not any(750_000 < size < 1_500_000 for size in sizes)
    for one in result.front.candidates:
        smaller = [
            o.scores.effectiveness for o in result.front.candidates if o.scores.size_bytes <= one.scores.size_bytes
        ]
        assert one.scores.effectiveness >= max(smaller) - result.noise
    assert choose(result.front, "best-under 3 MB", noise=result.noise).candidate.scores.size_bytes < 750_000


class Clocked:
    """Workers on which an epoch takes ten seconds, or `slowness` times as long; killed after so many trainings."""

    def __init__(self, slowness=1.0, *, killed_after=None):
        self.slowness, self.left = slowness, killed_after
        self.reached = {}

    def run(self, evaluate, requests):
        for place, request in enumerate(requests):
            if self.left == 0:
                raise KeyboardInterrupt
            self.left = None if self.left is None else self.left - 1
            before = self.reached.get((request.config, request.seed), 0)
            self.reached[request.config, request.seed] = request.fidelity
            evaluation = evaluate(request.config, fidelity=request.fidelity, seed=request.seed)
            yield place, Attempt(10.0 * self.slowness * (request.fidelity - before), evaluation)


def timed_search(workers, *, limit=None, journal=None, trials=24):
    pace = Pace(lambda config: 10.0, limit_s=limit, quiet=True)
    runner = TrialRunner(Smooth(), journal or Journal(), workers, watch=pace.ran)
    timed = dataclasses.replace(problem(Smooth()), run_trials=runner, pace=pace)
    return Wren(trials=trials).search(timed, seed=0), pace


def test_a_time_limit_plans_fewer_trainings_and_is_kept():
    free, _ = timed_search(Clocked())
    limited, pace = timed_search(Clocked(), limit=300.0)
    assert len(limited.trials) < len(free.trials) <= 24
    assert pace.spent_s <= 300
    assert not any("left out" in note for note in limited.notes)
    full = {trial.config for trial in limited.trials if trial.fidelity == 4}
    assert {candidate.config for candidate in limited.front.candidates} <= full


def test_a_machine_slower_than_expected_keeps_the_limit_too_and_still_trains_some_fully():
    slow, pace = timed_search(Clocked(3.0), limit=600.0)
    assert pace.spent_s <= 600
    assert pace.slowness == pytest.approx(3.0)
    assert sum(trial.fidelity == 4 for trial in slow.trials) >= 2
    assert len(slow.front) > 0


def test_a_search_killed_while_it_settles_the_rate_resumes_to_the_same_journal_under_a_limit():
    whole, _ = timed_search(Clocked(2.0), limit=600.0, trials=14)
    tuning = next(trial.number for trial in whole.trials if trial.fidelity == 4)
    for after in (tuning, tuning + 1):
        journal, workers = Journal(), Clocked(2.0, killed_after=after)
        with pytest.raises(KeyboardInterrupt):
            timed_search(workers, limit=600.0, journal=journal, trials=14)
        assert len(journal.trials) == after
        workers.left = None
        again, _ = timed_search(workers, limit=600.0, journal=journal, trials=14)
        assert again.trials == journal.trials == whole.trials
        assert again.front == whole.front
        assert again.notes == whole.notes


def test_a_vocabulary_takes_its_time_before_the_first_epoch():
    pace = Pace(lambda config: 10.0, lambda config: 48.0, limit_s=300.0)
    request = Request(SPACE.base, seed=0, fidelity=3)
    assert pace.expected_s(request) == 48.0 + 30.0
    (trial,) = TrialRunner(Smooth(), Journal())([request])
    pace.ran(dataclasses.replace(trial, seconds=78.0))
    assert pace.expected_s(dataclasses.replace(request, fidelity=5)) == 20.0


def test_progress_tells_what_is_planned_what_is_done_and_what_is_left(capsys):
    pace = Pace(lambda config: 60.0, limit_s=3600.0)
    pace.plan(4, 600.0)
    request = Request(SPACE.base, seed=0, fidelity=2)
    (trial,) = TrialRunner(Smooth(), Journal())([request])
    pace.ran(dataclasses.replace(trial, seconds=240.0))
    pace.ran(dataclasses.replace(trial, seconds=240.0))  # once more, as a resumed search tells it
    first, second = capsys.readouterr().err.splitlines()
    assert first == "search: 4 trainings, about 10 min on this machine, at most 60 min"
    assert second.startswith("search: 1/4  ")
    assert second.endswith("4 min gone, about 16 min to go")  # twice as slow as expected, 8 expected minutes left
    assert pace.expected_s(dataclasses.replace(request, fidelity=5)) == 180.0


def test_a_rate_at_which_most_collapse_is_lowered():
    def collapsing(config, *, fidelity, seed):
        if config.learning_rate >= 3e-3 and config.hidden_size != 96:
            return Evaluation(scores(config, 0.5))
        bonus = 0.05 * (config.learning_rate >= 3e-3)
        return Evaluation(scores(config, quality(config, fidelity) + bonus))

    results = [Wren(trials=30).search(problem(collapsing), seed=seed) for seed in range(3)]
    lowered = [result for result in results if "collapsed at learning rate 0.003" in " ".join(result.notes)]
    assert lowered
    for result in lowered:
        assert result.details["learning_rate"] == 1e-3
        assert max(one.scores.effectiveness for one in result.front.candidates) > 0.85


def test_a_flat_space_is_said_to_be_flat_and_the_smallest_is_picked():
    def flat(config, *, fidelity, seed):
        rng = np.random.default_rng(list(f"{config.to_dict()}{fidelity}{seed}".encode()))
        return Evaluation(scores(config, 0.62 + rng.normal(0, 0.005)))

    result = Wren().search(dataclasses.replace(problem(flat, items=2732), chance=0.5655), seed=0)
    assert result.details["flat"]
    assert any("the space is flat" in note for note in result.notes)
    choice = choose(result.front, "best-under 3 MB", noise=result.noise)
    assert choice.candidate == result.front.candidates[0]


def test_noise_grows_with_trainings_that_do_not_repeat():
    steady = Wren(repeats=2).search(problem(noisy(0.0)), seed=0)
    wild = Wren(repeats=2).search(problem(noisy(0.03)), seed=0)
    assert wild.details["deviation"] > 1.5 * steady.details["deviation"]
    assert any("equal students differ by about" in note for note in wild.notes)
    assert {trial.seed for trial in wild.trials} == {0, 1}


def test_a_search_says_how_well_its_short_trainings_ranked_the_full_ones():
    result = Wren(trials=40).search(problem(Smooth()), seed=0)
    assert result.details["foresight"] == pytest.approx(1.0)
    assert any(note.endswith("rank after 4 epochs as after 1 with a correlation of 1.00") for note in result.notes)

    def turned(config, *, fidelity, seed):
        return Evaluation(scores(config, 0.7 + (1 if fidelity == 4 else -1) * (quality(config) - 0.9)))

    assert Wren(trials=40).search(problem(turned), seed=0).details["foresight"] < 0
    assert Wren(trials=3).search(problem(Smooth()), seed=0).details["foresight"] is None


def test_the_surrogate_reports_its_skill():
    result = Wren(trials=40).search(problem(Smooth()), seed=0)
    assert result.details["skill"]["spearman"] > 0.3
    assert any("effectiveness can be predicted" in note for note in result.notes)


def test_a_warm_start_saves_the_learning_rates_and_teaches_the_surrogate():
    earlier = Wren().search(problem(Smooth()), seed=0).trials
    warm = Wren(trials=10, warm_start=earlier).search(problem(Smooth()), seed=5)
    assert {trial.config.learning_rate for trial in warm.trials} == {1e-3}
    assert warm.details["skill"]["trials"] > len({trial.config for trial in warm.trials})
    assert not {trial.request for trial in warm.trials} & {trial.request for trial in earlier}


def test_a_student_that_ships_larger_than_predicted_is_not_offered():
    def swollen(config, *, fidelity, seed):
        known = scores(config, quality(config, fidelity))
        return Evaluation(dataclasses.replace(known, size_bytes=known.size_bytes + 300_000))

    result = Wren().search(problem(swollen, max_bytes=600_000), seed=0)
    assert all(candidate.scores.size_bytes <= 600_000 for candidate in result.front.candidates)


def test_a_space_too_large_to_list_is_searched_in_coarser_steps(monkeypatch):
    space = extended_space(CLONE).with_domains({"vocab_size": range(500, 16_001, 100)})
    space = space.only(["vocab_size", "hidden_size", "num_attention_heads", "intermediate_size", "learning_rate"])
    monkeypatch.setattr(coarsen, "MOST_POINTS", 4_000)
    result = Wren(trials=6, epochs=1).search(problem(Smooth(), space=space, max_bytes=3_000_000), seed=0)
    assert "too many points" in result.notes[0]
    assert all(candidate.config in space for candidate in result.front.candidates)
    assert 400 < result.details["feasible"] <= 4_000


def test_no_trainings_are_refused():
    with pytest.raises(InputError, match="trials 0"):
        Wren(trials=0).search(problem(Smooth()), seed=0)


@pytest.mark.parametrize("strategy", [Wren(), RandomSearch()], ids=lambda strategy: strategy.name)
def test_a_student_that_collapsed_is_no_choice_however_small(strategy):
    def small_ones_collapse(config, *, fidelity, seed):
        return Evaluation(scores(config, 0.5 if shipped(config) < 200_000 else quality(config, fidelity)))

    result = strategy.search(problem(small_ones_collapse), seed=0)
    assert any(trial.effectiveness == 0.5 for trial in result.trials)
    assert all(candidate.scores.effectiveness > 0.7 for candidate in result.front.candidates)
    assert any("collapsed" in note for note in result.notes)
    everything = strategy.search(problem(lambda config, **_: Evaluation(scores(config, 0.5))), seed=0)
    assert len(everything.front)  # told elsewhere that the chosen one is no better than one answer for all
