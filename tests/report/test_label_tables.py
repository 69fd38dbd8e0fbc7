"""The report's tables of labels: each label's own figures, and what is taken for what."""

import numpy as np
import pytest

from codewren.core.task import Kind, Task, Unit
from codewren.report.gather.label_tables import MOST_SHOWN, label_tables

LEVELS = Task("levels", Unit.FUNCTION, ("debug", "info", "error"), "error")
CALLS = Task("calls", Unit.FUNCTION, ("files", "net", "time"), "net", kind=Kind.MULTI_LABEL)


def test_each_label_has_its_figures_and_the_matrix_its_cells():
    truth, said = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 0])
    each, matrix = label_tables(LEVELS, truth, said)
    assert [row[:3] for row in each.rows] == [("debug", "3", "4"), ("info", "2", "2"), ("error", "1", "0")]
    assert each.rows[0][3].startswith("0.5000") and each.rows[0][4].startswith("0.6667")
    assert each.rows[2][3] == "none"  # nothing was said to be an error: no precision, and not 0
    assert each.rows[2][4].startswith("0.0000")
    assert matrix.header == ("true label", *LEVELS.labels)
    assert matrix.rows == (("debug", "2", "1", "0"), ("info", "1", "1", "0"), ("error", "1", "0", "0"))


def test_several_labels_are_counted_one_by_one_and_have_no_matrix():
    (each,) = label_tables(CALLS, np.array([3, 1, 0, 4]), np.array([1, 1, 2, 4]))
    assert [row[:3] for row in each.rows] == [("files", "2", "2"), ("net", "1", "1"), ("time", "1", "1")]
    assert [row[3][:6] for row in each.rows] == ["1.0000", "0.0000", "1.0000"]


@pytest.mark.parametrize("wrong", [0, 3])
def test_of_many_labels_the_commonest_and_the_commonest_mistakes_are_shown(wrong):
    count = MOST_SHOWN + 5
    task = Task("many", Unit.FUNCTION, tuple(f"l{k}" for k in range(count)), "l0")
    truth = np.concatenate([np.arange(count), np.full(10, count - 1)])
    said = truth.copy()
    said[-wrong:] = 2 if wrong else said[0:]
    each, mistakes = label_tables(task, truth, said)
    assert len(each.rows) == MOST_SHOWN and each.rows[0][0] == f"l{count - 1}" and "5 more" in each.note
    assert mistakes.rows == (((f"l{count - 1}", "l2", "3"),) if wrong else ())
    assert f"{wrong} of {len(truth)}" in mistakes.note
