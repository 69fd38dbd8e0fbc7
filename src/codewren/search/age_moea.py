"""AGE-MOEA's survival: who stays when there are many objectives, by the shape of the front itself.

NSGA-II's crowding distance says little above three objectives, where almost nobody is dominated. AGE-MOEA fits the
front with an Lp sphere (p from the point nearest the diagonal) and keeps those that are near to the ideal point and far
from others, both in that norm. Ours needs NumPy only; pymoo's wants numba.

Source: Panichella, An Adaptive Evolutionary Algorithm based on Non-Euclidean Geometry for Many-Objective Optimization,
GECCO 2019, algorithms 1 and 2.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymoo.core.survival import Survival
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

from codewren.search.fronts import Table

_FLATTEST, _ROUNDEST = 0.1, 20.0  # exponents beyond these are numbers that a float cannot hold
_TINY = 1e-8

Scores = NDArray[np.float64]


class GeometrySurvival(Survival):  # type: ignore[misc]
    """Fronts in order; of the one that does not fit whole, the highest survival scores."""

    def __init__(self) -> None:
        super().__init__(filter_infeasible=True)
        self._sorting = NonDominatedSorting()

    def _do(self, _problem: Any, pop: Any, *_: Any, n_survive: int, **__: Any) -> Any:
        objectives = pop.get("F")
        fronts = self._sorting.do(objectives, n_stop_if_ranked=n_survive)
        first = objectives[fronts[0]]
        ideal = first.min(axis=0)
        scores, power, width = survival_scores(first - ideal)
        survivors: list[int] = []
        for rank, front in enumerate(fronts):
            score = scores if rank == 0 else _nearness((objectives[front] - ideal) / width, power)
            for row, value in zip(front, score, strict=True):
                pop[row].set("rank", rank)
                pop[row].set("crowding", float(value))
            best_first = np.argsort(-score, kind="stable")[: n_survive - len(survivors)]
            survivors += np.asarray(front)[best_first].tolist()
        return pop[survivors]


def survival_scores(front: Table) -> tuple[Scores, float, Scores]:
    """Of a front whose ideal point is 0: a score each, the exponent p of its norm, and the width of each objective.

    Corners score infinity; then always the point that is farthest from its two nearest chosen ones, for its own
    distance from the ideal point.
    """
    count = len(front)
    ends = corners(front)
    width = intercepts(front, ends)
    unit = front / width
    power = curvature(unit, ends)
    if count <= front.shape[1]:
        return np.full(count, np.inf), power, width
    gaps = _norms(unit[:, None, :] - unit[None, :, :], power)
    gaps = np.maximum(gaps, _TINY) / np.maximum(_norms(unit, power), _TINY)[:, None]
    scores = np.zeros(count)
    scores[ends] = np.inf
    chosen, left = list(ends), [row for row in range(count) if row not in ends]
    while left:
        nearest = np.sort(gaps[np.ix_(left, chosen)], axis=1)[:, :2].sum(axis=1)
        farthest = int(np.argmax(nearest))
        row = left.pop(farthest)
        scores[row] = nearest[farthest]
        chosen.append(row)
    return scores, power, width


def corners(front: Table) -> list[int]:
    """For each objective the row nearest to its axis, each row once; all rows where there are no more than axes."""
    count, axes = front.shape
    if count <= axes:
        return list(range(count))
    ends: list[int] = []
    for direction in np.eye(axes) + 1e-6:
        away = _from_line(front, direction)
        away[ends] = np.inf
        ends.append(int(np.argmin(away)))
    return ends


def intercepts(front: Table, ends: list[int]) -> Scores:
    """Where the plane through the corners cuts the axes; where there is no such plane, the greatest values."""
    greatest = front.max(axis=0)
    safe: Scores = np.where(greatest > 0, greatest, 1.0)
    if len(ends) != front.shape[1] or np.linalg.matrix_rank(front[ends]) < len(ends):
        return safe
    plane = np.linalg.solve(front[ends], np.ones(len(ends)))
    return np.asarray(1.0 / plane) if (np.isfinite(plane) & (plane > 0)).all() else safe


def curvature(unit: Table, ends: list[int]) -> float:
    """Exponent of the Lp sphere through the point nearest the diagonal: 1 a plane, 2 a sphere, below 1 hollow."""
    count, axes = unit.shape
    if count <= len(ends) or axes < 2:
        return 1.0
    away = _from_line(unit, np.ones(axes))
    away[ends] = np.inf
    middle = float(unit[int(np.argmin(away))].mean())
    if not 0 < middle < 1:
        return 1.0
    power = float(np.log(axes) / np.log(1 / middle))
    return 1.0 if power <= _FLATTEST else min(power, _ROUNDEST)


def _from_line(points: Table, direction: Scores) -> Scores:
    """Squared distances to the line through 0."""
    along = points @ direction / (direction @ direction)
    away: Scores = ((points - along[:, None] * direction) ** 2).sum(axis=1)
    return away


def _norms(points: Table, power: float) -> Scores:
    lengths: Scores = (np.abs(points) ** power).sum(axis=-1) ** (1 / power)
    return lengths


def _nearness(points: Table, power: float) -> Scores:
    return 1.0 / np.maximum(_norms(points, power), _TINY)
