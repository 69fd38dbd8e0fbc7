"""A folder of source code is a split without labels: each function once, none of a chosen split, in an even order."""

import json

import pytest

from codewren.core.errors import InputError
from codewren.core.recipe import Recipe
from codewren.core.task import Task, Unit
from codewren.data.load import load_split
from codewren.data.source_functions import source_rows

PYTHON = Task("own", Unit.FUNCTION, ("a", "b"), "b", "python")


def write_sources(folder):
    (folder / "deep").mkdir(parents=True)
    (folder / "one.py").write_text("import os\n\n\ndef f():\n    return 1\n\n\ndef g():\n    return 2\n")
    (folder / "deep" / "two.py").write_text("def f():\n\n    return  1\n\n\ndef h(): return 3\n")
    (folder / "broken.py").write_bytes(b"def x(:\n" + b"\xff" * 5)
    (folder / "readme.md").write_text("def k(): pass\n")
    (folder / "other.c").write_text("int main(void) { return 0; }\n")


def test_each_function_of_the_language_is_there_once_under_its_place(tmp_path):
    write_sources(tmp_path / "src")
    rows = source_rows(tmp_path / "src", PYTHON, text="func", name="idx", known=["def  g(): return 2"])
    assert sorted(row.values["idx"] for row in rows) == ["deep/two.py:6", "one.py:4"]
    assert all(row.values["func"].startswith("def ") for row in rows)
    moved = tmp_path / "moved"
    (tmp_path / "src").rename(moved)
    again = source_rows(moved, PYTHON, text="func", name="idx", known=["def g(): return 2"])
    assert [row.values for row in again] == [row.values for row in rows]


def test_a_recipe_names_a_folder_of_code_and_its_limit_is_a_sample(tmp_path):
    (tmp_path / "src").mkdir()
    for at in range(20):
        (tmp_path / "src" / f"m{at:02}.py").write_text(f"def f{at}():\n    return {at}\n")
    (tmp_path / "valid.jsonl").write_text(json.dumps({"idx": 1, "func": "def f3(): return 3", "label": "a"}) + "\n")
    data: dict[str, dict[str, object]] = {"valid": {"path": "valid.jsonl"}, "unlabelled": {"path": "src"}}
    whole = load_split(Recipe.from_dict({"task": PYTHON.to_dict(), "data": data}, tmp_path), "unlabelled")
    assert len(whole) == 19
    assert set(whole.labels) == {None}
    assert "m03.py:1" not in whole.ids
    limited = data | {"unlabelled": {"path": "src", "limit": 6}}
    some = load_split(Recipe.from_dict({"task": PYTHON.to_dict(), "data": limited}, tmp_path), "unlabelled")
    assert some.ids == whole.ids[:6]
    assert list(some.ids) != sorted(whole.ids)[:6]


def test_a_folder_without_functions_says_what_is_wanted(tmp_path):
    (tmp_path / "src").mkdir()
    recipe = Recipe.from_dict({"task": PYTHON.to_dict(), "data": {"unlabelled": {"path": "src"}}}, tmp_path)
    with pytest.raises(
        InputError, match=r"wanted files that end in .* or source code with functions \(none in 0 python files\)"
    ):
        load_split(recipe, "unlabelled")
