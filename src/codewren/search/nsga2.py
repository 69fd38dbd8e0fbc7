"""Multi-objective evolution inside the feasible set: pymoo's NSGA-II over domain indices, every child repaired.

With AGE-MOEA's survival (`age_moea`) in place of its own it is that algorithm.

All points ever judged are archived, because pymoo's own result is capped at the population.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import Problem as MultiObjectiveProblem
from pymoo.core.repair import Repair
from pymoo.operators.crossover.ux import UniformCrossover
from pymoo.operators.mutation.pm import PM
from pymoo.operators.survival.rank_and_crowding import RankAndCrowding
from pymoo.optimize import minimize

from codewren.search.fronts import Table, nondominated
from codewren.search.space.points import Points, code_type
from codewren.search.space.space import SearchSpace

Indices = NDArray[np.int64]
_HALVINGS = 64


def evolved_front(
    start: Points,
    evaluate: Callable[[Points], Table],
    feasible: Callable[[Points], NDArray[np.bool_]],
    *,
    generations: int,
    seed: int,
    survival: Any = None,
) -> Points:
    """Points that no other point judged on the way dominates.

    `start` is the first population; all its points are feasible. `evaluate` gives the objectives to make small. A child
    outside the feasible set is pulled toward a random member of `start`, half way at a time. `survival` is a survival
    of pymoo's, NSGA-II's own by default.
    """
    names = [domain.field for domain in start.space.domains]
    archive: list[Indices] = []

    def points_of(rows: Indices) -> Points:
        return table_points(start.space, names, rows)

    first = table_indices(start, names)
    highest = np.array([len(start.space.values(name)) - 1 for name in names])
    problem = _Archiving(highest, evaluate(start).shape[1], lambda rows: evaluate(points_of(rows)), archive)
    algorithm = NSGA2(
        pop_size=len(first),
        sampling=first,
        crossover=UniformCrossover(prob=0.9),
        mutation=PM(prob=1.0, prob_var=1.5 / len(names), eta=5.0, vtype=float, repair=None),
        survival=survival or RankAndCrowding(),
        repair=_IntoFeasible(lambda rows: feasible(points_of(rows)), first),
        eliminate_duplicates=True,
    )
    minimize(problem, algorithm, ("n_gen", generations), seed=seed, verbose=False)
    every = np.unique(np.vstack(archive), axis=0)
    every = every[nondominated(evaluate(points_of(every)))]
    return points_of(every)


def table_indices(points: Points, names: list[str]) -> Indices:
    """Domain indices, one row a point."""
    zeros = np.zeros(len(points), dtype=np.int64)
    return np.column_stack([points.codes.get(name, zeros).astype(np.int64) for name in names])


def table_points(space: SearchSpace, names: list[str], rows: Indices) -> Points:
    """The points of rows of domain indices."""
    kinds = [code_type(len(space.values(name))) for name in names]
    return Points(
        space, {name: rows[:, i].astype(kind) for i, (name, kind) in enumerate(zip(names, kinds, strict=True))}
    )


class _Archiving(MultiObjectiveProblem):  # type: ignore[misc]
    """Objectives of rows of indices, each judged row archived."""

    def __init__(
        self, highest: Indices, count: int, evaluate: Callable[[Indices], Table], archive: list[Indices]
    ) -> None:
        super().__init__(n_var=len(highest), n_obj=count, xl=np.zeros(len(highest)), xu=highest)
        self._evaluate_rows, self._archive = evaluate, archive

    def _evaluate(self, x: Any, out: dict[str, Any], *_: Any, **__: Any) -> None:
        rows = np.rint(x).astype(np.int64)
        self._archive.append(rows)
        out["F"] = self._evaluate_rows(rows)


class _IntoFeasible(Repair):  # type: ignore[misc]
    """Pulls infeasible children toward random members of the start, half way at a time, until they are feasible."""

    def __init__(self, feasible: Callable[[Indices], NDArray[np.bool_]], anchors: Indices) -> None:
        super().__init__()
        self._feasible, self._anchors = feasible, anchors

    def _do(self, _problem: Any, x: Any, *, random_state: np.random.Generator, **_: Any) -> Indices:
        return pulled(np.rint(x).astype(np.int64), self._anchors, self._feasible, random_state)


def pulled(
    rows: Indices, anchors: Indices, feasible: Callable[[Indices], NDArray[np.bool_]], rng: np.random.Generator
) -> Indices:
    """The rows, those outside the feasible set pulled toward a random anchor inside, half way at a time."""
    rows, anchors = rows.copy(), anchors[rng.integers(len(anchors), size=len(rows))]
    for _attempt in range(_HALVINGS):
        outside = np.flatnonzero(~feasible(rows))
        if not len(outside):
            break
        gap = rows[outside] - anchors[outside]
        rows[outside] = anchors[outside] + np.trunc(gap / 2).astype(np.int64)
    return rows
