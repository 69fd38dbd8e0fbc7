"""How sure a figure is: exact binomial limits, a seeded bootstrap, and tests between predictors.

Shape key: N items, B resamples.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from codewren.core.errors import InputError
from codewren.measure.estimate import CONFIDENCE
from codewren.measure.estimate import RESAMPLES as RESAMPLES  # noqa: PLC0414  whoever wants intervals finds both here
from codewren.measure.estimate import Measure as Measure  # noqa: PLC0414
from codewren.measure.fields import Fields

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def proportion(name: str, successes: int, n: int) -> Measure:
    """A share with its exact interval; of nothing it is 0, and the interval says that nothing is known."""
    low, high = clopper_pearson(successes, n)
    return Measure(name, successes / n if n else 0.0, low, high, n)


def clopper_pearson(successes: int, n: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact interval of a share: the rates that neither one-sided binomial test would reject.

    Source: Clopper and Pearson, Biometrika 26 (1934).

    >>> [round(end, 4) for end in clopper_pearson(8, 10)]
    [0.4439, 0.9748]
    """
    if not 0 <= successes <= n:
        raise InputError(f"{successes} of {n} is no share; wanted 0 <= successes <= n")
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else _bisect(lambda rate: binomial_tail(successes, n, rate) < tail)
    high = 1.0 if successes == n else 1 - _bisect(lambda rate: binomial_tail(n - successes, n, rate) < tail)
    return low, high


def _bisect(below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2


def binomial_tail(successes: int, n: int, rate: float) -> float:
    """Probability of `successes` or more in n draws of this rate: the exact one-sided test against it."""
    if successes <= 0:
        return 1.0
    if not 0 < rate < 1:
        return float(rate >= 1)
    k = np.arange(1, n + 1)
    log_choose = np.concatenate([[0.0], np.cumsum(np.log((n - k + 1) / k))])[successes:]
    k = np.arange(successes, n + 1)
    return min(1.0, float(np.exp(log_choose + k * np.log(rate) + (n - k) * np.log1p(-rate)).sum()))


def bootstrap(name: str, statistic: Callable[[Floats], float], n: int, *, rng: np.random.Generator) -> Measure:
    """A statistic of N items with its percentile bootstrap interval.

    Args:
        name: of the measure.
        statistic: from the items' weights (N,) to a figure; a resample is a vector of counts. NaN is undefined there.
        n: number of items.
        rng: source of the resamples.
    """
    weights_BN = (np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64) for _ in range(RESAMPLES))
    values_B = np.array([statistic(weights_N) for weights_N in weights_BN])
    return summary(name, statistic(np.ones(n)), values_B, n)


def summary(name: str, value: float, values_B: Floats, n: int) -> Measure:
    """A figure with the percentiles of its resamples, of which undefined ones (NaN) are left out."""
    defined = values_B[~np.isnan(values_B)]
    if not len(defined):
        raise InputError(f"{name}: undefined on every resample of {n} items; wanted items of more than one class")
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Measure(name, float(value), float(low), float(high), n)


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Which of two predictors something happens to more often, on the items on which it could happen to both.

    Attributes:
        items: of those.
        only_first: on which it happens to the first predictor alone.
        only_second: to the second alone.
        p_value: of the exact two-sided McNemar test that it happens to both equally often.
    """

    items: int
    only_first: int
    only_second: int
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        return cls(raw.count("items"), raw.count("only_first"), raw.count("only_second"), raw.number("p_value"))


def paired_test(first_N: NDArray[np.bool_], second_N: NDArray[np.bool_]) -> PairedTest:
    """Compare what happened to two predictors, item by item; with no items nothing is known and p is 1.

    Raises:
        InputError: lengths differ.

    Source: McNemar, Psychometrika 12 (1947), exact form.
    """
    if len(first_N) != len(second_N):
        raise InputError(f"a paired test wants the same items twice; got {len(first_N)} and {len(second_N)}")
    only_first, only_second = int((first_N & ~second_N).sum()), int((second_N & ~first_N).sum())
    tail = binomial_tail(max(only_first, only_second), only_first + only_second, 0.5)
    return PairedTest(len(first_N), only_first, only_second, min(1.0, 2 * tail))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two predictors on the same items.

    Attributes:
        only_first_right: items that only the first predicts rightly.
        only_second_right: items that only the second predicts rightly.
        p_value: of the exact two-sided McNemar test that both err equally often.
        difference: accuracy of the first minus that of the second, paired bootstrap interval.
    """

    only_first_right: int
    only_second_right: int
    p_value: float
    difference: Measure

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def mcnemar(labels: Ints, first: Ints, second: Ints, *, seed: int = 0) -> Comparison:
    """Compare two predictors, item by item.

    Args:
        labels: true label indices (N,).
        first: predicted label indices (N,).
        second: predicted label indices (N,).
        seed: of the bootstrap.

    Raises:
        InputError: lengths differ, or there are no items.

    Source: McNemar, Psychometrika 12 (1947), exact form.
    """
    if not len(labels) == len(first) == len(second) or len(labels) == 0:
        raise InputError(
            f"McNemar wants equally many labels and predictions, one or more; got {len(labels)}, {len(first)} and "
            f"{len(second)}: evaluate both on the same split"
        )
    n = len(labels)
    test = paired_test(first == labels, second == labels)
    wins, losses = test.only_first, test.only_second
    # Only the three kinds of items matter, so a resample is a draw of how many there are of each.
    draws_B3 = np.random.default_rng(seed).multinomial(n, np.array([wins, losses, n - wins - losses]) / n, RESAMPLES)
    difference = summary("accuracy difference", (wins - losses) / n, (draws_B3[:, 0] - draws_B3[:, 1]) / n, n)
    return Comparison(wins, losses, test.p_value, difference)
