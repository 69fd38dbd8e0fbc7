"""A figure with its interval, and intervals that need the standard library only: the base install has no NumPy."""

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from math import exp, floor, lgamma, log
from typing import Any, Self

from codewren.core.errors import InputError

CONFIDENCE = 0.95
RESAMPLES = 2000
NO_ITEMS = "- (no items)"
NOTHING_KNOWN = (0.0, 0.0, 1.0)
"""Value and ends of a share of no items."""
RESAMPLED_NUMBERS = 1_000_000
"""Draws a bootstrap makes at most, so that many items mean fewer resamples, not minutes."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure with its 95 % interval; where it rests on no items (n = 0) nothing is known, and all say so.

    Attributes:
        name: what was measured.
        value: the figure.
        low: lower end of the interval.
        high: upper end of the interval.
        n: what it rests on, the denominator of a proportion, else the number of items.
    """

    name: str
    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]" if self.n else NO_ITEMS

    def times(self, factor: float, name: str | None = None) -> Self:
        """The figure in another unit."""
        return type(self)(name or self.name, self.value * factor, self.low * factor, self.high * factor, self.n)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; the figures of no items are null."""
        return asdict(self) if self.n else {**asdict(self), "value": None, "low": None, "high": None}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(**raw) if raw["n"] else cls(raw["name"], *NOTHING_KNOWN, 0)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of the values stays below, interpolated between neighbours.

    >>> quantile([1.0, 2.0, 4.0], 0.75)
    3.0
    """
    if not values:
        raise InputError("no values: a quantile needs one or more")
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    below = floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def quantile_measure(name: str, values: Sequence[float], share: float = 0.5) -> Measure:
    """A quantile with its exact interval, whatever the values' distribution: two of the values themselves.

    With too few values for 95 % (under 6 for a median) the ends are the smallest and the largest of them.

    Source: Hahn and Meeker, Statistical Intervals (1991), section 5.2.
    """
    ordered = sorted(values)
    low, high = _order_places(len(ordered), share)
    return Measure(name, quantile(ordered, share), ordered[low], ordered[high], len(ordered))


def bootstrap_measure(
    name: str, values: Sequence[float], statistic: Callable[[Sequence[float]], float] = statistics.fmean
) -> Measure:
    """A statistic of the values with its percentile bootstrap interval; seeded, so equal values give equal ends."""
    value = statistic(values)
    rng, n = random.Random(0), len(values)
    draws = (rng.choices(values, k=n) for _ in range(resamples(n)))
    return percentile_measure(name, value, [statistic(draw) for draw in draws], n)


def resamples(n: int) -> int:
    """How many resamples of `n` items a bootstrap draws."""
    return max(200, min(RESAMPLES, RESAMPLED_NUMBERS // max(n, 1)))


def percentile_measure(name: str, value: float, drawn: Sequence[float], n: int) -> Measure:
    """A figure with the percentiles of its resamples."""
    tail = (1 - CONFIDENCE) / 2
    return Measure(name, value, quantile(drawn, tail), quantile(drawn, 1 - tail), n)


@lru_cache(maxsize=64)
def _order_places(n: int, share: float) -> tuple[int, int]:
    """Places, from 0, of the two ordered values that hold the quantile; each tail has at most 2.5 %."""
    tail = (1 - CONFIDENCE) / 2
    log_choose = [lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) for k in range(n + 1)]
    chance = [exp(c + k * log(share) + (n - k) * log(1 - share)) for k, c in enumerate(log_choose)]
    low, below = 0, chance[0]  # P(at most `low` values lie below the quantile)
    while low + 1 < n and below + chance[low + 1] <= tail:
        low += 1
        below += chance[low]
    high, above = n - 1, chance[n]
    while high > 0 and above + chance[high] <= tail:
        above += chance[high]
        high -= 1
    return low, high
