"""Each label by itself, and which labels are taken for which: tables of the student's answers."""

import numpy as np

from codewren.core.task import Task
from codewren.measure import metrics
from codewren.measure.intervals import Ints, proportion
from codewren.measure.label_sets import bits
from codewren.report.facts import Table

MOST_SHOWN = 20
"""Labels of a matrix; of more the commonest mistakes are listed."""


def label_tables(task: Task, labels: Ints, predictions: Ints) -> list[Table]:
    """Precision and recall of each label, and what is taken for what.

    Args:
        task: what is judged.
        labels: true labels (N,), or their sets.
        predictions: the student's (N,), or their sets.
    """
    count = len(task.labels)
    if task.is_multi_label:
        truth_NK, guess_NK = bits(labels, count), bits(predictions, count)
        return [_each_label(task, (truth_NK & guess_NK).sum(0), truth_NK.sum(0), guess_NK.sum(0))]
    matrix = metrics.confusion(labels, predictions, classes=count)
    each = _each_label(task, np.diagonal(matrix), matrix.sum(1), matrix.sum(0))
    return [each, _matrix(task, matrix) if count <= MOST_SHOWN else _mistakes(task, matrix)]


def _each_label(task: Task, hits_K: Ints, true_K: Ints, said_K: Ints) -> Table:
    count = len(task.labels)
    order = range(count) if count <= MOST_SHOWN else np.argsort(-true_K, kind="stable")[:MOST_SHOWN].tolist()
    rows = [
        (
            task.labels[k],
            f"{true_K[k]:,}",
            f"{said_K[k]:,}",
            _share("precision", int(hits_K[k]), int(said_K[k])),
            _share("recall", int(hits_K[k]), int(true_K[k])),
        )
        for k in order
    ]
    more = count - len(rows)
    note = "Precision: of those said to have the label; recall: of those that have it."
    note += f" The {MOST_SHOWN} commonest labels; {more} more are in evaluate's --json." if more else ""
    return Table("items", "Each label", ("label", "have it", "said", "precision", "recall"), tuple(rows), note)


def _share(name: str, hits: int, count: int) -> str:
    return str(proportion(name, hits, count)) if count else "none"


def _matrix(task: Task, matrix: Ints) -> Table:
    rows = tuple((name, *(f"{cell:,}" for cell in row)) for name, row in zip(task.labels, matrix, strict=True))
    note = "Rows are true labels, columns what the student says."
    return Table("items", "What is taken for what", ("true label", *task.labels), rows, note)


def _mistakes(task: Task, matrix: Ints) -> Table:
    wrong = matrix - np.diag(np.diagonal(matrix))
    cells = np.argsort(-wrong, axis=None, kind="stable")[:MOST_SHOWN]
    pairs = [np.unravel_index(cell, wrong.shape) for cell in cells if wrong.flat[cell]]
    rows = tuple((task.labels[true], task.labels[said], f"{wrong[true, said]:,}") for true, said in pairs)
    note = f"The commonest mistakes; {int(wrong.sum()):,} of {int(matrix.sum()):,} answers are wrong."
    return Table("items", "What is taken for what", ("true label", "said", "items"), rows, note)
