from array import array
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.scan.lexical import EDITED_OVERLAP, FEWEST_WORDS, families, overlap, overlapping, overlaps

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


@given(st.lists(WORDS, min_size=1, max_size=6), st.data())
def test_overlaps_of_many_pairs_are_those_one_by_one(texts: list[list[int]], data: st.DataObject) -> None:
    index = st.integers(0, len(texts) - 1)
    pairs = data.draw(st.lists(st.tuples(index, index), max_size=8))
    wanted = [shared_part(texts[i], texts[j]) for i, j in pairs]
    assert list(overlaps([bag(text) for text in texts], pairs)) == pytest.approx(wanted)


@given(st.lists(WORDS, max_size=6), st.lists(st.integers(0, 300), min_size=11, max_size=30), st.data())
def test_any_two_of_a_family_are_edited_copies(texts: list[list[int]], common: list[int], data: st.DataObject) -> None:
    own = st.lists(st.integers(0, 300), max_size=len(common) // 2)
    texts = texts + [common + words for words in data.draw(st.lists(own, max_size=8))]
    found = families([bag(text) for text in texts], 2)
    members = [number for numbers in found for number in numbers]
    assert len(members) == len(set(members))
    for i, j in (pair for numbers in found for pair in combinations(numbers, 2)):
        assert shared_part(texts[i], texts[j]) >= EDITED_OVERLAP
        assert min(len(texts[i]), len(texts[j])) >= FEWEST_WORDS


def test_functions_that_differ_in_rare_words_are_a_family_if_there_are_enough_of_them() -> None:
    texts = [[*range(20), 100 + 2 * number, 101 + 2 * number] for number in range(30)]
    assert families([bag(text) for text in texts], 30) == [list(range(30))]
    assert families([bag(text) for text in texts], 31) == []


def test_more_pairs_than_the_limit_are_refused() -> None:
    bags = [bag(list(range(15)))] * 5
    assert len(list(overlapping(bags, limit=10))) == 10
    with pytest.raises(OverflowError, match="more pairs"):
        overlapping(bags, limit=9)


def test_bags_that_do_not_fit_are_refused() -> None:
    from codewren._native import WordBags

    with pytest.raises(ValueError, match="do not fit"):
        WordBags(array("I", [257]), [2])
    with pytest.raises(ValueError, match="do not fit"):
        WordBags(array("I", [257]), [1, 0])
    bags = WordBags(array("I", [257]), [1])
    with pytest.raises(ValueError, match="not there"):
        bags.overlaps([0, 1])
    with pytest.raises(ValueError, match="odd"):
        bags.overlaps([0])
