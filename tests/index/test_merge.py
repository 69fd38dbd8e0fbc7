"""Few segments, and few rewritings."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from codewren.index.merge import groups_to_merge

SIZES = st.lists(st.integers(0, 1000), max_size=12)


@given(live=SIZES)
def test_each_group_is_at_least_twice_the_next(live: list[int]) -> None:
    groups = groups_to_merge(live)
    sizes = sorted(sum(live[number] for number in group) for group in groups)
    assert all(2 * small <= large for small, large in pairwise(sizes))
    assert sorted(number for group in groups for number in group) == [n for n, rows in enumerate(live) if rows]


def test_a_function_is_rewritten_seldom() -> None:
    """As often as a binary counter carries: the logarithm of the number of updates."""
    segments: list[int] = []
    written = updates = 0
    for _ in range(1000):
        segments.append(1)
        updates += 1
        merged = []
        for group in groups_to_merge(segments):
            merged.append(sum(segments[number] for number in group))
            written += merged[-1] if len(group) > 1 else 0
        segments = merged
    assert len(segments) <= 10 and written <= 10 * updates
