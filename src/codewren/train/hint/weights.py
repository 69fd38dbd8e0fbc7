"""Weights of features, fitted so that the length of functions is not what they learn.

Every source has its own curve through the length beside the shared weights; the curves are thrown away, and what is
left tells functions of equal length apart. Source: partial regression, Frisch and Waugh, Econometrica 1933.

Shape key: F functions, E entries, C columns of a source's own curve.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from codewren.bundle.hint import MEASURES
from codewren.train.hint.hint_bags import Floats, Matrix

CLASS_FACTORS = {0: 2.0, 2: 3.0, 4: 2.0}
"""Parts of names, of the function's own name, and called names may have larger weights: they hold between projects."""

CLASS_MASK = 31
SCALE = 3.0
"""Of a whole function, whose features' squares add up to it: it sets what the weight decay means."""

CURVE_DECAY = 1e-4
STRETCH = 20.0
"""Of the differences of two versions of a function, which are small."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Labelled functions of one source.

    Attributes:
        rows: numbers of the functions (F,).
        labels: 1 for the positive ones (F,).
        weights: of each in the loss; those of a lesson add up to the weight of the source (F,).
        curve: what only this source may use (F, C).
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    weights: Floats
    curve: Floats


@dataclass(frozen=True, slots=True)
class PairLesson:
    """Vulnerable functions and their fixed versions, of which the first should have the higher score.

    Attributes:
        vulnerable, fixed: numbers of the functions (pairs,).
        weight: of the lesson in the loss.
    """

    vulnerable: NDArray[np.int64]
    fixed: NDArray[np.int64]
    weight: float


def balanced(labels: NDArray[np.int64], weight: float) -> Floats:
    """Weights that let both labels count alike, and add up to `weight`."""
    positive = labels == 1
    shares = 0.5 / np.maximum(1, np.array([(~positive).sum(), positive.sum()], np.float64))
    return np.asarray(weight * shares[positive.astype(np.int64)], np.float64)


def length_curve(measures: NDArray[np.uint32]) -> Floats:
    """A curve through the logarithm of the tokens, with a corner (F, 4)."""
    x = np.log1p(measures[:, MEASURES.index("tokens")].astype(np.float64)) - 5
    return np.stack([np.ones_like(x), x, x**2 / 4, np.maximum(x - 1, 0)], axis=1)


def class_factors(entries: NDArray[np.uint64]) -> Floats:
    """How much easier a weight grows, by the class of the feature (E,)."""
    classes = (entries & np.uint64(CLASS_MASK)).astype(np.int64)
    return SCALE * np.array([CLASS_FACTORS.get(k, 1.0) for k in range(CLASS_MASK + 1)])[classes]


def pair_lesson(matrix: Matrix, pairs: PairLesson) -> tuple[Matrix, Lesson]:
    """Pairs as a lesson: the differences of their features, all positive, with nothing of its own (pairs, E)."""
    count = len(pairs.vulnerable)
    differences = ((matrix[pairs.vulnerable] - matrix[pairs.fixed]) * np.float32(STRETCH)).tocsr()
    weights = np.full(count, pairs.weight / max(1, count))
    return differences, Lesson(np.arange(count), np.ones(count, np.int64), weights, np.zeros((count, 0)))


def fit_weights(
    matrix: Matrix,
    factors: Floats,
    lessons: Sequence[Lesson],
    *,
    l2: float,
    iterations: int,
    pairs: PairLesson | None = None,
) -> NDArray[np.float32]:
    """Shared weights of the entries (E,), by logistic loss and L-BFGS."""
    tables = [_scaled(matrix[lesson.rows], factors) for lesson in lessons]
    if pairs is not None:
        differences, lesson = pair_lesson(matrix, pairs)
        tables, lessons = [*tables, _scaled(differences, factors)], [*lessons, lesson]
    turned = [table.T.tocsr() for table in tables]
    ends = np.cumsum([len(factors), *(lesson.curve.shape[1] for lesson in lessons)])

    def loss(values: Floats) -> tuple[float, Floats]:
        shared, gradient = values[: ends[0]].astype(np.float32), np.zeros_like(values)
        gradient[: ends[0]] = l2 * values[: ends[0]]
        total = l2 / 2 * float(values[: ends[0]] @ values[: ends[0]])
        for k, lesson in enumerate(lessons):
            curve, signs = values[ends[k] : ends[k + 1]], 2.0 * lesson.labels - 1
            margins = signs * (tables[k] @ shared + lesson.curve @ curve)
            total += float(lesson.weights @ np.logaddexp(0, -margins))
            slopes = -lesson.weights * signs / (1 + np.exp(np.clip(margins, -50, 50)))
            gradient[: ends[0]] += turned[k] @ slopes.astype(np.float32)
            gradient[ends[k] : ends[k + 1]] = lesson.curve.T @ slopes + CURVE_DECAY * curve
        return total, gradient

    options = {"maxiter": iterations, "maxcor": 8}
    fitted = minimize(loss, np.zeros(ends[-1]), jac=True, method="L-BFGS-B", options=options).x
    return np.asarray(fitted[: ends[0]] * factors, np.float32)


def _scaled(table: Matrix, factors: Floats) -> Matrix:
    table = table.tocsr()
    table.data = table.data * factors.astype(np.float32)[table.indices]
    return table
