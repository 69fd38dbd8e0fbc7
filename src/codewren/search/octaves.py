"""Doublings of a cost: what makes a search look at small and large students alike."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def octaves(amounts: NDArray[np.float64], top: float) -> NDArray[np.intp]:
    """For each amount how often it can be doubled within `top`: 0 from just above half of it.

    >>> octaves(np.array([3.0, 1.6, 1.5, 0.8, 0.1]), 3.0).tolist()
    [0, 0, 1, 1, 4]
    """
    times = np.floor(np.log2(top / np.maximum(amounts, 1e-12)) + 1e-9)
    return np.asarray(np.maximum(times, 0), dtype=np.intp)


def best_of_each(groups: Sequence[int], worth: NDArray[np.float64]) -> list[int]:
    """In every group the place of greatest worth (of equals the first), groups in ascending order."""
    table = np.asarray(groups)
    return [int(np.flatnonzero(table == group)[worth[table == group].argmax()]) for group in np.unique(table)]
