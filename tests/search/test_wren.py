"""Our default search is frugal, tells collapse and noise from quality, and only shows what it measured."""

import dataclasses

import numpy as np
import pytest
from evaluations import Smooth, quality
from problems import scores, shipped, small_space

from codewren.core.errors import InputError
from codewren.core.front import Budget
from codewren.core.space import extended_space
from codewren.core.task import CLONE
from codewren.search import coarsen
from codewren.search.choose import choose
from codewren.search.journal import Journal
from codewren.search.latency import FEATURES, LatencyModel
from codewren.search.runner import TrialRunner
from codewren.search.strategy import Problem
from codewren.search.trial import Evaluation
from codewren.search.wren import Plan, Wren

SPACE = small_space().with_domains({"learning_rate": (1e-4, 3e-4, 1e-3, 3e-3)})
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


def test_the_learning_rate_is_settled_on_one_student_before_the_architecture():
    result = Wren().search(problem(Smooth()), seed=0)
    first = [trial.config for trial in result.trials[:4]]
    assert sorted(config.learning_rate for config in first) == list(SPACE.values("learning_rate"))
    assert len({config.replace(learning_rate=1e-3) for config in first}) == 1
    assert result.details["learning_rate"] == 1e-3
    assert {trial.config.learning_rate for trial in result.trials[4:]} == {1e-3}


def test_short_trainings_are_continued_and_the_front_is_fully_trained():
    result = Wren().search(problem(Smooth()), seed=0)
    by_epochs = {epochs: {t.config for t in result.trials if t.fidelity == epochs} for epochs in (1, 2, 4)}
    assert by_epochs[4] <= by_epochs[2] <= by_epochs[1]
    assert len(by_epochs[1]) > len(by_epochs[2]) > len(by_epochs[4])
    assert {candidate.config for candidate in result.front.candidates} <= by_epochs[4]
    assert all(candidate.scores.measured for candidate in result.front.candidates)
    assert all(candidate.scores.latency_s == LATENCY(candidate.config) for candidate in result.front.candidates)


def test_the_front_is_as_good_as_the_best_students_and_spread_over_sizes():
    result = Wren(trials=30).search(problem(Smooth()), seed=1)
    best = max(quality(config) for config in SPACE if shipped(config) <= 800_000)
    found = [candidate.scores.effectiveness for candidate in result.front.candidates]
    sizes = [candidate.scores.size_bytes for candidate in result.front.candidates]
    assert max(found) > best - 0.006
    assert max(sizes) > 3 * min(sizes)


def test_a_rate_at_which_most_collapse_is_lowered():
    def collapsing(config, *, fidelity, seed):
        if config.learning_rate >= 3e-3 and config.hidden_size != 96:
            return Evaluation(scores(config, 0.5))
        bonus = 0.05 * (config.learning_rate >= 3e-3)
        return Evaluation(scores(config, quality(config, fidelity) + bonus))

    space = SPACE.with_domains({"hidden_size": (48, 96, 160)})
    results = [Wren().search(problem(collapsing, space=space), seed=seed) for seed in range(4)]
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


def test_the_surrogate_reports_its_skill_and_predictions_only_with_some():
    result = Wren(trials=40).search(problem(Smooth()), seed=0)
    assert result.details["skill"]["spearman"] > 0.3
    assert result.details["expected"]

    def random(config, *, fidelity, seed):
        rng = np.random.default_rng(list(f"{config.to_dict()}{fidelity}".encode()))
        return Evaluation(scores(config, 0.7 + 0.2 * rng.random()))

    unskilled = Wren(trials=40).search(problem(random), seed=0)
    assert unskilled.details["skill"]["spearman"] < 0.3 or unskilled.details["expected"]
    assert any("cannot be predicted" in note or "can be predicted" in note for note in unskilled.notes)


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
