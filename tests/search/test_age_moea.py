"""AGE-MOEA's survival against loops written from the paper, and shapes whose exponent is known."""

import numpy as np
import pytest
from pymoo.core.population import Population
from pymoo.core.problem import Problem

from codewren.search.age_moea import GeometrySurvival, corners, curvature, intercepts, survival_scores
from codewren.search.fronts import hypervolume
from codewren.search.nsga2 import evolved_front
from codewren.search.space.points import Points
from codewren.search.space.space import Domain, SearchSpace


def on_sphere(power, count=200, axes=3, seed=0):
    """Points of the Lp sphere, its corners among them."""
    points = np.random.default_rng(seed).dirichlet(np.ones(axes), count) ** (1 / power)
    return np.vstack([np.eye(axes), points])


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 4.0])
def test_the_exponent_of_a_sphere_is_found(power):
    front = np.vstack([on_sphere(power), np.full((1, 3), 3 ** (-1 / power))])
    ends = corners(front)
    assert sorted(ends) == [0, 1, 2]
    assert intercepts(front, ends) == pytest.approx([1, 1, 1])
    assert curvature(front, ends) == pytest.approx(power)


def test_scaled_objectives_change_no_score():
    front = on_sphere(2.0, count=30)
    plain, power, _ = survival_scores(front)
    scaled, again, width = survival_scores(front * [1, 1000, 0.01])
    assert width == pytest.approx([1, 1000, 0.01]) and again == pytest.approx(power)
    assert scaled == pytest.approx(plain, rel=1e-6)


def test_scores_are_those_of_the_papers_loops():
    front = on_sphere(1.5, count=12, axes=4, seed=3)
    scores, power, width = survival_scores(front)
    unit = front / width
    norm = lambda v: (np.abs(v) ** power).sum() ** (1 / power)  # noqa: E731
    chosen, left = corners(front), [row for row in range(len(front)) if row not in corners(front)]
    while left:
        worth = {}
        for row in left:
            gaps = sorted(norm(unit[row] - unit[other]) for other in chosen)
            worth[row] = (gaps[0] + gaps[1]) / norm(unit[row])
        best = max(left, key=lambda row: worth[row])
        assert scores[best] == pytest.approx(worth[best])
        chosen.append(best)
        left.remove(best)
    assert np.isinf(scores[corners(front)]).all()


@pytest.mark.parametrize(
    "front", [np.zeros((3, 4)), np.zeros((9, 3)), np.eye(3)[[0, 0, 1, 1, 2, 2]], np.array([[0.0, 1.0]])]
)
def test_degenerate_fronts_have_scores_too(front):
    scores, power, width = survival_scores(front)
    assert len(scores) == len(front) and not np.isnan(scores).any()
    assert power > 0 and (width > 0).all()


def test_evolution_with_four_objectives_finds_the_front_of_a_small_space():
    values = tuple(range(1000, 1600, 100))
    fields = ("vocab_size", "hidden_size", "intermediate_size", "max_sequence_length")
    space = SearchSpace("cube", tuple(Domain(name, values) for name in fields))

    def evaluate(points):
        x = np.column_stack([points.codes[name] for name in fields]).astype(float)
        return np.column_stack([x[:, 0], x[:, 1], x[:, 2], (5 - x[:, :3]).sum(axis=1) + x[:, 3]])

    start = Points(space, {name: np.random.default_rng(0).integers(6, size=20) for name in fields})
    everywhere = lambda points: np.ones(len(points), dtype=bool)  # noqa: E731
    found = evolved_front(start, evaluate, everywhere, generations=25, seed=0, survival=GeometrySurvival())
    every = Points(space, dict(zip(fields, np.indices((6,) * 4).reshape(4, -1), strict=True)))
    worst = evaluate(every).max(axis=0) + 1
    assert hypervolume(evaluate(found), worst) >= 0.97 * hypervolume(evaluate(every), worst)
    assert hypervolume(evaluate(start), worst) < 0.9 * hypervolume(evaluate(every), worst)


def test_of_a_front_that_does_not_fit_the_same_points_stay_whatever_the_order_of_the_rows():
    first = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    second = (
        first + np.linspace(0.3, 0.32, 20)[:, None]
    )  # pymoo's own keeps the last rows here (findings/pymoo-age-moea-last-front.sh)

    def survivors(order):
        rows = np.vstack([first, second])[order]
        population = Population.new("X", np.array(order)[:, None], "F", rows)
        problem = Problem(n_var=1, n_obj=3, xl=0, xu=100)
        stays = GeometrySurvival().do(problem, population, n_survive=28)
        return {int(individual.X[0]) for individual in stays}

    order = list(range(40))
    assert set(range(20)) < survivors(order) == survivors(order[::-1])
