"""Probabilities, predictions and quality by the task's own rule: one label, several at once, or one of an order.

Shape key: N items, K labels.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codewren.core.dataset import Dataset
from codewren.core.task import Kind, Task
from codewren.measure.calibration import softmax
from codewren.measure.intervals import Floats, Ints
from codewren.measure.label_sets import bits, decide_sets, set_quality, sigmoid
from codewren.measure.metrics import decide
from codewren.measure.ordinal import decide_ordinal, reached
from codewren.measure.quality import Quality, quality


def task_probabilities(task: Task, logits: Floats, *, temperature: float = 1.0) -> Floats:
    """Probabilities (N, K) of logits (N, K)."""
    return (sigmoid if task.is_multi_label else softmax)(logits, temperature=temperature)


def task_predictions(
    task: Task, probabilities: Floats, *, threshold: float = 0.5, thresholds: Sequence[float] = ()
) -> Ints:
    """Predicted labels or sets (N,), by the rule of the bundle format; `thresholds` are a multi-label task's own."""
    if task.is_multi_label:
        return decide_sets(probabilities, tuple(thresholds) or threshold)
    if task.kind is Kind.ORDINAL:
        return decide_ordinal(probabilities, threshold)
    return decide(probabilities, positive=task.positive_index, threshold=threshold)


def alarms(task: Task, probabilities: Floats) -> Floats:
    """Probability (N,) of the positive label; of an ordinal task of it or one beyond it."""
    own = reached(probabilities) if task.kind is Kind.ORDINAL else probabilities
    return np.asarray(own[:, task.positive_index])


def logits_predictions(task: Task, logits: NDArray[np.floating]) -> Ints:
    """What a teacher's logits (N, K) say: the largest, each label above 0, or the median label."""
    if task.kind is Kind.SINGLE_LABEL:
        return np.asarray(logits.argmax(axis=1), dtype=np.int64)
    return task_predictions(task, task_probabilities(task, logits.astype(np.float64)))


def logits_quality(logits: NDArray[np.float32], dataset: Dataset) -> Quality:
    """Quality of a teacher from its logits.

    Raises:
        InputError: items without labels.
    """
    labels, task = np.asarray(dataset.known_labels()), dataset.task
    return task_quality(task, labels, task_probabilities(task, logits.astype(np.float64)))


def decisions(task: Task, labels: Ints, probabilities: Floats) -> tuple[Ints, Floats]:
    """Labels and probabilities by which confidence is judged: of a multi-label task those of each label, there or not.

    Returns:
        (N,) and (N, K); of a multi-label task (N * K,) and (N * K, 2).
    """
    if not task.is_multi_label:
        return labels, probabilities
    own = probabilities.ravel()
    return bits(labels, probabilities.shape[1]).ravel().astype(np.int64), np.stack([1 - own, own], axis=1)


def task_quality(
    task: Task, labels: Ints, probabilities: Floats, *, predictions: Ints | None = None, teacher: Ints | None = None
) -> Quality:
    """Quality of probabilities (N, K) on labelled items; `predictions` and the `teacher`'s as `task_predictions`.

    Raises:
        InputError: shapes that do not fit, or labels out of range.
    """
    if task.is_multi_label:
        return set_quality(labels, probabilities, labels=task.labels, predictions=predictions, teacher=teacher)
    if task.kind is Kind.ORDINAL and predictions is None:
        predictions = decide_ordinal(probabilities)
    return quality(
        labels,
        probabilities,
        positive=task.positive_index,
        predictions=predictions,
        teacher=teacher,
        ordinal=task.kind is Kind.ORDINAL,
    )
