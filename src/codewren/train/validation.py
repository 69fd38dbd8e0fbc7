"""The scores that pick an epoch."""

import numpy as np
from numpy.typing import NDArray

from codewren.core.errors import InputError
from codewren.core.task import Kind, Task
from codewren.measure.label_sets import set_score
from codewren.measure.metrics import Metric, score
from codewren.measure.ordinal import decide_ordinal
from codewren.measure.task_quality import task_probabilities

METRICS: tuple[Metric, ...] = ("accuracy", "f1", "mcc", "auc")


def validation_scores(
    task: Task, labels: NDArray[np.int64], logits: NDArray[np.float32], *, needed: Metric = "accuracy"
) -> dict[str, float]:
    """Accuracy, F1 (of the positive label; macro with more than two labels), MCC and ROC-AUC.

    Of a multi-label task the share of exact sets, macro F1, the MCC of all label decisions and the macro ROC-AUC.

    A metric that these labels leave undefined is left out, unless it is the one `needed`.

    Raises:
        InputError: labels and logits do not fit, or `needed` is undefined.
    """
    probabilities = task_probabilities(task, logits.astype(np.float64))
    scores = {needed: _score(needed, task, labels, probabilities)}
    for metric in METRICS:
        try:
            scores[metric] = _score(metric, task, labels, probabilities)
        except InputError:
            continue  # only the area under the curve can be undefined here, and it is not the one needed
    return {metric: scores[metric] for metric in METRICS if metric in scores}


def _score(metric: Metric, task: Task, labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    if task.is_multi_label:
        return set_score(metric, labels, probabilities)
    if task.kind is Kind.ORDINAL and metric != "auc":
        predicted = decide_ordinal(probabilities)
        probabilities = np.eye(len(task.labels))[predicted]  # decided by the order, judged like any label
    return score(metric, labels, probabilities, positive=task.positive_index)
