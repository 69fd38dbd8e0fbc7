"""Ordinal tasks: labels in their order, the largest of those that are likely enough to be reached.

Shape key: N items, K labels.
"""

import numpy as np

from codewren.measure import metrics
from codewren.measure.intervals import Floats, Ints, Measure, bootstrap


def reached(probabilities: Floats) -> Floats:
    """Probability (N, K) of each label or one beyond it."""
    return np.asarray(np.cumsum(probabilities[:, ::-1], axis=1)[:, ::-1])


def decide_ordinal(probabilities: Floats, threshold: float = 0.5) -> Ints:
    """Predicted labels (N,): the last one that is reached with more than the threshold; at one half it is the median.

    >>> decide_ordinal(np.array([[0.45, 0.25, 0.3]])).tolist()
    [1]
    """
    return np.asarray((reached(probabilities)[:, 1:] > threshold).sum(axis=1), dtype=np.int64)


def ordinal_measures(labels: Ints, predictions: Ints, *, classes: int, rng: np.random.Generator) -> list[Measure]:
    """`mae`, how many labels a prediction is off on average, and `kappa_quadratic`, agreement beyond chance.

    Source: Cohen, Psychological Bulletin 70 (1968), weights (i - j)^2.
    """
    off_N = np.abs(labels - predictions)
    cells_N, distance = labels * classes + predictions, np.subtract.outer(np.arange(classes), np.arange(classes)) ** 2

    def kappa(weights_N: Floats) -> float:
        matrix = np.bincount(cells_N, weights_N, classes * classes).reshape(classes, classes) / weights_N.sum()
        chance = float((np.outer(matrix.sum(1), matrix.sum(0)) * distance).sum())
        return 1 - float((matrix * distance).sum()) / chance if chance > 0 else float("nan")

    n = len(labels)
    found = [bootstrap("mae", lambda weights_N: float(np.average(off_N, weights=weights_N)), n, rng=rng)]
    matrix = metrics.confusion(labels, predictions, classes=classes)
    if len(np.flatnonzero(matrix.sum(0) + matrix.sum(1))) > 1:
        found.append(bootstrap("kappa_quadratic", kappa, n, rng=rng))
    return found
