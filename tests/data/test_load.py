import json
from collections import Counter
from pathlib import Path

import pytest

from codewren.core.errors import CodewrenError, InputError, RecipeError
from codewren.core.recipe import Recipe
from codewren.data import load
from codewren.data.load import available_splits, load_split, load_test_split

MINE = {"name": "smell", "unit": "function", "labels": ["fine", "long", "odd"], "positive": "odd"}


def write_jsonl(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def recipe(folder: Path, data: dict, task: dict | None = None) -> Recipe:
    return Recipe.from_dict({"task": task or {"name": "vulnerability"}, "data": data}, folder)


def pairs(folder: Path, lines: str, **source) -> Recipe:
    write_jsonl(folder / "functions.jsonl", [{"idx": i, "func": f"f{i}()"} for i in range(5)])
    (folder / "valid.tsv").write_text(lines)
    data = {"functions": {"path": "functions.jsonl"}, "valid": {"path": "valid.tsv", **source}}
    return recipe(folder, data, {"name": "clone"})


def test_functions_and_labels_are_read_by_number_and_by_name(tmp_path):
    write_jsonl(tmp_path / "v.jsonl", [{"func": "a", "label": "odd"}, {"func": "b", "label": 1}, {"func": "c"}])
    data = load_split(recipe(tmp_path, {"valid": {"path": "v.jsonl"}}, MINE), "valid")
    assert data.sources() == ["a", "b", "c"]
    assert data.labels == (2, 1, None)
    assert data.ids == ("1", "2", "3")


@pytest.mark.parametrize("unknown", [None, -1, "-1", "", float("nan")])
def test_the_papers_minus_one_and_empty_cells_are_unknown_labels(tmp_path, unknown):
    write_jsonl(tmp_path / "v.jsonl", [{"idx": "x", "func": "a", "label": unknown}])
    assert load_split(recipe(tmp_path, {"valid": {"path": "v.jsonl"}}), "valid").labels == (None,)


@pytest.mark.parametrize("value", [1, "1", 1.0, True, "true", " vulnerable "])
def test_spellings_of_a_label_agree(tmp_path, value):
    write_jsonl(tmp_path / "v.jsonl", [{"idx": "x", "func": "a", "label": value}])
    assert load_split(recipe(tmp_path, {"valid": {"path": "v.jsonl"}}), "valid").labels == (1,)


def test_pair_list_brings_along_only_the_functions_it_uses(tmp_path):
    data = load_split(pairs(tmp_path, "id1\tid2\tlabel\n3\t1\t1\n1\t4\t0\n3\t3\t1\n"), "valid")
    assert data.sources() == [("f3()", "f1()"), ("f1()", "f4()"), ("f3()", "f3()")]
    assert data.function_ids == ("3", "1", "4")
    assert data.labels == (1, 0, 1)


def test_inline_pairs_hash_like_the_same_pairs_from_a_list(tmp_path):
    listed = load_split(pairs(tmp_path, "id1\tid2\tlabel\n3\t1\t1\n1\t4\t0\n"), "valid")
    write_jsonl(
        tmp_path / "inline.jsonl",
        [{"l": "f3()", "r": "f1()", "label": 1}, {"l": "f1()", "r": "f4()", "label": 0}],
    )
    source = {"path": "inline.jsonl", "text": "l", "text2": "r"}
    inline = load_split(recipe(tmp_path, {"valid": source}, {"name": "clone"}), "valid")
    assert inline.sources() == listed.sources()
    assert inline.sha256() == listed.sha256()


def test_where_and_limit_choose_rows_whatever_the_file_calls_a_value(tmp_path):
    rows = [{"idx": i, "func": str(i), "part": "ab"[i % 2], "big": i > 3} for i in range(8)]
    write_jsonl(tmp_path / "v.jsonl", rows)
    for where, expected in (({"part": "b"}, "1357"), ({"big": True}, "4567"), ({"idx": 2}, "2"), ({"idx": "2"}, "2")):
        data = load_split(recipe(tmp_path, {"valid": {"path": "v.jsonl", "where": where}}), "valid")
        assert "".join(data.functions) == expected
    source = {"path": "v.jsonl", "where": {"part": "b"}, "limit": 2}
    assert load_split(recipe(tmp_path, {"valid": source}), "valid").functions == ("1", "3")


def test_a_limit_stops_reading_before_a_later_bad_line(tmp_path):
    (tmp_path / "v.jsonl").write_text('{"func": "a"}\nbroken\n')
    assert len(load_split(recipe(tmp_path, {"valid": {"path": "v.jsonl", "limit": 1}}), "valid")) == 1


def test_train_is_halved_by_class_and_the_halves_are_disjoint_and_complete(tmp_path):
    rows = [{"idx": i, "func": f"f{i}", "label": int(i % 5 == 0)} for i in range(101)]
    write_jsonl(tmp_path / "t.jsonl", rows)
    asked = recipe(tmp_path, {"train": {"path": "t.jsonl"}, "halves_seed": 3})
    labelled, unlabelled = load_split(asked, "labelled"), load_split(asked, "unlabelled")
    assert sorted(labelled.ids + unlabelled.ids, key=int) == [str(i) for i in range(101)]
    assert abs(len(labelled) - len(unlabelled)) == 1
    assert abs(sum(labelled.known_labels()) - sum(unlabelled.known_labels())) <= 1
    assert (labelled.split, unlabelled.split) == ("labelled", "unlabelled")
    other = recipe(tmp_path, {"train": {"path": "t.jsonl"}, "halves_seed": 4})
    assert load_split(other, "labelled").ids != labelled.ids
    assert load_split(asked, "labelled") == labelled
    assert available_splits(asked) == ("labelled", "unlabelled")


def test_the_test_split_has_its_own_door(tmp_path):
    write_jsonl(tmp_path / "t.jsonl", [{"func": "a", "label": 1}])
    asked = recipe(tmp_path, {"test": {"path": "t.jsonl"}})
    with pytest.raises(RecipeError, match="opened by `codewren evaluate` only"):
        load_split(asked, "test")
    assert load_test_split(asked).labels == (1,)
    assert "test" not in available_splits(asked)


def test_only_evaluate_goes_through_that_door():
    package = Path(load.__file__).parents[1]
    users = {path.stem for path in package.rglob("*.py") if "load_test_split" in path.read_text(encoding="utf-8")}
    assert users <= {"load", "stage_evaluate"}


@pytest.mark.parametrize(
    ("lines", "source", "message"),
    [
        (
            "id1\tid2\tlabel\n1\t2\t1\n1\t77\t0\n88\t77\t0\n",
            {},
            r"line 3: function id '77'.*\(2 of 4 ids are missing\)",
        ),
        ("id1\tid2\tlabel\n1\t2\t7\n", {}, r"line 2, column 'label': label '7' is not one of \['different', 'clone'\]"),
        ("id1\tid2\tlabel\n1\t2\tclones\n", {}, r"line 2, column 'label': label 'clones'"),
        ("id1\tid2\tlabel\n", {}, r"data\.valid: no rows in valid\.tsv \(it is empty\)"),
        ("", {}, r"data\.valid: no rows"),
        ("id1\tid2\tlabel\n1\t2\t1\n", {"where": {"label": 0}}, r"no rows .*where label = 0, found '1'"),
        ("id1\tid2\tlabel\n1\t2\t1\n", {"where": {"labels": 0}}, r"no column 'labels' \(did you mean 'label'"),
        ("id1\tid2\tlabel\n1\t2\t1\n", {"label": "lable"}, r"no column 'lable' \(did you mean 'label'"),
        ("id1\tid2\tlabel\n1\t2\t1\n", {"left": "id"}, r"no column 'id' \(did you mean 'id\d'"),
        (
            "id1\tid2\tname\n1\t2\tx\n1\t3\tx\n",
            {"id": "name"},
            r"line 3: 'name' 'x' was already used at line 2 \(1 rep",
        ),
        ("id1\tid2\tlabel\n1\t2\t1\n", {"limit": 0}, r"limit is 0, wanted 1 or more"),
        ("id1\tid2\tlabel\n1\t\t1\n", {}, r"line 2: column 'id2' is empty, wanted an id"),
    ],
)
def test_bad_pairs_say_what_was_found_and_where(tmp_path, lines, source, message):
    with pytest.raises(CodewrenError, match=message) as caught:
        load_split(pairs(tmp_path, lines, **source), "valid")
    assert "\n" not in str(caught.value)


def test_repeated_ids_in_the_functions_file_are_refused(tmp_path):
    asked = pairs(tmp_path, "id1\tid2\tlabel\n1\t2\t1\n")
    write_jsonl(
        tmp_path / "functions.jsonl", [{"idx": 1, "func": "a"}, {"idx": 2, "func": "b"}, {"idx": 1, "func": "c"}]
    )
    with pytest.raises(InputError, match=r"functions\.jsonl, line 3: 'idx' '1' was already used at line 1"):
        load_split(asked, "valid")


@pytest.mark.parametrize(
    ("data", "task", "split", "message"),
    [
        ({}, "vulnerability", "valid", r"recipe has no data\.valid; splits given: none"),
        ({"valid": {"path": "v"}}, "vulnerability", "labelled", r"no data\.labelled \(or data\.train.*given: valid"),
        ({"valid": {"path": "v"}}, "vulnerability", "validation", r"'validation' is not one of.*did you mean 'valid'"),
        ({"train": {"path": "v"}, "labelled": {"path": "v"}}, "vulnerability", "valid", "not both"),
        ({"valid": {"path": "v"}}, "clone", "valid", r"pair task 'clone': give data\.functions, or"),
        ({"functions": {"path": "f"}, "valid": {"path": "v"}}, "vulnerability", "valid", "belongs to pair tasks"),
    ],
)
def test_a_recipe_that_does_not_fit_says_what_to_give(tmp_path, data, task, split, message):
    with pytest.raises(RecipeError, match=message):
        load_split(recipe(tmp_path, data, {"name": task}), split)


def test_real_clone_pairs_load_as_the_papers_describe_them(shared):
    data = {split: {"path": f"{split}.tsv.xz"} for split in ("labelled", "unlabelled", "valid")}
    asked = recipe(shared / "data/bcb", {"functions": {"path": "functions.jsonl.xz"}, **data}, {"name": "clone"})
    sizes = {}
    for split in available_splits(asked):
        loaded = load_split(asked, split)
        sizes[split] = (len(loaded), len(loaded.functions))
        assert abs(sum(loaded.known_labels()) - len(loaded) / 2) < 1
    assert sizes == {"labelled": (45_051, 7_300), "unlabelled": (45_051, 7_299), "valid": (4_000, 907)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("devign", {"labelled": (10_927, 4_960), "unlabelled": (10_927, 5_058), "valid": (2_732, 1_187)}),
        ("reveal", {"labelled": (8_784, 742), "unlabelled": (8_741, 749), "valid": (2_186, 179)}),
    ],
)
def test_real_function_sets_load_with_where(shared, name, expected):
    train = {"path": "train.jsonl.xz", "label": "target"}
    parts = {part: {**train, "where": {"part": part}} for part in ("labelled", "unlabelled")}
    valid = {"path": "valid.jsonl.xz", "label": "target"}
    asked = recipe(shared / "data" / name, {**parts, "valid": valid})
    loaded = {split: load_split(asked, split) for split in available_splits(asked)}
    assert {split: (len(data), sum(data.known_labels())) for split, data in loaded.items()} == expected
    assert Counter(len(item) for item in loaded["valid"].items) == {1: len(loaded["valid"])}


@pytest.mark.parametrize("value", [["odd", "long"], {"odd": 1}])
def test_several_labels_of_an_item_are_refused_with_what_to_do(tmp_path, value):
    write_jsonl(tmp_path / "v.jsonl", [{"idx": "x", "func": "a", "label": value}])
    with pytest.raises(InputError, match=r"is no single label; state task.kind = .multi-label."):
        load_split(recipe(tmp_path, {"valid": {"path": "v.jsonl"}}, MINE), "valid")
