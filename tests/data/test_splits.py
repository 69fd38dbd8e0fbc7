from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.core.dataset import Dataset
from codewren.core.errors import InputError
from codewren.core.task import VULNERABILITY
from codewren.data.splits import halve, stratified_halves

LABELS = st.lists(st.one_of(st.none(), st.integers(0, 4)), max_size=80)


@given(LABELS, st.integers(0, 5))
def test_halves_partition_the_items_and_balance_every_class(labels, seed):
    first, second = stratified_halves(labels, seed=seed)
    assert sorted(first + second) == list(range(len(labels)))
    assert abs(len(first) - len(second)) <= 1
    ours, theirs = Counter(labels[i] for i in first), Counter(labels[i] for i in second)
    assert all(abs(ours[label] - theirs[label]) <= 1 for label in set(labels))


@given(LABELS, st.integers(0, 5))
def test_halves_are_a_function_of_labels_and_seed(labels, seed):
    assert stratified_halves(labels, seed=seed) == stratified_halves(list(labels), seed=seed)


def test_every_item_reaches_both_halves_over_seeds():
    reached = Counter(i for seed in range(200) for i in stratified_halves([0] * 6 + [1] * 4, seed=seed)[0])
    assert all(60 < reached[i] < 140 for i in range(10))


def test_one_item_has_no_halves():
    with pytest.raises(InputError, match="two halves need two or more"):
        halve(Dataset(VULNERABILITY, "train", ("a",), ("0",), ((0,),), (0,), ("0",)), seed=0)
