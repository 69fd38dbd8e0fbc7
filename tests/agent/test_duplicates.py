"""Warnings are about what is new and exists already, and about nothing else."""

from pathlib import Path

import pytest

from codewren.agent.confined import confined, current_text
from codewren.agent.duplicates import Duplicate, Edit, duplicates
from codewren.core.errors import InputError
from codewren.index.tree_index import Index
from index.trees import OTHER, PYTHON, RENAMED, price_tree, write_tree


@pytest.fixture
def index(tmp_path: Path) -> Index:
    tree = price_tree(tmp_path / "tree")
    index = Index.open(tree, folder=tmp_path / "indexes")
    index.update()
    return index


def written(index: Index, path: str, after: str, before: str = "", **options) -> list[tuple[str, str]]:
    edits = [Edit(str(index.root / path), before, after)]
    return [(one.name, one.original.name) for one in duplicates(index, edits, **options)]


def test_a_copy_under_other_names_is_warned_of_and_its_original_named(index: Index) -> None:
    (duplicate,) = duplicates(index, [Edit(str(index.root / "new.py"), "", RENAMED)])
    assert str(duplicate) == "whole_cost is under other names a copy of a.py:2 total_price"
    assert duplicate.to_dict()["original"]["path"] == "a.py"


def test_an_edited_copy_is_warned_of_with_its_share_of_words(index: Index) -> None:
    (duplicate,) = duplicates(
        index, [Edit("new.py", "", PYTHON.replace("item.price > 0", "item.price > 0 and item.count"))]
    )
    assert "does much the same as a.py:2 total_price (9" in str(duplicate)


def test_a_function_that_is_new_to_the_tree_is_no_duplicate(index: Index) -> None:
    text = "def parse(text):\n    parts = []\n    for word in text.split():\n        parts.append(word.lower())\n"
    assert written(index, "new.py", text + "    return ' '.join(parts)\n\n\n") == []


def test_a_function_that_is_edited_is_no_duplicate_of_itself(index: Index) -> None:
    assert written(index, "a.py", PYTHON.replace("rate)", "rate) - 1"), before=PYTHON) == []


def test_a_second_copy_in_the_same_file_is_one(index: Index) -> None:
    assert written(index, "a.py", PYTHON + RENAMED, before=PYTHON) == [("whole_cost", "total_price")]


def test_what_an_edit_renames_or_splits_is_no_second_copy(index: Index) -> None:
    assert written(index, "a.py", RENAMED, before=PYTHON) == []
    shell = "\ndef total_price(items, rate):\n    with log(items):\n        return whole_cost(items, rate)\n"
    assert written(index, "a.py", shell + RENAMED, before=PYTHON) == []


def test_an_edit_beside_an_old_duplicate_is_not_told_of_it(index: Index) -> None:
    write_tree(index.root, {"copy.py": RENAMED})
    index.update()
    assert written(index, "copy.py", RENAMED + "\nx = 1\n", before=RENAMED) == []
    assert written(index, "copy.py", RENAMED.replace("+ rate", "- rate"), before=RENAMED) == []
    assert written(index, "copy.py", RENAMED + OTHER, before=RENAMED) == [("read_lines", "read_lines")]


def test_tests_neither_ask_nor_answer_unless_wanted(index: Index) -> None:
    assert written(index, "tests/test_new.py", RENAMED) == []
    assert written(index, "tests/test_new.py", RENAMED, with_tests=True) == [("whole_cost", "total_price")]


def test_a_comment_silences_a_function(index: Index) -> None:
    assert written(index, "new.py", "# codewren: ignore\n" + RENAMED.lstrip()) == []


def test_other_texts_and_deleted_files_are_passed_over(index: Index) -> None:
    assert written(index, "README.md", RENAMED) == []
    assert written(index, "a.py", "", before=PYTHON) == []


def test_paths_are_confined_to_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write_tree(root, {"a/x.py": "text"})
    (root / "out").symlink_to(tmp_path)
    assert confined(root, "a/../a/x.py") == root / "a/x.py" and confined(root, str(root / "new.py")) == root / "new.py"
    assert current_text(root / "a/x.py") == "text" and current_text(root / "nowhere.py") == ""
    for path in ("..", "../x", "/etc/passwd", "out/x.py", "a/../../x", str(tmp_path), f"{root}-other/x"):
        with pytest.raises(InputError, match="is not below"):
            confined(root, path)
    with pytest.raises(InputError, match="NUL"):
        confined(root, "a\0b")
    with pytest.raises(InputError, match="cannot read"):
        current_text(root / "a")


def test_a_duplicate_without_copies_says_how_similar_it_is(index: Index) -> None:
    (answer,) = index.query(RENAMED, language="python", k=3)
    match = next(match for match in answer.matches if match.kind == "semantic")
    assert str(Duplicate("x.py", "f", 1, match)).endswith(f"(similarity {match.similarity:.2f})")
