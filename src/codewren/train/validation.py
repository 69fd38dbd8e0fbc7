"""The scores that pick an epoch."""

import numpy as np
from numpy.typing import NDArray

from codewren.core.errors import InputError
from codewren.core.task import Task
from codewren.measure.metrics import Metric, score

METRICS: tuple[Metric, ...] = ("accuracy", "f1", "mcc", "auc")


def validation_scores(
    task: Task, labels: NDArray[np.int64], logits: NDArray[np.float32], *, needed: Metric = "accuracy"
) -> dict[str, float]:
    """Accuracy, F1 (of the positive label; macro with more than two labels), MCC and ROC-AUC.

    A metric that these labels leave undefined is left out, unless it is the one `needed`.

    Raises:
        InputError: labels and logits do not fit, or `needed` is undefined.
    """
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    probabilities = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    scores = {needed: score(needed, labels, probabilities, positive=task.positive_index)}
    for metric in METRICS:
        try:
            scores[metric] = score(metric, labels, probabilities, positive=task.positive_index)
        except InputError:
            continue  # only the area under the curve can be undefined here, and it is not the one needed
    return {metric: scores[metric] for metric in METRICS if metric in scores}
