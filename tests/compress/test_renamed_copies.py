"""Training functions under other names: made once, the same for everybody, only names differ."""

import re

import pytest

from codewren.compress.renamed_copies import renamed_copies
from codewren.core.errors import InputError, RecipeError
from codewren.core.task import CLONE, Task, Unit

FUNCTIONS = (
    "int sum(int[] values) { int total = 0; for (int v : values) total += v; return total; }",
    "void log(String message) { System.out.println(message); }",
    "void nothing() { }",
)


def test_each_copy_differs_in_names_only(tmp_path):
    copies = renamed_copies(FUNCTIONS, CLONE, copies=2, seed=0, cache=tmp_path, quiet=True)
    assert [len(copy) for copy in copies] == [3, 3]
    assert copies[0] != copies[1]
    for copy in copies:
        assert copy[2] == FUNCTIONS[2]
        for before, after in zip(FUNCTIONS[:2], copy[:2], strict=True):
            assert before != after
            assert re.sub(r"\w+", "x", before) == re.sub(r"\w+", "x", after)


def test_the_cache_gives_back_what_was_made(tmp_path):
    first = renamed_copies(FUNCTIONS, CLONE, copies=2, seed=0, cache=tmp_path, quiet=True)
    (file,) = tmp_path.iterdir()
    before = file.stat().st_mtime_ns
    assert renamed_copies(FUNCTIONS, CLONE, copies=2, seed=0, cache=tmp_path, quiet=True) == first
    assert file.stat().st_mtime_ns == before
    renamed_copies(FUNCTIONS, CLONE, copies=2, seed=1, cache=tmp_path, quiet=True)
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_language_nothing_can_be_renamed(tmp_path):
    task = Task("smell", Unit.FUNCTION, ("good", "bad"), "bad")
    with pytest.raises(RecipeError, match=r"task\.language"):
        renamed_copies(FUNCTIONS, task, copies=1, seed=0, cache=tmp_path, quiet=True)
    with pytest.raises(InputError, match="cobol"):
        renamed_copies(
            FUNCTIONS, Task("smell", Unit.FUNCTION, ("good", "bad"), "bad", "cobol"), copies=1, seed=0, cache=tmp_path
        )
