"""The exact feasible set and the exact optimum, by plain enumeration.

A solver is not needed for a space whose limits are closed forms: numpy lists the 3.5 million feasible architectures
of the second paper in about a second.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np
from numpy.typing import NDArray

from codewren.core.errors import InfeasibleError, InputError
from codewren.search.space.costs import Cost
from codewren.search.space.points import Points, divisible
from codewren.search.space.space import SearchSpace

HEADS = ("hidden_size", "num_attention_heads")
BLOCK = 1_000_000
"""Points evaluated at once: bounds memory."""
MOST_POINTS = 8_000_000
"""Points a listed feasible set may have."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A cost with its cap."""

    cost: Cost
    most: float

    @property
    def words(self) -> str:
        """For messages."""
        return f"{self.cost.name} at most {self.most:,.6g}"

    def keeps(self, points: Points) -> NDArray[np.bool_]:
        """Whether each point keeps the limit."""
        if not len(points):
            return np.zeros(0, dtype=bool)
        return np.asarray(self.cost.of(points) <= self.most)


def feasible_points(space: SearchSpace, limits: Sequence[Limit], *, fields: Sequence[str] = ()) -> Points:
    """Every buildable combination of the fields that the limits depend on (and of `fields`) that keeps all limits.

    The other fields stay at their first value: they can be combined freely. Grown one field after another; a partial
    point is dropped as soon as its lower bound (the remaining fields at their smallest) breaks a limit.

    Raises:
        InfeasibleError: nothing is left; the message names the limits that clash.
        InputError: more points are left than can be listed.
    """
    tables, count = [], 0
    for table in _feasible_tables(space, limits, fields):
        tables.append(table)
        count += len(table)
        if count > MOST_POINTS:
            raise InputError(
                f"search space {space.name!r}: more than {MOST_POINTS:,} points keep the budget, too many to list; "
                "lower a limit or take a space with coarser steps"
            )
    if not tables:
        raise InfeasibleError(_explained(space, limits))
    return Points.joined(tables)


def keep_limits(limits: Sequence[Limit], points: Points) -> NDArray[np.bool_]:
    """Which points can be built and keep all limits."""
    keeps = divisible(points).copy()
    for limit in limits:
        keeps[keeps] = limit.keeps(points.take(keeps))  # costs are defined where heads divide
    return keeps


def check_feasible(space: SearchSpace, limits: Sequence[Limit]) -> None:
    """Look for one combination that keeps all limits, no further.

    Raises:
        InfeasibleError: there is none; the message names the limits that clash.
    """
    if next(iter(_feasible_tables(space, limits, ())), None) is None:
        raise InfeasibleError(_explained(space, limits))


def blocks(space: SearchSpace, fields: Sequence[str]) -> Iterator[Points]:
    """All buildable combinations of some fields, a block at a time."""
    outer, inner = _split(space, [field for field in fields if field in space.field_names])
    table = Points(space, {})
    for field in inner:
        table = table.times(field)
    for codes in np.ndindex(*(len(space.values(field)) for field in outer)):
        block = table
        for field, code in zip(outer, codes, strict=True):
            block = block.with_code(field, code)
        yield block.take(divisible(block)) if block.codes else block


def best_point(
    space: SearchSpace, fields: Sequence[str], fitness: Callable[[Points], NDArray[np.float64]]
) -> tuple[Points, float]:
    """The point with the greatest fitness of all, by looking at every one; of equals, the first in domain order."""
    best: Points | None = None
    greatest = -np.inf
    for block in blocks(space, fields):
        values = fitness(block)
        if not len(values):
            continue
        top = int(np.argmax(values))
        if best is None or values[top] > greatest:
            best, greatest = block.take(slice(top, top + 1)), float(values[top])
    if best is None:
        raise InfeasibleError(f"search space {space.name!r}: no hidden_size is divisible by a num_attention_heads")
    return best, greatest


def _split(space: SearchSpace, fields: Sequence[str]) -> tuple[list[str], list[str]]:
    inner = list(fields)
    while prod(len(space.values(field)) for field in inner) > BLOCK:
        inner.remove(max(inner, key=lambda field: len(space.values(field))))
    return [field for field in fields if field not in inner], inner


def _ascending(space: SearchSpace, field: str) -> bool:
    values = space.values(field)
    return all(a < b for a, b in pairwise(values))


def _growing_order(space: SearchSpace, limits: Sequence[Limit], needed: set[str]) -> list[str]:
    """Fields without a lower bound first; then the long domains, which the bounds cut most; free ones last.

    Where a cost asks single students, heads and hidden size come before any limit is looked at: a student whose heads
    do not divide cannot be built.
    """
    costed = set[str]().union(*(limit.cost.fields for limit in limits))
    unbounded = {f for limit in limits for f in set(limit.cost.fields) - set(limit.cost.rising)}
    asks_single = any(_asks(limit.cost) for limit in limits)

    def rank(field: str) -> tuple[int, int]:
        if asks_single and field in HEADS:
            return 0, 0
        if field not in costed:
            return 3, 0
        loose = field in unbounded or not _ascending(space, field)
        return (1, 0) if loose else (2, -len(space.values(field)))

    return sorted((field for field in space.field_names if field in needed), key=rank)


def _asks(cost: Cost) -> bool:
    """Whether a cost of a table asks for single students."""
    return cost.many is not None or cost.form is None


def _feasible_tables(space: SearchSpace, limits: Sequence[Limit], fields: Sequence[str]) -> Iterator[Points]:
    """Feasible points in tables of bounded size, depth first, so that the first one comes early."""
    needed = {*HEADS, *fields}.union(*(limit.cost.fields for limit in limits))
    order = _growing_order(space, limits, needed)
    start = Points(space, {})
    fixed = [limit for limit in limits if not set(order) & set(limit.cost.fields)]
    if all(limit.keeps(start).all() for limit in fixed):
        yield from _grown(start, order, limits)


def _grown(points: Points, order: Sequence[str], limits: Sequence[Limit]) -> Iterator[Points]:
    if not order:
        yield points
        return
    field, later = order[0], order[1:]
    buildable = not set(later) & set(HEADS)
    step = max(1, BLOCK // len(points.space.values(field)))
    for start in range(0, len(points), step):
        grown = points.take(slice(start, start + step)).times(field)
        if field in HEADS and buildable:
            grown = grown.take(divisible(grown))
        for limit in limits:
            open_fields = set(later) & set(limit.cost.fields)
            bounded = all(f in limit.cost.rising and _ascending(points.space, f) for f in open_fields)
            countable = buildable or not _asks(limit.cost)
            if bounded and countable and field in {*limit.cost.fields, *HEADS}:
                grown = grown.take(limit.keeps(grown))
        if len(grown):
            yield from _grown(grown, later, limits)


def clashing(space: SearchSpace, limits: Sequence[Limit]) -> list[Limit]:
    """The fewest of these limits that cannot be kept together: dropping any one of them would leave a point."""
    core = list(limits)
    for limit in limits:
        fewer = [other for other in core if other is not limit]
        if next(_feasible_tables(space, fewer, ()), None) is None:
            core = fewer
    return core


def _explained(space: SearchSpace, limits: Sequence[Limit]) -> str:
    core = clashing(space, limits)
    if not core:
        return f"search space {space.name!r}: no hidden_size is divisible by a num_attention_heads; widen one of them"
    clash = " and ".join(limit.words for limit in core)
    alone = ", ".join(f"{limit.cost.name} {_least(space, limit.cost):,.6g}" for limit in core)
    return (
        f"search space {space.name!r} has no point with {clash} (least possible alone: {alone}); "
        "raise a limit or widen the space"
    )


def _least(space: SearchSpace, cost: Cost) -> float:
    fields = {*cost.fields} - {field for field in cost.rising if _ascending(space, field)} | {*HEADS}
    return min(float(cost.of(block).min()) for block in blocks(space, sorted(fields)) if len(block))
