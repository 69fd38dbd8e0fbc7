"""The front a predictor sees, over every feasible point: what any search with that predictor can at best find."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from codewren.core.errors import InputError
from codewren.search.fronts import Table, nondominated
from codewren.search.space.enumerate import HEADS, feasible_points
from codewren.search.space.points import Points
from codewren.search.strategy import Problem
from codewren.search.surrogate import EffectivenessModel, Vector

Prediction: TypeAlias = tuple[Vector, Vector]
"""Means and standard deviations, each of shape (n,)."""

EFFECTIVENESS, FLIPS = "effectiveness", "flips"
_SAMPLE = 64  # points on which settings of the free fields are compared
_MOST_ROWS = 1_000_000  # predictions spent on the free fields of the front's own points


@dataclass(frozen=True, slots=True, eq=False)
class Feasible:
    """The exact feasible set with what each point costs.

    Attributes:
        points: every combination of the fields that cost anything.
        amounts: for each cost objective its amount at every point, shape (n,).
        free: fields with a choice that cost nothing; until they are set they stand at their first value.
    """

    points: Points
    amounts: dict[str, NDArray[np.float64]]
    free: tuple[str, ...]

    @classmethod
    def of(cls, problem: Problem, objectives: Sequence[str]) -> Self:
        """List it.

        Raises:
            InfeasibleError: there is no such point.
            InputError: an objective is unknown.
        """
        costs = problem.costs()
        named = [name for name in objectives if name != EFFECTIVENESS]
        fields = costed_fields(problem, named)
        points = feasible_points(problem.space, problem.limits(), fields=fields)
        free = [d.field for d in problem.space.domains if d.field not in points.codes and len(d.values) > 1]
        return cls(points, {name: costs[name].of(points).astype(np.float64) for name in named}, tuple(free))

    def take(self, selection: NDArray[np.intp]) -> Self:
        """Some of the points."""
        amounts = {name: column[selection] for name, column in self.amounts.items()}
        return replace(self, points=self.points.take(selection), amounts=amounts)

    def with_settings(self) -> Points:
        """Every point with every setting of the free fields, the settings of one point in a row."""
        points = self.points
        for field in self.free:
            points = points.times(field)
        return points

    def __len__(self) -> int:
        return len(self.points)

    def objectives(self, effectiveness: Vector | None) -> Table:
        """What to make small: costs in the order given, then the loss of effectiveness (left out with None)."""
        columns = list(self.amounts.values())
        return np.column_stack(columns if effectiveness is None else [*columns, -effectiveness])


def costed_fields(problem: Problem, objectives: Sequence[str]) -> list[str]:
    """Fields that any limit or cost objective depends on, and those of the heads.

    Raises:
        InputError: an objective is unknown.
    """
    costs = problem.costs()
    named = [name for name in objectives if name != EFFECTIVENESS]
    for name in named:
        if name not in costs:
            raise InputError(f"objective {name!r} cannot be counted here; known: {', '.join((EFFECTIVENESS, *costs))}")
    used = [costs[name] for name in named] + [limit.cost for limit in problem.limits()]
    fields = {*HEADS}.union(*(cost.fields for cost in used))
    return [name for name in problem.space.field_names if name in fields]


@dataclass(frozen=True, slots=True, eq=False)
class PredictedFront:
    """Points that no feasible point dominates, if the predictor is right; shapes (n,)."""

    feasible: Feasible
    effectiveness: Vector
    uncertainty: Vector


def predicted_front(
    feasible: Feasible, predictor: EffectivenessModel, *, with_effectiveness: bool = True
) -> PredictedFront:
    """The front over all points and over the free fields.

    Free fields cost nothing, so only their effect on the prediction counts: the setting best on a sample of points is
    used to find the front, then each point of the front takes the setting best for itself. For a predictor that adds
    the effects of its fields this is exact.
    """
    best = _with_best_free_fields(feasible, predictor)
    mean, deviation = predictor.predict(best.points)
    front = nondominated(best.objectives(mean if with_effectiveness else None))
    best, (mean, deviation) = _each_with_its_best(best.take(front), predictor, (mean[front], deviation[front]))
    again = nondominated(best.objectives(mean if with_effectiveness else None))
    return PredictedFront(best.take(again), mean[again], deviation[again])


def _with_best_free_fields(feasible: Feasible, predictor: EffectivenessModel) -> Feasible:
    if not feasible.free:
        return feasible
    sample = feasible.take(np.arange(0, len(feasible), max(1, len(feasible) // _SAMPLE)))
    every = sample.with_settings()
    means = predictor.predict(every)[0].reshape(len(sample), -1).mean(axis=0)
    best = int(np.argmax(means))
    points = feasible.points
    for field in feasible.free:
        points = points.with_code(field, int(every.codes[field][best]))
    return replace(feasible, points=points)


def _each_with_its_best(
    front: Feasible, predictor: EffectivenessModel, prediction: Prediction
) -> tuple[Feasible, Prediction]:
    combinations = prod(len(front.points.space.values(field)) for field in front.free)
    if combinations * len(front) > _MOST_ROWS:
        return front, prediction
    costed = {name: column for name, column in front.points.codes.items() if name not in front.free}
    every = replace(front, points=Points(front.points.space, costed)).with_settings()
    mean, deviation = predictor.predict(every)
    best = mean.reshape(len(front), -1).argmax(axis=1) + combinations * np.arange(len(front))
    return replace(front, points=every.take(best)), (mean[best], deviation[best])
