"""Logistic regression of words for every kind of task: two labels, more of them, several at once, an order.

Letters: N items, C labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.core.task import Task
from codewren.measure.label_sets import bits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Regression = Callable[[], Any]
"""Makes a classifier of scikit-learn that has `decision_function`."""


@dataclass(frozen=True, slots=True, eq=False)
class WordRegression:
    """What has been learnt: one model of two or more labels, or one for each of several at once.

    Attributes:
        task: what is judged.
        models: one, or of several labels at once one each; a number, its log-odds, where all items were alike.
        classes: labels that have items, in the order of the only model's outputs; empty where several are at once.
        items: that were learnt from.
    """

    task: Task
    models: tuple[Any, ...]
    classes: tuple[int, ...]
    items: int

    @classmethod
    def fit(cls, features: Any, labels_N: Sequence[int] | Ints, task: Task, regression: Regression) -> "WordRegression":
        """Learn labels, or sets of them, of items with these features (N, …)."""
        labels = np.asarray(labels_N, dtype=np.int64)
        if task.is_multi_label:
            there_NC = bits(labels, len(task.labels)).astype(np.int64)
            models = tuple(_learnt(features, there_N, regression) for there_N in there_NC.T)
            return cls(task, models, (), len(labels))
        classes = np.unique(labels)
        return cls(task, (_learnt(features, labels, regression),), tuple(map(int, classes)), len(labels))

    def logits(self, features: Any) -> Floats:
        """Logits (N, C): of a softmax, or where several labels are at once of a sigmoid each."""
        margins = [_margins(model, features) for model in self.models]
        if self.task.is_multi_label:
            return np.stack(margins, axis=1)
        (margin_N,) = margins
        if len(self.task.labels) == 2:
            return np.stack([-margin_N / 2, margin_N / 2], axis=1)
        # A label that no item has is as likely as half an item of all.
        outputs = np.full((features.shape[0], len(self.task.labels)), np.log(0.5 / (self.items + 1)))
        outputs[:, list(self.classes)] = self._log_probabilities(margin_N)
        return outputs

    def _log_probabilities(self, margins: Floats) -> Floats:
        """Of the labels that have items, (N, C'), from what their only model says."""
        if len(self.classes) == 1:
            return np.zeros((len(margins), 1))
        both = np.stack([np.zeros_like(margins), margins], axis=1) if margins.ndim == 1 else margins
        return np.asarray(both - np.logaddexp.reduce(both, axis=1, keepdims=True))


def _learnt(features: Any, labels_N: Ints, regression: Regression) -> Any:
    """A model of the labels; the log-odds of label 1 where all items have one label, or none has it."""
    if len(np.unique(labels_N)) > 1:
        return regression().fit(features, labels_N)
    ones = int(labels_N[0] > 0) * len(labels_N)
    return float(np.log((ones + 0.5) / (len(labels_N) - ones + 0.5)))


def _margins(model: Any, features: Any) -> Floats:
    """Log-odds (N,) of the second of two labels; of more of them an output each, (N, C')."""
    if isinstance(model, float):
        return np.full(features.shape[0], model)
    outputs: Floats = model.decision_function(features)
    return outputs
