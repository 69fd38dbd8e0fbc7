"""Rankings beside length, against counting by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codewren.measure.review import auc, equal_length_auc, equal_length_order, flagged


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(1, 30)), min_size=2, max_size=20))
def test_equal_length_counts_every_pair(rows: list[tuple[int, bool, int]]) -> None:
    right, pairs = 0.0, 0
    for score, is_vulnerable, length in rows:
        for other, is_other, near in rows:
            if is_vulnerable and not is_other and abs(near - length) <= 0.2 * length:
                right, pairs = right + (score > other) + (score == other) / 2, pairs + 1
    scores, labels, lengths = (np.array(column) for column in zip(*rows, strict=True))
    assert equal_length_order(scores.astype(float), labels, lengths.astype(float)) == (pytest.approx(right), pairs)


def test_pairs_of_different_groups_are_not_compared() -> None:
    first = (np.array([2.0, 1.0]), np.array([True, False]), np.array([10.0, 10.0]))
    second = (np.array([0.0, 9.0]), np.array([True, False]), np.array([10.0, 10.0]))
    assert equal_length_auc([first, second]) == 0.5
    assert auc(np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])) == 0.25


def test_as_many_are_flagged_as_asked_and_no_tie_is() -> None:
    assert flagged(np.arange(100.0), 0.02).sum() == 2
    assert flagged(np.ones(100), 0.02).sum() == 0
