"""Fronts of many points, exactly: who is dominated, how much is dominated, which few represent the rest."""

from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
"""One row a point, one column an objective, all to be made small."""


def nondominated(objectives: Table) -> NDArray[np.intp]:
    """Rows that no other row dominates weakly, in order; of equal rows, the first."""
    if not len(objectives):
        return np.zeros(0, dtype=np.intp)
    return np.flatnonzero(moocore.is_nondominated(np.ascontiguousarray(objectives, dtype=np.float64)))


def hypervolume(objectives: Table, reference: Sequence[float]) -> float:
    """Volume between the rows and a reference point that is worse than all of them."""
    return float(moocore.hypervolume(np.ascontiguousarray(objectives, dtype=np.float64), ref=list(reference)))


def scaled(objectives: Table, low: Table, high: Table) -> Table:
    """Objectives with `low` at 0 and `high` at 1; an objective without range is 0 throughout."""
    width = np.where(high > low, high - low, 1.0)
    return np.asarray((objectives - low) / width)


def representatives(objectives: Table, count: int, *, first: Sequence[int] = ()) -> list[int]:
    """Up to `count` rows that together dominate the most, the greatest first: good ones, spread along the front.

    `first` are rows to begin with.
    """
    unit = scaled(objectives, objectives.min(axis=0), objectives.max(axis=0))
    reference = [1.1] * objectives.shape[1]
    chosen = list(first)[:count]
    candidates = [row for row in range(len(objectives)) if row not in chosen]
    while candidates and len(chosen) < count:
        gains = [hypervolume(unit[[*chosen, row]], reference) for row in candidates]
        chosen.append(candidates.pop(int(np.argmax(gains))))
    return chosen
