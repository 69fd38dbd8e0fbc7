from array import array
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.scan.lexical import FEWEST_WORDS, overlap, overlapping

WORDS = st.lists(st.integers(0, 12), max_size=40)


def bag(words: list[int]) -> "array[int]":
    return array("I", sorted(word << 8 | count for word, count in Counter(words).items()))


def shared_part(first: list[int], second: list[int]) -> float:
    """The definition: what two bags share, over the larger one."""
    return (Counter(first) & Counter(second)).total() / max(len(first), len(second), 1)


@given(WORDS, WORDS)
def test_overlap_is_the_shared_part_of_the_longer_bag(first: list[int], second: list[int]) -> None:
    assert overlap(bag(first), bag(second)) == pytest.approx(shared_part(first, second))


@given(st.lists(WORDS, max_size=8), st.data())
def test_every_pair_of_large_enough_bags_that_overlap_is_found(texts: list[list[int]], data: st.DataObject) -> None:
    for number in data.draw(st.lists(st.integers(0, max(len(texts) - 1, 0)), max_size=4)) if texts else ():
        texts.append([*texts[number], *data.draw(st.lists(st.integers(0, 20), max_size=6))])
    wanted = {
        (i, j): shared_part(texts[i], texts[j])
        for i, j in combinations(range(len(texts)), 2)
        if min(len(texts[i]), len(texts[j])) >= FEWEST_WORDS and shared_part(texts[i], texts[j]) >= 0.7
    }
    assert {(i, j): share for i, j, share in overlapping([bag(text) for text in texts])} == pytest.approx(wanted)
