"""A hit counts as often as a reader who breaks ties by a coin would see a changed line."""

from itertools import permutations

import numpy as np
import pytest

from codewren.measure.line_hits import hit, hit_by_chance, hits


@pytest.mark.parametrize("scores", [[3, 2, 1, 1, 0], [1, 1, 1, 1, 1], [2, 2, 2, 1, 1], [5, 4, 3, 2, 1]])
@pytest.mark.parametrize("changed", [[0], [4], [1, 3], [2]])
@pytest.mark.parametrize("top", [1, 2, 3, 5])
def test_ties_are_broken_in_every_way(scores: list[int], changed: list[int], top: int) -> None:
    orders = [sorted(order, key=lambda line: -scores[line]) for order in permutations(range(len(scores)))]
    expected = np.mean([bool(set(order[:top]) & set(changed)) for order in orders])
    is_changed = np.isin(np.arange(len(scores)), changed)
    assert hit(np.array(scores, np.float64), is_changed, top) == pytest.approx(expected)


def test_equal_lines_are_hit_by_chance() -> None:
    is_changed = np.array([True, False, False, True, False, False])
    assert hit(np.zeros(6), is_changed, 2) == pytest.approx(hit_by_chance(6, 2, 2))
    assert hit_by_chance(6, 2, 2) == pytest.approx(1 - 4 / 6 * 3 / 5)


def test_no_changed_line_is_never_hit() -> None:
    scores, changed = [np.zeros(3), np.arange(3.0)], [np.zeros(3, bool), np.array([False, False, True])]
    assert hits(scores, changed, 1).tolist() == [0, 1]
