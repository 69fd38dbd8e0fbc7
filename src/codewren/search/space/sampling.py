"""Drawing configurations: uniformly, far apart, or spread over what they cost."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codewren.core.student_config import StudentConfig
from codewren.search.space.features import Matrix, features
from codewren.search.space.points import Points

_CANDIDATES = 20  # of which adaptive random sampling keeps the farthest; the paper's number
_PATIENCE = 20  # draws for each configuration wanted, where a space may have too few


def with_free_fields(points: Points, rng: np.random.Generator) -> Points:
    """The points with a random value in every field of the space that they leave open."""
    for domain in points.space.domains:
        if domain.field not in points.codes:
            points = points.with_codes(domain.field, rng.integers(len(domain.values), size=len(points)))
    return points


def draw(points: Points, count: int, rng: np.random.Generator) -> list[StudentConfig]:
    """Distinct configurations, uniform over the points and over the fields they leave open.

    Fewer come back where there are no more.
    """
    drawn: dict[StudentConfig, None] = {}
    for _ in range(_PATIENCE * count):
        row = with_free_fields(points.take(rng.integers(len(points), size=1)), rng)
        drawn.setdefault(row.config(0))
        if len(drawn) == count:
            break
    return list(drawn)


def adaptive_random(points: Points, count: int, rng: np.random.Generator) -> list[StudentConfig]:
    """Configurations far from each other: of 20 random ones always the one farthest from all chosen.

    Unlike the second paper's, distances are between encoded features, so that no field outweighs the others.

    Source: SPEC 2.5.
    """
    chosen = draw(points, 1, rng)
    while len(chosen) < count:
        pool = [config for config in draw(points, _CANDIDATES, rng) if config not in chosen]
        if not pool:
            break
        table = features(Points.of(points.space, [*chosen, *pool]))
        chosen.append(pool[farthest(table[: len(chosen)], table[len(chosen) :])])
    return chosen


def spread_by_cost(points: Points, amounts: NDArray[np.float64], count: int, rng: np.random.Generator) -> list[int]:
    """Places of points whose cost rises by equal ratios from the cheapest to the dearest, otherwise far apart.

    In each of `count` equal bands of log cost, of 20 random points the one farthest from all chosen so far.
    """
    level = np.log(np.maximum(amounts, 1e-12))
    edges = np.linspace(level.min(), level.max(), count + 1)[1:-1]
    band = np.searchsorted(edges, level)
    chosen: list[int] = []
    for number in range(count):
        inside = np.flatnonzero(band == number)
        inside = inside[~np.isin(inside, chosen)]
        if len(inside):
            pool = rng.choice(inside, size=min(_CANDIDATES, len(inside)), replace=False)
            table = features(points.take(np.concatenate([np.array(chosen, dtype=np.intp), pool])))
            chosen.append(int(pool[farthest(table[: len(chosen)], table[len(chosen) :]) if chosen else 0]))
    return chosen


def farthest(chosen: Matrix, pool: Matrix) -> int:
    """Row of the pool whose nearest chosen row is the farthest."""
    gaps = ((pool[:, None, :] - chosen[None, :, :]) ** 2).sum(axis=2).min(axis=1)
    return int(np.argmax(gaps))


def distinct(configs: Sequence[StudentConfig]) -> list[StudentConfig]:
    """The configurations without repetition, in order."""
    return list(dict.fromkeys(configs))
