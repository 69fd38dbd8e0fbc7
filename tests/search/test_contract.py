"""What every strategy promises. A new strategy is one more line in STRATEGIES."""

import json
from dataclasses import replace
from itertools import permutations
from typing import get_args, get_type_hints

import pytest
from evaluations import Crashing, Smooth
from problems import HALF_A_MEGABYTE, grid_size, one_point_space, shipped, small_space

from codewren.core.errors import InfeasibleError, RecipeError, TrainingError
from codewren.core.pareto import Budget, ParetoFront
from codewren.core.recipe_sections import SearchSection
from codewren.core.task import CLONE
from codewren.search.papers.avatar import Avatar, reduced_space
from codewren.search.papers.avatar_v1 import AvatarV1
from codewren.search.papers.compressor import Compressor
from codewren.search.papers.morph import Morph
from codewren.search.random_search import RandomArchitecture, RandomSearch
from codewren.search.space.costs import papers_size
from codewren.search.strategies import STRATEGIES as BY_NAME
from codewren.search.strategies import build_strategy, options_of, strategy_of
from codewren.search.strategy import Mode, Problem
from codewren.search.trials.journal import Journal
from codewren.search.trials.runner import TrialRunner
from codewren.search.trials.trial import Status
from codewren.search.wren import Wren

FAITHFUL = {
    "compressor-faithful": Compressor(Mode.FAITHFUL, target_mb=1.0, population=10, generations=5),
    "avatar-v1-faithful": AvatarV1(Mode.FAITHFUL, sample=8, epochs=2, population=10, generations=5, splits=0),
    "avatar-faithful": Avatar(Mode.FAITHFUL, sample=8, epochs=2, target_mb=1.0, iterations=5),
}
CAREFUL = {
    "compressor": Compressor(),
    "random": RandomSearch(trials=6, epochs=2),
    "avatar-v1": AvatarV1(sample=8, epochs=2),
    "avatar": Avatar(sample=8, epochs=2, population=12, generations=6),
    "avatar-verified": Avatar(sample=8, epochs=2, population=12, generations=6, verify=3),
    "morph": Morph(trials=9, epochs=2, population=8, generations=4),
    "morph-without-flips": Morph(
        trials=9, epochs=2, population=8, generations=4, objectives=("effectiveness", "size_bytes", "latency_s")
    ),
    "wren": Wren(trials=14, epochs=4),
    "wren-without-effectiveness": Wren(trials=9, epochs=2, objectives=("size_bytes", "latency_s")),
    "wren-without-latency": Wren(trials=9, epochs=2, objectives=("effectiveness", "size_bytes")),
    "wren-with-flips": Wren(trials=9, epochs=2, objectives=("effectiveness", "size_bytes", "flips")),
}
STRATEGIES = FAITHFUL | CAREFUL


def latency(config):
    return 1e-9 * config.hidden_size * config.num_hidden_layers * config.num_attention_heads


def problem(evaluate=None, *, space=None, budget=HALF_A_MEGABYTE, journal=None):
    run = TrialRunner(evaluate or Smooth(), journal or Journal())
    return Problem(CLONE, space or small_space(), budget, shipped, latency, run_trials=run, validation_items=4000)


def without_times(result):
    return result.front, [replace(trial, seconds=0.0) for trial in result.trials], result.notes


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
class TestEveryStrategy:
    def test_repeats_itself_for_a_seed(self, strategy):
        first, second = (strategy.search(problem(), seed=3) for _ in range(2))
        assert without_times(first) == without_times(second)

    def test_returns_points_of_its_space_only(self, strategy):
        result = strategy.search(problem(), seed=0)
        assert len(result.front) > 0
        assert all(candidate.config in small_space() for candidate in result.front.candidates)
        assert all(trial.config in small_space() for trial in result.trials)

    def test_reports_every_training_once(self, strategy):
        journal = Journal()
        result = strategy.search(problem(journal=journal), seed=0)
        assert result.trials == journal.trials
        assert bool(result.trials) == strategy.trains

    def test_result_can_be_written_as_json_and_read_again(self, strategy):
        result = strategy.search(problem(), seed=0)
        assert ParetoFront.from_dict(json.loads(json.dumps(result.front.to_dict()))) == result.front
        assert json.loads(json.dumps(result.details))
        assert all(isinstance(note, str) and note for note in result.notes)

    @pytest.mark.parametrize("after", [0, 1, 5])
    def test_interrupted_and_resumed_equals_uninterrupted(self, strategy, after):
        whole, journal = strategy.search(problem(), seed=0), Journal()
        calls = []

        def interrupted(config, *, fidelity, seed):
            if len(calls) == after:
                raise KeyboardInterrupt
            calls.append(config)
            return Smooth()(config, fidelity=fidelity, seed=seed)

        if after < len(whole.trials):
            with pytest.raises(KeyboardInterrupt):
                strategy.search(problem(interrupted, journal=journal), seed=0)
            assert len(journal.trials) == after
        assert without_times(strategy.search(problem(journal=journal), seed=0)) == without_times(whole)

    def test_survives_trainings_that_crash(self, strategy):
        result = strategy.search(problem(Crashing()), seed=0)
        assert len(result.front) > 0
        failed = [trial for trial in result.trials if trial.status is Status.FAILED]
        assert all(trial.config.num_hidden_layers == 1 for trial in failed)

    def test_says_so_when_every_training_crashes(self, strategy):
        space = small_space().with_domains({"num_hidden_layers": (1,)})
        if isinstance(strategy, Compressor):
            assert strategy.search(problem(Crashing(), space=space), seed=0).trials == ()
        else:
            with pytest.raises(TrainingError, match=r"all .* trainings failed, the first with ValueError"):
                strategy.search(problem(Crashing(), space=space), seed=0)

    def test_survives_a_space_of_one_point(self, strategy):
        result = strategy.search(problem(space=one_point_space()), seed=0)
        assert [candidate.config for candidate in result.front.candidates] == [
            one_point_space().config([1000, 1, 96, 64, 8])
        ]


@pytest.mark.parametrize("strategy", CAREFUL.values(), ids=CAREFUL)
class TestEveryStrategyThatIsNotFaithful:
    """The released behaviours break these on purpose: a target size is no limit, an archive holds dominated points."""

    def test_keeps_the_budget(self, strategy):
        budget = Budget(max_bytes=300_000, max_latency_s=3e-7, max_flops=60_000_000)
        result = strategy.search(problem(budget=budget), seed=0)
        assert all(budget.allows(candidate.scores) for candidate in result.front.candidates)
        assert all(shipped(candidate.config) <= 300_000 for candidate in result.front.candidates)
        assert all(latency(trial.config) <= 3e-7 for trial in result.trials)

    def test_front_holds_no_candidate_that_is_dominated_beyond_noise(self, strategy):
        result = strategy.search(problem(), seed=0)
        for a, b in permutations(result.front.candidates, 2):
            lost = (a.scores.effectiveness or 0.0) - (b.scores.effectiveness or 0.0)
            assert not a.scores.dominates(b.scores) or (result.noise and lost <= result.noise)

    def test_an_impossible_budget_names_its_limits(self, strategy):
        with pytest.raises(InfeasibleError, match="shipped bytes at most 1,000"):
            strategy.search(problem(budget=Budget(max_bytes=1000)), seed=0)

    def test_front_is_sorted_by_size(self, strategy):
        sizes = [one.scores.size_bytes for one in strategy.search(problem(), seed=0).front.candidates]
        assert sizes == sorted(sizes)


def test_every_strategy_of_the_registry_keeps_these_promises():
    assert set(BY_NAME) - {type(strategy).name for strategy in STRATEGIES.values()} == {RandomArchitecture.name}


def test_a_recipe_can_name_every_strategy_of_the_registry():
    offered = get_args(get_type_hints(SearchSection)["strategy"])
    assert set(offered) == {"fixed", *BY_NAME}


def test_strategies_are_built_by_name_with_their_options():
    assert build_strategy("wren", {"trials": 12}) == Wren(trials=12)
    assert build_strategy("avatar", {"mode": "faithful"}) == Avatar(Mode.FAITHFUL)
    assert "generations" in options_of("compressor")


def test_a_recipe_gives_a_strategy_those_options_that_it_has():
    section = SearchSection(strategy="avatar", mode="faithful", trials=7, trial_epochs=3, objectives=("size_bytes",))
    assert strategy_of(section) == Avatar(Mode.FAITHFUL, sample=7, epochs=3, objectives=("size_bytes",))
    assert strategy_of(replace(section, strategy="random")) == RandomSearch(trials=7, epochs=3)
    assert strategy_of(SearchSection(strategy="wren")) == Wren()


@pytest.mark.parametrize(
    ("budget", "target_mb", "says"),
    [
        (Budget(max_bytes=1000), 1.0, "no point with shipped bytes at most 1,000;"),
        (Budget(max_bytes=10**6), 0.01, "no point with size by the papers' formula at most 10,000;"),
    ],
)
def test_avatars_solver_words_an_impossible_budget_before_anything_is_trained(budget, target_mb, says):
    with pytest.raises(InfeasibleError, match=says):
        Avatar(Mode.FAITHFUL, target_mb=target_mb).search(problem(Crashing(), budget=budget), seed=0)


def test_avatars_solver_cuts_the_space_to_the_box_of_the_target_size():
    cut = reduced_space(problem(), 0.6)
    small = [config for config in small_space() if papers_size(CLONE)(config) <= 600_000]
    for field in ("vocab_size", "num_hidden_layers", "hidden_size", "intermediate_size"):
        inside = {getattr(config, field) for config in small}
        assert cut.values(field) == tuple(v for v in small_space().values(field) if min(inside) <= v <= max(inside))
    assert grid_size(cut) < grid_size(small_space())
    assert cut.values("learning_rate") == small_space().values("learning_rate")


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("wrem", {}, "wren"),
        ("wren", {"trails": 3}, "trials"),
        ("avatar", {"mode": "faithfull"}, "faithful, repaired"),
    ],
)
def test_a_wrong_strategy_names_the_nearest(name, options, says):
    with pytest.raises(RecipeError, match=says):
        build_strategy(name, options)
