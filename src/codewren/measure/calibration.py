"""Temperature and decision threshold: fitted on one set of items, used on another.

Whatever is fitted here must not be fitted on the split that a figure is reported for: a threshold tuned on a split
flatters that split. Fit on `valid` and report on `test`; or, to report on `valid` itself, use `cross_fit`, where every
item is judged with a temperature and a threshold that never saw it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from codewren.core.errors import InputError
from codewren.measure.intervals import Floats, Ints
from codewren.measure.metrics import check, decide
from codewren.measure.ordinal import decide_ordinal

COLDEST, HOTTEST = 0.05, 20.0

Target = Literal["accuracy", "f1", "mcc"]


def softmax(logits: Floats, *, temperature: float = 1.0) -> Floats:
    """Probabilities (N, K) of logits (N, K) divided by the temperature, as the bundle format says."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(logits: Floats, labels: Ints) -> float:
    """Temperature of least negative log-likelihood, within 0.05 and 20; never fit it on the split reported on.

    The loss is convex in the inverse temperature, so its slope is bisected.

    Raises:
        InputError: shapes that do not fit, labels out of range, values that are not finite.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2.
    """
    check(labels, logits)
    true_N = logits[np.arange(len(labels)), labels]

    def slope(inverse: float) -> float:
        expected_N = (softmax(logits, temperature=1 / inverse) * logits).sum(axis=1)
        return float((expected_N - true_N).mean())

    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 1 / float(np.sqrt(low * high))


def best_threshold(labels: Ints, probabilities: Floats, metric: Target) -> float:
    """Threshold that the positive probability must exceed for the best metric; never fit it on the split reported on.

    Every cut between two different probabilities is tried; of equally good ones the nearest to 0.5 is taken.

    Args:
        labels: 1 where the item is positive, else 0.
        probabilities: of the positive label.
        metric: what to make best.

    Raises:
        InputError: no items, lengths differ, or values outside 0 to 1.
    """
    if len(labels) == 0 or len(labels) != len(probabilities):
        raise InputError(f"{len(labels)} labels and {len(probabilities)} probabilities; wanted equally many, not none")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise InputError(
            f"probabilities from {probabilities.min()} to {probabilities.max()}; wanted 0 to 1, not logits"
        )
    values, groups = np.unique(probabilities, return_inverse=True)
    positives = np.bincount(groups, labels, len(values))
    negatives = np.bincount(groups, 1 - labels, len(values))
    # Cut c leaves the values below index c negative. No threshold is below 0, so a probability of 0 is never positive.
    missed = np.concatenate([[0.0], np.cumsum(positives)])
    rejected = np.concatenate([[0.0], np.cumsum(negatives)])
    hits, alarms = missed[-1] - missed, rejected[-1] - rejected
    scores = _target(metric, hits, alarms, missed, rejected)
    middles = (values[:-1] + values[1:]) / 2
    middles = np.where(middles < values[1:], middles, values[:-1])  # neighbours so close that the middle rounds up
    cuts = np.concatenate([[0.0], middles, [1.0]])
    if values[0] == 0:
        scores, cuts = scores[1:], cuts[1:]
    best = np.flatnonzero(scores >= scores.max() - 1e-12)
    return float(cuts[best[np.argmin(np.abs(cuts[best] - 0.5))]])


def _target(metric: Target, hits: Floats, alarms: Floats, missed: Floats, rejected: Floats) -> Floats:
    if metric == "accuracy":
        above, below = hits + rejected, hits + alarms + missed + rejected
    elif metric == "f1":
        above, below = 2 * hits, 2 * hits + alarms + missed
    else:
        above = hits * rejected - alarms * missed
        below = np.sqrt((hits + alarms) * (hits + missed) * (rejected + alarms) * (rejected + missed))
    ratio: Floats = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return ratio


def budget_threshold(probabilities: Floats, budget: float) -> float:
    """Lowest threshold that at most a share `budget` of the probabilities exceeds.

    Args:
        probabilities: of the positive label, on items that stand for what will be scanned.
        budget: share of them that may be flagged.

    Raises:
        InputError: no items, or a budget outside 0 to 1.

    >>> budget_threshold(np.array([0.1, 0.9, 0.3, 0.2]), 0.25)
    0.3
    """
    if len(probabilities) == 0 or not 0 <= budget < 1:
        raise InputError(
            f"{len(probabilities)} probabilities and a budget of {budget}; wanted some, and 0 <= budget < 1"
        )
    flagged = int(budget * len(probabilities))
    return float(np.sort(probabilities)[len(probabilities) - 1 - flagged])


@dataclass(frozen=True, slots=True)
class CrossFitted:
    """Judgements of a split by temperatures and thresholds that never saw the item judged.

    Attributes:
        probabilities: calibrated, out of fold.
        predictions: label indices, out of fold.
        temperatures: one a fold; 1 where none was fitted.
        thresholds: one a fold; 0.5 where none was fitted.
    """

    probabilities: Floats
    predictions: Ints
    temperatures: tuple[float, ...]
    thresholds: tuple[float, ...]


def cross_fit(
    logits: Floats,
    labels: Ints,
    *,
    positive: int,
    metric: Target | None = None,
    calibrate: bool = True,
    ordinal: bool = False,
    folds: int = 5,
    seed: int = 0,
) -> CrossFitted:
    """Judge every item with a temperature, and with two labels a threshold, fitted on the other folds.

    What a bundle ships is fitted on all of the split; what is reported for that split comes from here.

    Args:
        logits: raw outputs.
        labels: true label indices.
        positive: index of the positive label.
        metric: what the threshold makes best; None leaves it at 0.5.
        calibrate: False leaves the temperature at 1.
        ordinal: labels have an order, which decides.
        folds: stratified by label.
        seed: of the folds.

    Raises:
        InputError: as `fit_temperature`, or fewer than two folds or items.
    """
    check(labels, logits)
    if not 2 <= folds <= len(labels):
        raise InputError(f"{folds} folds of {len(labels)} items; wanted between 2 and as many as there are items")
    fold_N = _stratified_folds(labels, folds, np.random.default_rng(seed))
    probabilities = np.empty(logits.shape)
    predictions = np.empty(len(labels), dtype=np.int64)
    temperatures, thresholds = [], []
    for fold in range(folds):
        held_out, fitted_on = fold_N == fold, fold_N != fold
        temperature = fit_temperature(logits[fitted_on], labels[fitted_on]) if calibrate else 1.0
        threshold = 0.5
        if metric is not None and logits.shape[1] == 2:
            fitted = softmax(logits[fitted_on], temperature=temperature)[:, positive]
            threshold = best_threshold((labels[fitted_on] == positive).astype(np.int64), fitted, metric)
        probabilities[held_out] = softmax(logits[held_out], temperature=temperature)
        own = probabilities[held_out]
        predictions[held_out] = decide_ordinal(own) if ordinal else decide(own, positive=positive, threshold=threshold)
        temperatures.append(temperature)
        thresholds.append(threshold)
    return CrossFitted(probabilities, predictions, tuple(temperatures), tuple(thresholds))


def _stratified_folds(labels: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """Fold of each item: items sorted by label in random order within it, dealt out like cards."""
    order = np.lexsort((rng.random(len(labels)), labels))
    fold_N = np.empty(len(labels), dtype=np.int64)
    fold_N[order] = np.arange(len(labels)) % folds
    return fold_N
