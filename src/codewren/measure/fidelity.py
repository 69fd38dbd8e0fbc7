"""Whether a student judges as its teacher does, and whether it judges code or what its author called things.

Shape key: N items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from codewren.core.errors import InputError
from codewren.measure.estimate import NOTHING_KNOWN
from codewren.measure.fields import Fields
from codewren.measure.intervals import (
    RESAMPLES,
    Floats,
    Ints,
    Measure,
    PairedTest,
    paired_test,
    proportion,
    summary,
)
from codewren.measure.metrics import ECE_BINS, check, confusion

Flags = NDArray[np.bool_]

_Z = 1.959963984540054  # of the normal distribution, for 95 %


def wilson(name: str, successes: int, n: int) -> Measure:
    """A share with Wilson's score interval; of nothing it is 0, and the interval says that nothing is known.

    Source: Wilson, Journal of the American Statistical Association 22 (1927).

    >>> str(wilson("flips", 8, 10))
    '0.8000 [0.4902, 0.9433]'
    """
    if not 0 <= successes <= n:
        raise InputError(f"{successes} of {n} is no share; wanted 0 <= successes <= n")
    if n == 0:
        return Measure(name, *NOTHING_KNOWN, 0)
    share, spread = successes / n, _Z**2 / n
    middle = share + spread / 2
    half = _Z * np.sqrt(share * (1 - share) / n + spread / (4 * n))
    low = 0.0 if successes == 0 else float((middle - half) / (1 + spread))
    high = 1.0 if successes == n else float((middle + half) / (1 + spread))
    return Measure(name, share, low, high, n)


def kappa(first: Ints, second: Ints, *, classes: int, seed: int = 0) -> Measure:
    """Agreement of two judges beyond what their habits alone would give, with a bootstrap interval.

    1 is perfect, 0 is chance; where both always say the same one label it is 1 by convention.

    Raises:
        InputError: lengths differ, or no items.

    Source: Cohen, Educational and Psychological Measurement 20 (1960).
    """
    if len(first) != len(second) or len(first) == 0:
        raise InputError(f"{len(first)} and {len(second)} labels; wanted equally many, one or more")
    matrix, n = confusion(first, second, classes=classes), len(first)
    draws = np.random.default_rng(seed).multinomial(n, matrix.ravel() / n, RESAMPLES).reshape(-1, classes, classes)
    return summary("kappa", float(_kappa(matrix)), _kappa(draws), n)


def _kappa(matrix: NDArray[np.int64]) -> Floats:
    n = matrix.sum((-2, -1)).astype(np.float64)
    agreed = np.trace(matrix, axis1=-2, axis2=-1) / n
    chance = (matrix.sum(-1) * matrix.sum(-2)).sum(-1) / n**2
    kappas: Floats = np.divide(agreed - chance, 1 - chance, out=np.ones_like(agreed), where=chance < 1)
    return kappas


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Items whose likeliest label has a probability above `low` and at most `high`.

    Attributes:
        low: of the range.
        high: of the range.
        count: of items in it.
        confidence: mean probability of their likeliest label.
        accuracy: share of them that are right.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability_bins(labels: Ints, probabilities: Floats) -> tuple[ReliabilityBin, ...]:
    """Those of the 15 equal bins of the calibration error that hold items.

    Raises:
        InputError: shapes that do not fit, labels out of range, values that are not finite.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 2.
    """
    check(labels, probabilities)
    confidence_N = probabilities.max(axis=1)
    right_N = probabilities.argmax(axis=1) == labels
    bins_N = np.clip(np.ceil(confidence_N * ECE_BINS).astype(np.int64) - 1, 0, ECE_BINS - 1)
    bins = []
    for k in np.unique(bins_N):
        inside = bins_N == k
        means = float(confidence_N[inside].mean()), float(right_N[inside].mean())
        bins.append(ReliabilityBin(float(k / ECE_BINS), float((k + 1) / ECE_BINS), int(inside.sum()), *means))
    return tuple(bins)


@dataclass(frozen=True, slots=True)
class FlipRate:
    """How many of the items that an edit changed got another label.

    Attributes:
        flipped: items.
        rate: their share of the edited ones, Wilson interval.
    """

    flipped: int
    rate: Measure

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        rate = self.rate.to_dict()
        return {
            "edited": rate["n"], "flipped": self.flipped, "rate": rate["value"], "low": rate["low"],
            "high": rate["high"],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        edited = raw.count("edited")
        empty = edited == 0 and not raw.has("rate")
        value, low, high = NOTHING_KNOWN if empty else (raw.number(end) for end in ("rate", "low", "high"))
        return cls(raw.count("flipped"), Measure("flips", value, low, high, edited))


@dataclass(frozen=True, slots=True, eq=False)
class Flips:
    """What an edit that keeps the meaning did to predictions.

    Attributes:
        edited_N: items whose text the edit changed.
        flipped_N: of all items, those whose prediction changed.
    """

    edited_N: Flags
    flipped_N: Flags

    @property
    def rate(self) -> Measure:
        """Share of the edited items whose prediction flipped, Wilson interval."""
        return wilson("flips", int(self.flipped_N.sum()), int(self.edited_N.sum()))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: that of their rate."""
        return FlipRate(int(self.flipped_N.sum()), self.rate).to_dict()


def flips(before: Ints, after: Ints, edited: Flags) -> Flips:
    """Compare predictions of items (N,) before and after an edit.

    Raises:
        InputError: an item flipped whose text is the same: then the predictor is not deterministic.
    """
    flipped = before != after
    if (flipped & ~edited).any():
        raise InputError(
            f"{int((flipped & ~edited).sum())} items with the same text got another label; the predictor is not "
            "deterministic"
        )
    return Flips(edited, flipped)


def compare_flips(first: Flips, second: Flips) -> PairedTest:
    """Which of two predictors flips more often on the items that one edit changed.

    Raises:
        InputError: the edits are not the same.
    """
    if not np.array_equal(first.edited_N, second.edited_N):
        raise InputError("flips of different edits cannot be compared; edit with one seed")
    return paired_test(first.flipped_N[first.edited_N], second.flipped_N[first.edited_N])


@dataclass(frozen=True, slots=True)
class Slice:
    """Quality on a part of the items.

    Attributes:
        by: what is sliced: `length`, `project`.
        name: of the slice.
        accuracy: in it, exact interval.
        elsewhere: accuracy outside of it.
    """

    by: str
    name: str
    accuracy: Measure
    elsewhere: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        a = self.accuracy
        return {
            "by": self.by, "name": self.name, "n": a.n, "accuracy": a.value, "low": a.low, "high": a.high,
            "rest": self.elsewhere,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        accuracy = Measure("accuracy", raw.number("accuracy"), raw.number("low"), raw.number("high"), raw.count("n"))
        return cls(raw.text("by"), raw.text("name"), accuracy, raw.number("rest"))


def slices(right: Flags, groups: Mapping[str, Sequence[str]]) -> tuple[Slice, ...]:
    """Accuracy on each slice of the items, the worst first.

    Args:
        right: items (N,) that were judged rightly.
        groups: for each way to slice, the name of every item's slice.
    """
    worst_first = []
    for by, names in groups.items():
        names_N = np.asarray(names)
        for name in dict.fromkeys(names):
            inside = names_N == name
            share = proportion("accuracy", int(right[inside].sum()), int(inside.sum()))
            elsewhere = float(right[~inside].mean()) if (~inside).any() else share.value
            worst_first.append(Slice(by, name, share, elsewhere))
    return tuple(sorted(worst_first, key=lambda piece: piece.accuracy.value))


def quartile_names(sizes: Sequence[int], unit: str) -> list[str]:
    """The quarter that each size lies in, by name; fewer where sizes coincide.

    >>> quartile_names([1, 2, 3, 40], "lines")
    ['up to 1 lines', '2 to 2 lines', '3 to 3 lines', 'above 3 lines']
    """
    values = np.asarray(sizes)
    cuts = sorted({int(np.quantile(values, share, method="lower")) for share in (0.25, 0.5, 0.75)})
    quarters = np.searchsorted(cuts, values, side="left")
    names = [f"up to {cuts[0]} {unit}"]
    names += [f"{low + 1} to {high} {unit}" for low, high in pairwise(cuts)]
    names.append(f"above {cuts[-1]} {unit}")
    return [names[quarter] for quarter in quarters]
