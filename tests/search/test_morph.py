"""MORPH: the sample is a Latin hypercube, steady students win, collapsed ones do not."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest
from evaluations import Smooth
from problems import small_space
from test_contract import problem

from codewren.core.errors import RecipeError, TrainingError
from codewren.core.pareto import Budget
from codewren.core.recipe_sections import SearchSection
from codewren.search.choose import choose
from codewren.search.papers.morph import EvolvedFront, Morph, Steadiness, _spread, latin_hypercube
from codewren.search.space.points import Points
from codewren.search.strategies import strategy_of, wants_flips
from codewren.search.surrogate import Observations
from codewren.search.trainings import Trainings
from codewren.search.wren import Wren

SHORT = Morph(trials=12, epochs=2, population=16, generations=8)


@dataclass(frozen=True)
class Collapsing:
    """Slow learning rates end in one answer for all: half right, and never flipped."""

    def __call__(self, config, *, fidelity, seed):
        done = Smooth()(config, fidelity=fidelity, seed=seed)
        if config.learning_rate > 5e-4:
            return done
        return replace(done, scores=replace(done.scores, effectiveness=0.5, flips=0.0))


@dataclass(frozen=True)
class Silent:
    def __call__(self, config, *, fidelity, seed):
        done = Smooth()(config, fidelity=fidelity, seed=seed)
        return replace(done, scores=replace(done.scores, flips=None))


def test_a_latin_hypercube_takes_every_value_of_every_field_equally_often():
    free = small_space().with_domains({"num_attention_heads": (1, 4), "hidden_size": (48, 96, 160, 192)})
    trainings = Trainings.begin(problem(space=free, budget=Budget(None)), SHORT.objectives, seed=0)
    drawn = latin_hypercube(trainings, 24)
    for domain in free.domains:
        counts = Counter(getattr(config, domain.field) for config in drawn)
        assert set(counts.values()) == {24 // len(domain.values)}, domain.field


def test_what_lies_outside_the_budget_is_pulled_inside():
    here = problem()
    trainings = Trainings.begin(here, SHORT.objectives, seed=0)
    assert all(here.size_bytes(config) <= 500_000 for config in latin_hypercube(trainings, 40))


def test_the_front_trades_flips_off_against_effectiveness():
    result = SHORT.search(problem(), seed=0)
    assert all(candidate.scores.flips is not None for candidate in result.front.candidates)
    steadiest = min(result.front.candidates, key=lambda candidate: candidate.scores.flips or 0.0)
    assert steadiest.config.vocab_size == 1000
    assert result.details["skill_of_flips"]["spearman"] > 0.5


def test_a_collapsed_training_never_stands_on_the_front_although_it_flips_nothing():
    result = SHORT.search(problem(Collapsing()), seed=0)
    assert any(trial.scores.flips == 0 for trial in result.trials)
    assert all(candidate.scores.flips > 0 for candidate in result.front.candidates)


@dataclass(frozen=True)
class CollapsingLate:
    """Whoever trains for long ends in one answer for all; some others do so at once."""

    epochs: int
    modulus: int

    def __call__(self, config, *, fidelity, seed):
        done = Smooth()(config, fidelity=fidelity, seed=seed)
        if fidelity < self.epochs and config.hidden_size % self.modulus:
            return done
        return replace(done, scores=replace(done.scores, effectiveness=0.5, flips=0.0))


@pytest.mark.parametrize("trials", [2, 3, 4, 6])
def test_however_few_the_trials_a_student_of_one_answer_is_never_picked(trials):
    few, picked = replace(SHORT, trials=trials), 0
    for seed in range(8):
        try:
            result = few.search(problem(CollapsingLate(few.epochs, 48 if seed % 2 else 96)), seed=seed)
        except TrainingError as error:
            assert "one answer for everything" in str(error)
            continue
        assert any(trial.scores.flips == 0 for trial in result.trials)
        for rule in ("knee", "steadiest-within 60 points", "smallest-within 60 points", "best-under 1 MB"):
            assert choose(result.front, rule, noise=result.noise).candidate.scores.flips > 0
            picked += 1
    assert picked


def test_where_every_training_gave_one_answer_there_is_nothing_to_pick():
    space = small_space().with_domains({"learning_rate": (1e-4,)})
    with pytest.raises(TrainingError, match="all 12 trainings ended in one answer for everything"):
        SHORT.search(problem(Collapsing(), space=space), seed=0)
    named = ("effectiveness", "size_bytes", "flips")
    with pytest.raises(TrainingError, match="one answer for everything"):
        Wren(trials=9, epochs=2, objectives=named).search(problem(Collapsing(), space=space), seed=0)
    assert len(Wren(trials=9, epochs=2).search(problem(Collapsing(), space=space), seed=0).front) > 0


def test_trials_that_measure_no_flips_are_one_clear_error():
    with pytest.raises(TrainingError, match="a trial measured none"):
        SHORT.search(problem(Silent()), seed=0)
    assert len(Wren(trials=9, epochs=2).search(problem(Silent()), seed=0).front) > 0


def test_the_regression_of_flips_keeps_to_shares_and_with_few_trainings_says_their_mean():
    trainings = Trainings.begin(problem(), SHORT.objectives, seed=0)
    drawn = latin_hypercube(trainings, 20)
    points = Points.of(small_space(), drawn)
    stays = np.array([1 - 1e-5 * config.vocab_size for config in drawn])
    seen = Observations(points, np.ones(len(drawn), dtype=np.int64), stays)
    model = Steadiness.fit(seen)
    assert model.predict(points)[0] == pytest.approx(stays, abs=0.02)
    few = seen.take(np.arange(3))
    assert Steadiness.fit(few).predict(points)[0] == pytest.approx(stays[:3].mean())


def test_the_steadiest_of_those_expected_near_the_best_is_trained_too():
    drawn = latin_hypercube(Trainings.begin(problem(), SHORT.objectives, seed=0), 12)
    sizes, loss, flips = np.linspace(11, 13, 12), -np.linspace(0.8, 0.95, 12), np.linspace(0.05, 0.2, 12)
    loss[[9, 10]] = loss[11] + 0.009, loss[11] + 0.011  # within a point, and not
    flips[[9, 10]] = 0.1, 0.01
    front = EvolvedFront(Points.of(small_space(), drawn), np.column_stack([sizes, loss, flips]))
    assert _spread(front, 2, by_flips=True) == [front.points.config(11), front.points.config(9)]
    assert _spread(front, 1, by_flips=True) == [front.points.config(11)]
    without = EvolvedFront(front.points, front.objectives[:, :2])
    assert _spread(without, 1, by_flips=False) == [front.points.config(11)]


def test_a_recipe_asks_for_flips_where_the_strategy_can_use_them():
    named = ("effectiveness", "size_bytes", "flips")
    assert wants_flips(SearchSection(strategy="morph"))
    assert wants_flips(SearchSection(strategy="wren", objectives=named))
    assert not wants_flips(SearchSection(strategy="morph", objectives=named[:2]))
    assert not any(wants_flips(SearchSection(strategy=name)) for name in ("fixed", "wren", "avatar", "random"))
    with pytest.raises(RecipeError, match="'avatar' cannot trade off flips; take morph or wren"):
        strategy_of(SearchSection(strategy="avatar", objectives=named))
