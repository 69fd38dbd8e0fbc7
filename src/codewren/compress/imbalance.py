"""Whether one answer is so common that accuracy says little, and what the recipe does about it."""

import numpy as np

from codewren.compress.run import Run
from codewren.compress.run_warnings import warn
from codewren.core.dataset import Dataset
from codewren.core.recipe import Recipe
from codewren.core.task import Kind
from codewren.measure.label_sets import bits

RARE = 0.05
"""A label of fewer items than this share counts as rare."""
FEW = 10
"""Items of a label below which no figure of it means much."""


def report_imbalance(run: Run) -> None:
    """A warning a line on stderr where labels are rare in the validation split."""
    warn(run, "imbalance", imbalance(run.recipe, run.dataset("valid")))


def imbalance(recipe: Recipe, dataset: Dataset) -> list[str]:
    """Lines on rare labels, and the keys that a recipe leaves at values which they do not suit.

    Of two labels either may be rare, of several at once each; of more labels, one of which an item has, none is common
    enough for the answer to be always the same.
    """
    task, labels = recipe.task, np.asarray([label for label in dataset.labels if label is not None])
    if len(labels) == 0 or (len(task.labels) != 2 and not task.is_multi_label):
        return []
    there_NK = bits(labels, len(task.labels)) if task.is_multi_label else np.eye(2, dtype=bool)[labels]
    rare = [
        (name, int(count))
        for name, count in zip(task.labels, there_NK.sum(axis=0), strict=True)
        if count < RARE * len(labels)
    ]
    return [_line(recipe, dataset, rare)] if rare else []


def _line(recipe: Recipe, dataset: Dataset, rare: list[tuple[str, int]]) -> str:
    named = ", ".join(f"{name} {count:,}" for name, count in rare[:6]) + (" ..." if len(rare) > 6 else "")
    advice = []
    if recipe.distil.selection == "accuracy":
        advice.append("distil.selection = 'auc' or 'mcc' (accuracy picks the student that never says them)")
    if recipe.decision.threshold == "half" and recipe.task.kind is not Kind.ORDINAL:
        advice.append("decision.threshold = 'f1' (little exceeds one half)")
    done = f"set {' and '.join(advice)}" if advice else "judge by AUC, MCC and F1, not by accuracy"
    weigh = "; distil.class_weights = 'balanced' lets them count more, which may help or not" * (
        recipe.distil.class_weights == "none"
    )
    scarce = [name for name, count in rare if count < FEW]
    few = f"; too few to judge: {', '.join(scarce)}" if scarce else ""
    return f"rare in {dataset.split} ({len(dataset):,} items): {named}; {done}{weigh}{few}"
