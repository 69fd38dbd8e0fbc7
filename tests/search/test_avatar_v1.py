"""The first version: five regressions, one fitness that drowns accuracy, and its repair."""

import numpy as np
import pytest
from evaluations import Smooth
from problems import shipped, small_space

from codewren.core.pareto import Budget
from codewren.core.task import CLONE
from codewren.search.papers.avatar_v1 import AvatarV1, sizes, v1_fitness
from codewren.search.papers.compressor import GENES
from codewren.search.papers.v1_surrogates import REGRESSIONS, RadialNetwork, _slopes, compare
from codewren.search.space.space import avatar_v1_space
from codewren.search.strategy import Mode, Problem
from codewren.search.trials.journal import Journal
from codewren.search.trials.runner import TrialRunner


def rows(count, seed):
    rng = np.random.default_rng(seed)
    table = rng.random((count, 5))
    return table, 0.9 + 0.05 * np.sin(3 * table[:, 0]) + 0.03 * table[:, 1] * table[:, 2]


def test_fitness_of_the_published_configuration():
    published = (2, 24, 1508, 1, 27505)
    assert v1_fitness(published, 0.9147, 3.0) == pytest.approx(0.9147 - 0.807 - 0.001, abs=1e-3)


def test_gflops_drown_accuracy_in_the_fitness():
    small, large = (1, 16, 16, 1, 40_000), (2, 24, 1508, 1, 27_505)
    assert v1_fitness(small, 0.55, 2.57) > v1_fitness(large, 0.62, 3.0)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_each_regression_learns_a_smooth_function(name):
    shown, target = rows(60, 0)
    held, truth = rows(60, 1)
    error = np.abs(REGRESSIONS[name](shown, target, 0).predict(held) - truth).mean()
    assert error < 0.6 * np.abs(truth - target.mean()).mean()


def test_gradients_of_the_radial_network_are_those_of_finite_differences():
    shown, target = rows(7, 3)
    rng = np.random.default_rng(0)
    values = [rng.random((4, 5)), rng.normal(size=4), rng.normal(size=4), np.array([0.3])]

    def loss():
        predicted = RadialNetwork(tuple(values)).predict(shown)
        return np.abs(predicted - target).mean()

    slopes = _slopes(values, shown, target)
    for value, slope in zip(values, slopes, strict=True):
        for place in np.ndindex(value.shape):
            kept = value[place]
            value[place] = kept + 1e-6
            above = loss()
            value[place] = kept - 1e-6
            below = loss()
            value[place] = kept
            assert slope[place] == pytest.approx((above - below) / 2e-6, abs=1e-5)


def test_comparison_reports_errors_significance_and_effect():
    table, target = rows(40, 0)
    comparison = compare(table, target, seed=0, splits=3)
    assert set(comparison.errors) == set(REGRESSIONS)
    assert all(len(errors) == 3 for errors in comparison.errors.values())
    means = comparison.to_dict()["mean_absolute_error"]
    assert comparison.best == min(means, key=means.get)
    assert set(comparison.p_values) == set(REGRESSIONS) - {comparison.best}
    assert all(effect >= 0 for effect in comparison.effects.values())


def test_faithful_mode_samples_trains_compares_and_evolves():
    run = TrialRunner(Smooth(), Journal())
    problem = Problem(CLONE, avatar_v1_space(), Budget(), shipped, run_trials=run)
    result = AvatarV1(Mode.FAITHFUL, sample=12, splits=1, generations=20).search(problem, seed=0)
    assert len(result.trials) == 12
    assert set(result.details["mean_absolute_error"]) == set(REGRESSIONS)
    (candidate,) = result.front.candidates
    genome = tuple(getattr(candidate.config, gene) for gene in GENES)
    assert v1_fitness(genome, candidate.scores.effectiveness, 3.0) == pytest.approx(result.details["fitness"])


def test_sizes_are_scaled_by_their_domains():
    space = small_space()
    table = sizes(space, [c for c in space if c.num_attention_heads in (1, 8)])
    assert table.min(axis=0).tolist() == [0.0] * 5
    assert table.max(axis=0).tolist() == [1.0] * 5


def test_repaired_mode_pays_for_bytes_with_effectiveness():
    def search(weight):
        run = TrialRunner(Smooth(), Journal())
        problem = Problem(CLONE, small_space(), Budget(max_bytes=800_000), shipped, run_trials=run)
        strategy = AvatarV1(sample=20, epochs=4, size_weight=weight, flops_weight=0.0)
        return strategy.search(problem, seed=0).front.candidates[0].scores

    free, dear = search(0.0), search(0.5)
    assert free.effectiveness > dear.effectiveness
    assert free.size_bytes > dear.size_bytes
