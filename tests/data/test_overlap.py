import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.core.dataset import Dataset
from codewren.core.errors import InputError
from codewren.core.recipe import Recipe
from codewren.core.task import CLONE, VULNERABILITY
from codewren.data.load import available_splits, load_split
from codewren.data.overlap import Between, Within, overlap_report


def functions(split: str, texts: list[str], labels: list[int | None] | None = None, ids: str | None = None) -> Dataset:
    names = tuple(ids or (f"{split}{i}" for i in range(len(texts))))
    items = tuple((i,) for i in range(len(texts)))
    return Dataset(VULNERABILITY, split, tuple(texts), names, items, tuple(labels or [None] * len(texts)), names)


def pairs(split: str, texts: str, items: list[tuple[int, int]], labels: list[int | None]) -> Dataset:
    numbers = tuple(str(i) for i in range(len(items)))
    return Dataset(CLONE, split, tuple(texts), tuple(texts), tuple(items), tuple(labels), numbers)


def test_copies_and_conflicts_within_a_split():
    report = overlap_report([functions("valid", ["a b", "a b", "a\n b", "c", "c"], [0, 1, None, 1, 1])])
    assert report.within == (Within("valid", 5, 5, exact_copies=2, normalised_copies=3, repeated_items=3,
                                    conflicting_items=3),)  # fmt: skip
    assert report.warnings() == [
        "valid: 3 of 5 functions (60.0%) are copies of an earlier one (2 to the letter)",
        "valid: 3 of 5 functions (60.0%) stand there under different labels; no model can be right on all",
    ]


def test_copies_between_splits_go_from_the_later_to_the_earlier():
    train = functions("labelled", ["a b", "x", "y"], [0, 1, 0], ids="pqr")
    valid = functions("valid", ["a  b", "x", "x", "z"], [1, 1, None, 0], ids="pqst")
    found = overlap_report([train, valid]).between
    assert found == (Between("valid", "labelled", same_ids=1, same_id_items=1, exact_copies=2, normalised_copies=3,
                             repeated_items=3, conflicting_items=1),)  # fmt: skip


def test_one_id_for_different_texts_is_no_overlap():
    report = overlap_report([functions("labelled", ["a"], ids="p"), functions("valid", ["b"], ids="p")])
    assert report.between[0].same_ids == 0
    assert report.warnings() == []


def test_pairs_repeat_in_either_order_and_conflict_by_label():
    train = pairs("labelled", "abc", [(0, 1), (1, 0), (1, 2)], [1, 1, 0])
    valid = pairs("valid", "cba", [(0, 1), (2, 1), (2, 2)], [1, 1, 1])
    report = overlap_report([train, valid])
    assert report.within[0].repeated_items == 1
    assert report.between[0].repeated_items == report.between[0].same_id_items == 2
    assert report.between[0].conflicting_items == 1
    assert "valid: 2 of 3 pairs (66.7%) are in labelled as well" in report.warnings()
    assert json.loads(json.dumps(report.to_dict()))["between"][0]["repeated_items"] == 2


@given(st.lists(st.sampled_from(["a", "a ", "b", "b\tb", "b b", "c"]), max_size=12), st.data())
def test_counts_are_those_of_comparing_all_with_all(texts, data):
    labels = data.draw(st.lists(st.sampled_from([0, 1, None]), min_size=len(texts), max_size=len(texts)))
    cut = data.draw(st.integers(0, len(texts)))
    first, second = functions("labelled", texts[:cut], labels[:cut]), functions("valid", texts[cut:], labels[cut:])
    found = overlap_report([first, second])
    both = range(len(second)), range(len(first))
    assert found.between[0].exact_copies == sum(
        any(second.functions[i] == first.functions[j] for j in both[1]) for i in both[0]
    )
    same = {(i, j) for i in both[0] for j in both[1] if second.functions[i].split() == first.functions[j].split()}
    assert found.between[0].repeated_items == len({i for i, _ in same})
    everywhere = [text.split() for text in second.functions]
    assert found.within[1].normalised_copies == sum(text in everywhere[:i] for i, text in enumerate(everywhere))


def test_three_splits_are_compared_two_by_two_and_names_must_differ():
    three = [functions(name, ["a"]) for name in ("labelled", "unlabelled", "valid")]
    found = {(one.split, one.other) for one in overlap_report(three).between}
    assert found == {("unlabelled", "labelled"), ("valid", "labelled"), ("valid", "unlabelled")}
    with pytest.raises(InputError, match="not distinct"):
        overlap_report([three[0], three[0]])


def test_real_clone_splits_overlap_as_published(shared):
    """SPEC 1.9: the halves share 7,297 functions and 1,132 pairs; 149 of 907 valid functions are copies of train's."""
    data = {split: {"path": f"{split}.tsv.xz"} for split in ("labelled", "unlabelled", "valid")}
    raw = {"task": {"name": "clone"}, "data": {"functions": {"path": "functions.jsonl.xz"}, **data}}
    recipe = Recipe.from_dict(raw, shared / "data/bcb")
    report = overlap_report([load_split(recipe, split) for split in available_splits(recipe)])
    halves, valid, _ = report.between
    assert (halves.split, halves.other) == ("unlabelled", "labelled")
    assert (halves.same_ids, halves.same_id_items) == (7_297, 1_132)
    assert (valid.split, valid.exact_copies, report.within[2].functions) == ("valid", 149, 907)
