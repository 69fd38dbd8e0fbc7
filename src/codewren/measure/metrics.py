"""Point values of quality, over one confusion matrix or a stack of them, and over weighted items.

Shape key: N items, K labels, `...` any number of resamples. Rows of a confusion matrix are true labels.
An undefined ratio (no predicted positives, say) is 0, as in scikit-learn; an undefined AUC is NaN.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from codewren.core.errors import InputError
from codewren.measure.intervals import Floats, Ints

Metric = Literal["accuracy", "f1", "mcc", "auc"]
ECE_BINS = 15


def decide(probabilities: Floats, *, positive: int, threshold: float = 0.5) -> Ints:
    """Predicted label indices (N,), by the rule of the bundle format.

    With two labels the positive one is predicted when its probability exceeds the threshold; with more the
    largest wins.
    """
    if probabilities.shape[1] != 2:
        return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)
    return np.where(probabilities[:, positive] > threshold, positive, 1 - positive).astype(np.int64)


def confusion(labels: Ints, predictions: Ints, *, classes: int) -> Ints:
    """Confusion matrix (K, K): rows are true labels, columns predictions."""
    cells = np.bincount(labels * classes + predictions, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.int64)


def accuracy(matrix: NDArray[np.number]) -> Floats:
    """Share of right predictions (...,) of confusion matrices (..., K, K)."""
    return _ratio(np.trace(matrix, axis1=-2, axis2=-1), matrix.sum((-2, -1)))


def precision(matrix: NDArray[np.number]) -> Floats:
    """Precision of each label (..., K)."""
    return _ratio(np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(-2))


def recall(matrix: NDArray[np.number]) -> Floats:
    """Recall of each label (..., K)."""
    return _ratio(np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(-1))


def f1(matrix: NDArray[np.number]) -> Floats:
    """F1 of each label (..., K)."""
    return _ratio(2 * np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(-1) + matrix.sum(-2))


def macro(per_label: Callable[[NDArray[np.number]], Floats], matrix: NDArray[np.number]) -> Floats:
    """Mean (...,) of a per-label metric over the labels that occur or are predicted."""
    present = (matrix.sum(-1) + matrix.sum(-2)) > 0
    return _ratio((per_label(matrix) * present).sum(-1), present.sum(-1))


def mcc(matrix: NDArray[np.number]) -> Floats:
    """Matthews correlation (...,), for any number of labels.

    Source: Gorodkin, Computational Biology and Chemistry 28 (2004).
    """
    true, predicted, total = matrix.sum(-1).astype(float), matrix.sum(-2).astype(float), matrix.sum((-2, -1))
    covariance = np.trace(matrix, axis1=-2, axis2=-1) * total - (true * predicted).sum(-1)
    return _ratio(covariance, np.sqrt((total**2 - (true**2).sum(-1)) * (total**2 - (predicted**2).sum(-1))))


def _ratio(above: NDArray[np.number], below: NDArray[np.number]) -> Floats:
    above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    ratio: Floats = np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below != 0)
    return ratio


def auc_statistic(labels: Ints, probabilities: Floats, *, positive: int) -> Callable[[Floats], float]:
    """ROC-AUC as a function of the items' weights; with more than two labels the macro mean of one against the rest.

    NaN where a label (of two: either) has no weight: then nothing is ranked.
    """
    classes = probabilities.shape[1]
    columns = [positive] if classes == 2 else range(classes)
    ranked = [_RankedScores(labels == k, probabilities[:, k]) for k in columns]
    return lambda weights_N: float(np.mean([ranking.auc(weights_N) for ranking in ranked]))


class _RankedScores:
    """Scores sorted once, so that each resample costs no sorting."""

    def __init__(self, is_positive_N: NDArray[np.bool_], scores_N: Floats) -> None:
        self.order = np.argsort(scores_N, kind="stable")
        self.is_positive = is_positive_N[self.order]
        ordered = scores_N[self.order]
        self.tie_starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))

    def auc(self, weights_N: Floats) -> float:
        """Probability that a positive outranks a negative, a tie counting half."""
        weights = weights_N[self.order]
        positives = np.add.reduceat(weights * self.is_positive, self.tie_starts)
        negatives = np.add.reduceat(weights * ~self.is_positive, self.tie_starts)
        pairs = positives.sum() * negatives.sum()
        if pairs == 0:
            return float("nan")
        below = np.cumsum(negatives) - negatives
        return float((positives * (below + negatives / 2)).sum() / pairs)


def ece_statistic(labels: Ints, probabilities: Floats) -> Callable[[Floats], float]:
    """Expected calibration error of the likeliest label, 15 equal bins, as a function of the items' weights.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, eq. 3.
    """
    confidence_N = probabilities.max(axis=1)
    surplus_N = (probabilities.argmax(axis=1) == labels) - confidence_N
    bins_N = np.clip(np.ceil(confidence_N * ECE_BINS).astype(np.int64) - 1, 0, ECE_BINS - 1)
    return lambda weights_N: float(np.abs(np.bincount(bins_N, weights_N * surplus_N, ECE_BINS)).sum() / weights_N.sum())


def brier_statistic(labels: Ints, probabilities: Floats) -> Callable[[Floats], float]:
    """Half the squared distance to the true label, in [0, 1], as a function of the items' weights.

    With two labels this is the mean of (probability - outcome)^2.
    """
    truth_NK = np.eye(probabilities.shape[1])[labels]
    distance_N = ((probabilities - truth_NK) ** 2).sum(axis=1) / 2
    return lambda weights_N: float((distance_N * weights_N).sum() / weights_N.sum())


def score(metric: Metric, labels: Ints, probabilities: Floats, *, positive: int) -> float:
    """One point value, for picking an epoch or a student.

    F1 is the positive label's with two labels, else the macro mean. AUC falls back on nothing: undefined is an error.

    Raises:
        InputError: the shapes differ, or the AUC is undefined because a label does not occur.
    """
    check(labels, probabilities)
    classes = probabilities.shape[1]
    if metric == "auc":
        value = auc_statistic(labels, probabilities, positive=positive)(np.ones(len(labels)))
        if np.isnan(value):
            raise InputError("AUC is undefined: a label of the task does not occur in this split; select by accuracy")
        return value
    matrix = confusion(labels, decide(probabilities, positive=positive), classes=classes)
    if metric == "f1":
        return float(f1(matrix)[positive] if classes == 2 else macro(f1, matrix))
    return float({"accuracy": accuracy, "mcc": mcc}[metric](matrix))


def check(labels: Ints, probabilities: Floats) -> None:
    """Refuse what cannot be measured.

    Raises:
        InputError: shapes that do not fit, no items, labels out of range, values that are not finite.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] < 2 or len(labels) != len(probabilities):
        raise InputError(
            f"{len(labels)} labels and outputs of shape {probabilities.shape} do not fit; wanted (items, labels)"
        )
    if len(labels) == 0:
        raise InputError("nothing to measure: the split has no items")
    if labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise InputError(
            f"label indices {labels.min()} to {labels.max()} do not fit outputs of {probabilities.shape[1]} columns"
        )
    bad = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if bad:
        raise InputError(f"{bad} of {len(labels)} items have outputs that are not finite; the model is broken")
