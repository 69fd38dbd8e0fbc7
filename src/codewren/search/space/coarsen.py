"""Spaces of which too many points keep the budget to list them all: the same ranges in coarser steps."""

from collections.abc import Sequence

import numpy as np

from codewren.search.space.enumerate import MOST_POINTS, Limit
from codewren.search.space.points import Points, divisible
from codewren.search.space.space import SearchSpace

_SAMPLE = 100_000
_SHORT_DOMAIN = 9  # values a domain keeps at least, so that no choice of a few is lost
_TARGET = 0.5  # of the most points: the estimate is rough


def listable(space: SearchSpace, limits: Sequence[Limit], fields: Sequence[str]) -> SearchSpace:
    """The space itself, or one with every second value of its longest domains until its feasible set can be listed.

    Smallest and largest values stay. `fields` are those whose combinations would be listed.
    """
    while _estimated_count(space, limits, fields) > _TARGET * MOST_POINTS:
        whole = [name for name in fields if isinstance(space.values(name)[0], int)]
        longest = max(whole, key=lambda name: len(space.values(name)), default=None)
        if longest is None or len(space.values(longest)) <= _SHORT_DOMAIN:
            break
        values = space.values(longest)
        indices = np.linspace(0, len(values) - 1, len(values) // 2 + 1).round().astype(int)
        space = space.with_domains({longest: tuple(values[index] for index in indices.tolist())})
    return space


def _estimated_count(space: SearchSpace, limits: Sequence[Limit], fields: Sequence[str]) -> float:
    """Feasible combinations of the fields, from a random sample of all."""
    varied = [name for name in space.field_names if name in fields]
    grid = float(np.prod([float(len(space.values(name))) for name in varied])) if varied else 1.0
    if grid <= MOST_POINTS:
        return 0.0
    rng = np.random.default_rng(0)
    points = Points(space, {name: rng.integers(len(space.values(name)), size=_SAMPLE) for name in varied})
    points = points.take(divisible(points))
    for limit in limits:
        points = points.take(limit.keeps(points)) if len(points) else points
    return grid * len(points) / _SAMPLE
