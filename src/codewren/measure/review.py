"""How well a ranking says which functions to review first: beside their length, and among functions of equal length."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.measure.transfer import area_under_curve

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]
NEAR = 0.2
"""How far apart, as a share, the lengths of functions of equal length may lie."""


def auc(scores: Any, labels: Labels) -> float:
    """Area under the curve of a vulnerable function above another."""
    values = np.asarray(scores, np.float64)
    return float(area_under_curve(values[labels], values[~labels]))


def equal_length_order(scores: Scores, labels: Labels, lengths: Scores) -> tuple[float, int]:
    """How many pairs of a vulnerable and another function of its length are in order (ties half), and of how many.

    >>> equal_length_order(np.array([2.0, 1.0, 3.0]), np.array([True, False, False]), np.array([10.0, 11.0, 90.0]))
    (1.0, 1)
    """
    vulnerable, other = lengths[labels][:, None], lengths[~labels][None]
    near = np.abs(other - vulnerable) <= NEAR * vulnerable
    steps = scores[labels][:, None] - scores[~labels][None]
    return float(((steps > 0) + 0.5 * (steps == 0))[near].sum()), int(near.sum())


def equal_length_auc(groups: Iterable[tuple[Scores, Labels, Scores]]) -> float:
    """Share of the pairs of functions of equal length, each of one group, that are in order."""
    counts = [equal_length_order(*group) for group in groups]
    pairs = sum(count for _, count in counts)
    return sum(right for right, _ in counts) / pairs if pairs else float("nan")


def flagged(scores: Scores, share: float) -> Labels:
    """The functions above the quantile that leaves `share` of them: ties at it are left out."""
    return np.asarray(scores > np.quantile(scores, 1 - share))
