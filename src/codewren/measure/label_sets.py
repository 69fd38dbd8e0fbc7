"""Multi-label tasks: an item's labels as the bits of one number, decided label by label.

Shape key: N items, K labels. A set is a number with bit k set where the item has label k.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from codewren.core.errors import InputError
from codewren.measure import metrics
from codewren.measure.calibration import COLDEST, HOTTEST, CrossFitted, Target, best_threshold
from codewren.measure.intervals import Floats, Ints, Measure, binomial_tail, bootstrap, proportion
from codewren.measure.quality import Quality, share

Bits = NDArray[np.bool_]


def bits(sets_N: Ints, labels: int) -> Bits:
    """Which labels each item has, (N, K).

    >>> bits(np.array([0, 5]), 3).tolist()
    [[False, False, False], [True, False, True]]
    """
    there: Bits = ((np.asarray(sets_N)[:, None] >> np.arange(labels)) & 1).astype(np.bool_)
    return there


def sets(bits_NK: NDArray[np.bool_]) -> Ints:
    """The numbers (N,) of which `bits` are these."""
    return np.asarray((bits_NK.astype(np.int64) << np.arange(bits_NK.shape[1])).sum(axis=1), dtype=np.int64)


def sigmoid(logits: Floats, *, temperature: float = 1.0) -> Floats:
    """Probabilities (N, K) of logits divided by the temperature, each label for itself."""
    halves = logits.astype(np.float64) / (2 * temperature)
    return np.asarray((1 + np.tanh(halves)) / 2)


def decide_sets(probabilities: Floats, thresholds: float | Sequence[float] = 0.5) -> Ints:
    """Predicted sets (N,): each label whose probability exceeds its threshold."""
    return sets(probabilities > np.asarray(thresholds))


def fit_set_temperature(logits: Floats, sets_N: Ints) -> float:
    """Temperature of least negative log-likelihood of all label decisions; as `calibration.fit_temperature`."""
    truth_NK = bits(sets_N, logits.shape[1])
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(60):  # the loss is convex in the inverse temperature
        middle = float(np.sqrt(low * high))
        slope = float(((sigmoid(logits, temperature=1 / middle) - truth_NK) * logits).mean())
        low, high = (middle, high) if slope < 0 else (low, middle)
    return 1 / float(np.sqrt(low * high))


def best_thresholds(sets_N: Ints, probabilities: Floats, metric: Target) -> tuple[float, ...]:
    """For each label the threshold of its best metric; 0.5 where all items have it or none."""
    truth_NK = bits(sets_N, probabilities.shape[1])
    return tuple(
        best_threshold(truth_N.astype(np.int64), own_N, metric) if 0 < truth_N.sum() < len(truth_N) else 0.5
        for truth_N, own_N in zip(truth_NK.T, probabilities.T, strict=True)
    )


def cross_fit_sets(
    logits: Floats, sets_N: Ints, *, metric: Target | None, calibrate: bool, folds: int = 5, seed: int = 0
) -> CrossFitted:
    """As `calibration.cross_fit`: every item judged by a temperature and thresholds fitted on the other folds.

    Raises:
        InputError: fewer than two folds or items.
    """
    if not 2 <= folds <= len(sets_N):
        raise InputError(f"{folds} folds of {len(sets_N)} items; wanted between 2 and as many as there are items")
    fold_N = np.random.default_rng(seed).permutation(np.arange(len(sets_N)) % folds)
    probabilities, predictions = np.empty(logits.shape), np.empty(len(sets_N), dtype=np.int64)
    temperatures, thresholds = [], []
    for fold in range(folds):
        out, rest = fold_N == fold, fold_N != fold
        temperature = fit_set_temperature(logits[rest], sets_N[rest]) if calibrate else 1.0
        least: tuple[float, ...] = (0.5,) * logits.shape[1]
        if metric is not None:
            least = best_thresholds(sets_N[rest], sigmoid(logits[rest], temperature=temperature), metric)
        probabilities[out] = sigmoid(logits[out], temperature=temperature)
        predictions[out] = decide_sets(probabilities[out], least)
        temperatures.append(temperature)
        thresholds.append(float(np.mean(least)))
    return CrossFitted(probabilities, predictions, tuple(temperatures), tuple(thresholds))


def set_score(metric: metrics.Metric, sets_N: Ints, probabilities: Floats) -> float:
    """One value, for picking an epoch: share of exact sets, macro F1, pooled MCC or macro AUC.

    Raises:
        InputError: an AUC where no label is both there and missing.
    """
    truth_NK, weights_N = bits(sets_N, probabilities.shape[1]), np.ones(len(sets_N))
    if metric == "auc":
        return _auc(truth_NK, probabilities)(weights_N)
    predicted = decide_sets(probabilities)
    if metric == "accuracy":
        return float((predicted == sets_N).mean())
    guess_NK = bits(predicted, probabilities.shape[1])
    return (_macro_f1 if metric == "f1" else _pooled_mcc)(truth_NK, guess_NK)(weights_N)


def set_quality(
    sets_N: Ints,
    probabilities: Floats,
    *,
    labels: Sequence[str],
    predictions: Ints | None = None,
    teacher: Ints | None = None,
    seed: int = 0,
) -> Quality:
    """As `quality.quality`, of sets.

    `accuracy` and `agreement` count exact sets, `label_accuracy` and `label_agreement` single decisions (1 less the
    Hamming loss); `f1_micro` pools all decisions, `f1_macro` is the mean over labels, `mcc` is of the pooled decisions;
    `f1 LABEL` follows for each label. `majority` is the commonest set's share.
    """
    if len(sets_N) == 0 or probabilities.shape != (len(sets_N), len(labels)):
        raise InputError(
            f"{len(sets_N)} sets and outputs of shape {probabilities.shape}; wanted ({len(sets_N)}, {len(labels)})"
        )
    predictions = decide_sets(probabilities) if predictions is None else predictions
    truth_NK, guess_NK = bits(sets_N, len(labels)), bits(predictions, len(labels))
    n, right = len(sets_N), int((predictions == sets_N).sum())
    commonest = int(np.unique(sets_N, return_counts=True)[1].max())
    rng = np.random.default_rng(seed)
    undefined: tuple[tuple[str, str], ...] = ()
    measures = [proportion("accuracy", right, n), *_decisions(truth_NK, guess_NK, rng)]
    if _ranked(truth_NK).any():
        measures.append(bootstrap("auc", _auc(truth_NK, probabilities), n, rng=rng))
    else:
        undefined = (("auc", "no label is both there and missing in this split"),)
    measures += [
        bootstrap("ece", _ece(truth_NK, probabilities), n, rng=rng),
        bootstrap("brier", _brier(truth_NK, probabilities), n, rng=rng),
    ]
    if teacher is not None:
        same_NK = bits(teacher, len(labels)) == guess_NK
        measures += [share("agreement", teacher == predictions), _mean("label_agreement", same_NK, rng)]
    measures += [
        bootstrap(f"f1 {name}", _micro_f1(truth_NK[:, [k]], guess_NK[:, [k]]), n, rng=rng)
        for k, name in enumerate(labels)
    ]
    majority = proportion("majority", commonest, n)
    return Quality(n, tuple(measures), undefined, (), majority, binomial_tail(right, n, commonest / n))


def _decisions(truth_NK: Bits, guess_NK: Bits, rng: np.random.Generator) -> list[Measure]:
    n = len(truth_NK)
    return [
        _mean("label_accuracy", truth_NK == guess_NK, rng),
        bootstrap("precision_micro", _ratio(truth_NK & guess_NK, guess_NK), n, rng=rng),
        bootstrap("recall_micro", _ratio(truth_NK & guess_NK, truth_NK), n, rng=rng),
        bootstrap("f1_micro", _micro_f1(truth_NK, guess_NK), n, rng=rng),
        bootstrap("f1_macro", _macro_f1(truth_NK, guess_NK), n, rng=rng),
        bootstrap("mcc", _pooled_mcc(truth_NK, guess_NK), n, rng=rng),
    ]


def _mean(name: str, hits_NK: Bits, rng: np.random.Generator) -> Measure:
    """A share of label decisions; those of one item are resampled together."""
    hits_N = hits_NK.mean(axis=1)
    return bootstrap(name, lambda weights_N: float(np.average(hits_N, weights=weights_N)), len(hits_N), rng=rng)


def _ratio(above_NK: Bits, below_NK: Bits) -> Callable[[Floats], float]:
    above_N, below_N = above_NK.sum(axis=1), below_NK.sum(axis=1)
    return lambda weights_N: float(weights_N @ above_N / max(weights_N @ below_N, 1e-12))


def _micro_f1(truth_NK: Bits, guess_NK: Bits) -> Callable[[Floats], float]:
    both_N, all_N = (truth_NK & guess_NK).sum(axis=1), truth_NK.sum(axis=1) + guess_NK.sum(axis=1)
    return lambda weights_N: float(2 * (weights_N @ both_N) / max(weights_N @ all_N, 1e-12))


def _macro_f1(truth_NK: Bits, guess_NK: Bits) -> Callable[[Floats], float]:
    """Mean over the labels that occur or are predicted, as scikit-learn with `zero_division` left out."""
    both_NK, all_NK = (truth_NK & guess_NK).astype(float), truth_NK.astype(float) + guess_NK

    def value(weights_N: Floats) -> float:
        both_K, all_K = weights_N @ both_NK, weights_N @ all_NK
        present = all_K > 0
        return float((2 * both_K[present] / all_K[present]).mean()) if present.any() else 0.0

    return value


def _pooled_mcc(truth_NK: Bits, guess_NK: Bits) -> Callable[[Floats], float]:
    cells_NC = np.stack([(truth_NK == t) & (guess_NK == g) for t in (0, 1) for g in (0, 1)]).sum(axis=2).T
    return lambda weights_N: float(metrics.mcc((weights_N @ cells_NC).reshape(2, 2)))


def _ranked(truth_NK: Bits) -> Bits:
    """Labels (K,) that some items have and some have not."""
    return np.asarray(truth_NK.any(axis=0) & ~truth_NK.all(axis=0))


def _auc(truth_NK: Bits, probabilities: Floats) -> Callable[[Floats], float]:
    columns = np.flatnonzero(_ranked(truth_NK))
    if len(columns) == 0:
        raise InputError("AUC is undefined: no label is both there and missing in this split; select by accuracy")
    ranked = [
        metrics.auc_statistic(
            truth_NK[:, k].astype(np.int64), np.stack([1 - probabilities[:, k], probabilities[:, k]], 1), positive=1
        )
        for k in columns
    ]
    return lambda weights_N: float(np.nanmean([statistic(weights_N) for statistic in ranked]))


def _ece(truth_NK: Bits, probabilities: Floats) -> Callable[[Floats], float]:
    """How far a label's probability is from how often it is there, in 15 bins of all decisions."""
    size, labels = metrics.ECE_BINS, truth_NK.shape[1]
    bins_M = np.clip(np.ceil(probabilities.ravel() * size).astype(np.int64) - 1, 0, size - 1)
    surplus_M = (truth_NK - probabilities).ravel()

    def value(weights_N: Floats) -> float:
        weights_M = np.repeat(weights_N, labels)
        return float(np.abs(np.bincount(bins_M, weights_M * surplus_M, size)).sum() / weights_M.sum())

    return value


def _brier(truth_NK: Bits, probabilities: Floats) -> Callable[[Floats], float]:
    distance_N = ((probabilities - truth_NK) ** 2).mean(axis=1)
    return lambda weights_N: float(np.average(distance_N, weights=weights_N))
