"""Weights of items in a loss where labels are of unlike number: a rare label's items count more.

Which label an item has is taken from the data where that says it, else from the teacher's probabilities, so that
unlabelled functions are weighted, too. Weights are 1 on average: the learning rate means what it meant.

Shape key: N items, C labels.

Source: `balanced` as scikit-learn has it, King and Zeng, Logistic Regression in Rare Events Data (2001).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codewren.core.recipe_sections import ClassWeights
from codewren.core.task import Task
from codewren.measure.label_sets import bits
from codewren.measure.task_quality import task_probabilities
from codewren.train.batches import EncodedSplit

Floats = NDArray[np.float64]
BALANCED, NONE = "balanced", "none"


def weighted(split: EncodedSplit, task: Task, rule: ClassWeights) -> EncodedSplit:
    """The split with the weights that `distil.class_weights` asks for."""
    return replace(split, weights=item_weights(task, rule, split.labels, split.logits))


def item_weights(
    task: Task, rule: ClassWeights, labels_N: NDArray[np.int64], logits_NC: NDArray[np.float32] | None
) -> NDArray[np.float32] | None:
    """What each item counts, (N, 1); of a multi-label task each label of it, (N, C); None where all count alike.

    Args:
        task: what is judged.
        rule: `none`, `balanced`, or a number for each label, 1 where it is left out.
        labels_N: labels, or sets of them; -1 where unknown.
        logits_NC: of the teacher, needed where a label is unknown.
    """
    if rule == NONE:
        return None
    member_NC = _membership(task, labels_N, logits_NC)
    if task.is_multi_label:
        there_C, missing_C = member_NC.sum(axis=0), (1 - member_NC).sum(axis=0)
        of_there_C, of_missing_C = _of_sides(task, rule, there_C, missing_C)
        weights = member_NC * of_there_C + (1 - member_NC) * of_missing_C
        weights = weights / weights.mean(axis=0)
    else:
        weights = (member_NC @ _of_labels(task, rule, member_NC.sum(axis=0)))[:, None]
        weights = weights / weights.mean()
    return np.asarray(weights, dtype=np.float32)


def _membership(task: Task, labels_N: NDArray[np.int64], logits_NC: NDArray[np.float32] | None) -> Floats:
    """How much of each item is of each label, (N, C): 0 or 1 where that is known."""
    count = len(task.labels)
    member_NC = np.zeros((len(labels_N), count))
    known_N = labels_N >= 0
    if logits_NC is not None:
        member_NC[~known_N] = task_probabilities(task, logits_NC[~known_N].astype(np.float64))
    member_NC[known_N] = bits(labels_N[known_N], count) if task.is_multi_label else np.eye(count)[labels_N[known_N]]
    return member_NC


def _of_labels(task: Task, rule: ClassWeights, items_C: Floats) -> Floats:
    """Weight of each label, (C,): in a balanced set all that have items count the same altogether."""
    if isinstance(rule, Mapping):
        return np.asarray([rule.get(name, 1.0) for name in task.labels])
    return np.where(items_C >= 1, items_C.sum() / np.maximum(items_C, 1), 1.0)  # a label without items weighs nothing


def _of_sides(task: Task, rule: ClassWeights, there_C: Floats, missing_C: Floats) -> tuple[Floats, Floats]:
    """Weights of a label that is there and of one that is missing, (C,) each."""
    if isinstance(rule, Mapping):
        return np.asarray([rule.get(name, 1.0) for name in task.labels]), np.ones(len(task.labels))
    both = (there_C >= 1) & (missing_C >= 1)
    return np.where(both, 1 / np.maximum(there_C, 1), 1.0), np.where(both, 1 / np.maximum(missing_C, 1), 1.0)
