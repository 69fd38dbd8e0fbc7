"""Whether a student deeply mimics its teacher: the four relations of MetaCompress, item by item.

Accuracy can be equal where behaviour is not. On each item teacher and student should give the same label (output
agreement), similar probabilities (distribution similarity), and the same confident judgement where the teacher is
confident (high-confidence preservation); over all items they should be equally well calibrated (calibration
alignment). An item on which one of the first three fails is a discrepancy.

The relations are the paper's; the tolerances are ours, since what counts as similar is not ours to look up for every
task: 0.9 is confident, and distributions are similar up to a Jensen-Shannon divergence of 0.1 bits.

Shape key: N items, K labels.

Source: Awal et al., A Metamorphic Testing Perspective on Knowledge Distillation for Language Models of Code, arXiv
2511.05476. Divergence: Lin, IEEE Transactions on Information Theory 37 (1991).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from codewren.core.errors import InputError
from codewren.measure.estimate import resamples
from codewren.measure.fields import Fields
from codewren.measure.intervals import Floats, Ints, Measure, proportion, summary
from codewren.measure.metrics import ECE_BINS

CONFIDENT = 0.9
"""Probability of its likeliest label from which on a model is confident."""
SIMILAR = 0.1
"""Bits of divergence up to which two distributions are similar."""
NAMES = ("agreement", "divergence", "similarity", "high_confidence", "calibration_gap", "discrepancies")


@dataclass(frozen=True, slots=True)
class Relations:
    """How a student keeps to its teacher on one set of items.

    Attributes:
        agreement: share of items with the same label.
        divergence: mean Jensen-Shannon divergence in bits: 0 equal, 1 opposite.
        similarity: share of items whose divergence is at most `SIMILAR`.
        high_confidence: of the items on which the teacher is confident, the share on which the student gives the same
            label and is confident too.
        calibration_gap: expected calibration error of the student minus the teacher's; None without labels.
        discrepancies: share of items on which agreement, similarity or high-confidence preservation fails.
    """

    agreement: Measure
    divergence: Measure
    similarity: Measure
    high_confidence: Measure
    calibration_gap: Measure | None
    discrepancies: Measure

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        figures = {name: getattr(self, name) for name in NAMES}
        return {name: None if figure is None else figure.to_dict() for name, figure in figures.items()}

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        gap = raw.measure("calibration_gap") if raw.has("calibration_gap") else None
        shares = {name: raw.measure(name) for name in NAMES if name != "calibration_gap"}
        return cls(calibration_gap=gap, **shares)


def relations(student: Floats, teacher: Floats, labels: Ints | None = None, *, seed: int = 0) -> Relations:
    """Compare probabilities (N, K) of both; what is a share has an exact interval, the rest a bootstrap one.

    Raises:
        InputError: shapes differ, or no items.
    """
    if student.shape != teacher.shape or student.ndim != 2 or not len(student):
        raise InputError(f"probabilities of shapes {student.shape} and {teacher.shape}; wanted (N, K) for both, N >= 1")
    count = len(student)
    agreed_N = student.argmax(axis=1) == teacher.argmax(axis=1)
    divergence_N = divergences(student, teacher)
    similar_N = divergence_N <= SIMILAR
    sure_N = teacher.max(axis=1) >= CONFIDENT
    kept_N = agreed_N & (student.max(axis=1) >= CONFIDENT)
    odd_N = ~agreed_N | ~similar_N | (sure_N & ~kept_N)
    return Relations(
        proportion("agreement", int(agreed_N.sum()), count),
        _resampled("divergence", lambda rows_N: float(divergence_N[rows_N].mean()), count, seed=seed),
        proportion("similarity", int(similar_N.sum()), count),
        proportion("high confidence", int((kept_N & sure_N).sum()), int(sure_N.sum())),
        None if labels is None else _calibration_gap(student, teacher, labels, seed=seed),
        proportion("discrepancies", int(odd_N.sum()), count),
    )


def divergences(first: Floats, second: Floats) -> Floats:
    """Jensen-Shannon divergence of each pair of rows, in bits.

    >>> divergences(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])).tolist()
    [1.0, 0.0]
    """
    middle = (first + second) / 2
    return np.asarray((_relative_entropy(first, middle) + _relative_entropy(second, middle)) / 2)


def _relative_entropy(rows: Floats, others: Floats) -> Floats:
    ratio = np.divide(rows, others, out=np.ones_like(rows), where=rows > 0)
    bits: Floats = (rows * np.log2(ratio)).sum(axis=1)
    return bits


def _calibration_gap(student: Floats, teacher: Floats, labels: Ints, *, seed: int) -> Measure:
    """Expected calibration error of the student minus the teacher's, both on the same resamples."""
    ours, theirs = _Binned.of(student, labels), _Binned.of(teacher, labels)
    gap = partial(_difference, ours, theirs)
    return _resampled("calibration gap", gap, len(labels), seed=seed)


def _difference(ours: "_Binned", theirs: "_Binned", rows_N: Ints) -> float:
    return ours.error(rows_N) - theirs.error(rows_N)


def _resampled(name: str, statistic: Callable[[Ints], float], count: int, *, seed: int) -> Measure:
    """A statistic of rows with its percentile bootstrap interval."""
    rng = np.random.default_rng(seed)
    values_B = np.array([statistic(rng.integers(0, count, count)) for _ in range(resamples(count))])
    return summary(name, statistic(np.arange(count)), values_B, count)


@dataclass(frozen=True, slots=True, eq=False)
class _Binned:
    """The calibration bin of every item, and its confidence minus whether it is right; shapes (N,)."""

    bins_N: Ints
    excess_N: Floats

    @classmethod
    def of(cls, probabilities: Floats, labels: Ints) -> Self:
        sure_N = probabilities.max(axis=1)
        bins_N = np.clip(np.ceil(sure_N * ECE_BINS).astype(np.int64) - 1, 0, ECE_BINS - 1)
        return cls(bins_N, sure_N - (probabilities.argmax(axis=1) == labels))

    def error(self, rows_N: Ints) -> float:
        sums = np.bincount(self.bins_N[rows_N], self.excess_N[rows_N], ECE_BINS)
        return float(np.abs(sums).sum() / len(rows_N))
