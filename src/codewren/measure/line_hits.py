"""How often the lines that are named first hold one that a patch changes."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Changed = NDArray[np.bool_]


def hit(scores: Scores, is_changed: Changed, top: int) -> float:
    """Whether a changed line is among the first; lines of equal score share the places that are left.

    >>> hit(np.array([3.0, 2.0, 1.0]), np.array([False, True, False]), 1)
    0.0
    >>> hit(np.array([2.0, 2.0, 1.0]), np.array([False, True, False]), 1)
    0.5
    """
    if top >= len(scores):
        return float(is_changed.any())
    last = np.sort(scores)[-top]
    above, equal = scores > last, scores == last
    if is_changed[above].any():
        return 1.0
    return hit_by_chance(int(equal.sum()), int(is_changed[equal].sum()), top - int(above.sum()))


def hit_by_chance(lines: int, changed: int, top: int) -> float:
    """The probability that one of `top` lines drawn at random is changed.

    >>> hit_by_chance(10, 1, 5)
    0.5
    """
    return 1 - math.comb(lines - changed, top) / math.comb(lines, top)


def hits(scores: Sequence[Scores], changed: Sequence[Changed], top: int) -> Scores:
    """Hits function by function."""
    return np.array([hit(own, lines, top) for own, lines in zip(scores, changed, strict=True)])
