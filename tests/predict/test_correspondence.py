"""Lines that correspond: on edits whose answer is known, and against what must hold for any two texts."""

import re
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codewren.core.errors import InputError
from codewren.core.task import CLONE, VULNERABILITY
from codewren.predict.correspondence import LineRange, corresponding_lines
from codewren.predict.predictor import load
from codewren.syntax.tokens import tokens
from students import write_student

C = """int copy(char *to, const char *from, int size) {
    int count = 0;
    /* as many
       as fit */
    for (int i = 0; i < size; i++) {
        if (from[i] == '\\0') break;
        to[count++] = from[i];
    }
    report("copied", count, size);
    return count;
}"""


def pairs(ranges: tuple[LineRange, ...]) -> dict[int, tuple[int, str]]:
    return {one.first + k: (one.second + k, one.relation) for one in ranges for k in range(one.lines)}


def test_a_text_corresponds_with_itself() -> None:
    ranges = corresponding_lines(C, C, "c")
    assert pairs(ranges) == {number: (number, "exact") for number in (1, 2, 5, 6, 7, 8, 9, 10, 11)}  # no comments


def test_white_space_and_comments_change_nothing_but_line_numbers() -> None:
    changed = C.replace("/* as many\n       as fit */\n", "").replace("int count", "\n\n  int /* of */  count")
    assert pairs(corresponding_lines(C, changed, "c")) == {
        1: (1, "exact"),
        2: (4, "exact"),
        **{number: (number, "exact") for number in range(5, 12)},
    }


def test_renamed_lines_are_told_from_edited_ones() -> None:
    changed = C.replace("count", "n").replace("report(", "log(").replace("i++", "i += 2")
    relations = {first: relation for first, (_, relation) in pairs(corresponding_lines(C, changed, "c")).items()}
    assert relations == {
        1: "exact",
        2: "renamed",
        5: "edited",
        6: "exact",
        7: "renamed",
        8: "exact",
        9: "renamed",
        10: "edited",
        11: "exact",
    }


def test_inserted_and_deleted_lines_have_no_partner() -> None:
    lines = C.split("\n")
    fewer = "\n".join(lines[:5] + lines[6:])
    assert 6 not in pairs(corresponding_lines(C, fewer, "c"))
    assert 6 not in {second for second, _ in pairs(corresponding_lines(fewer, C, "c")).values()}


def test_a_line_that_moved_is_found() -> None:
    lines = C.split("\n")
    moved = "\n".join([lines[0], lines[8], *lines[1:8], *lines[9:]])
    assert pairs(corresponding_lines(C, moved, "c"))[9] == (2, "exact")


def test_python_needs_no_name_of_its_language() -> None:
    text = 'def f(a):\n    """Two\n    lines."""\n    return a[0]  # first\n'
    assert pairs(corresponding_lines(text, text.replace("# first", ""))) == {n: (n, "exact") for n in (1, 2, 3, 4)}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_every_pair_of_lines_keeps_what_its_relation_says(seed: int) -> None:
    random = Random(seed)
    whole = re.split(r"\n(?!\s*as fit \*/)", C)  # half a comment would make comments of what follows
    other = [line for line in whole if random.random() > 0.2]
    random.shuffle(other) if random.random() < 0.3 else None
    text = "\n".join(other).replace("from", random.choice(["from", "source"]))
    ranges = corresponding_lines(C, text, "c")
    found = pairs(ranges)
    assert len({second for second, _ in found.values()}) == len(found)  # no line twice
    assert sum(one.lines for one in ranges) == len(found)
    assert all(one.first < two.first for one, two in pairwise(ranges))
    for first, (second, relation) in found.items():
        a, b = (tokens(text.split("\n")[number - 1], "c") for text, number in ((C, first), (text, second)))
        assert (a == b) == (relation == "exact")
        assert relation != "renamed" or len(a) == len(b)


def test_very_long_functions_are_aligned_by_equal_lines_alone() -> None:
    long = "\n".join(f"  x = call{number}(a);" for number in range(700))
    changed = long.replace("call3(", "other(")
    assert pairs(corresponding_lines(long, "int y;\n" + changed, "c"))[700] == (701, "exact")
    assert pairs(corresponding_lines(long, changed, "c"))[4] == (4, "edited")


@pytest.mark.parametrize("text", ["", "\n\n", "/* never closed", '"never closed', "}" * 50, "(" * 2000, "\ud800 f();"])
def test_any_text_is_taken(text: str) -> None:
    for other in (text, C):
        for language in ("", "c", "python"):
            assert all(one.lines > 0 for one in corresponding_lines(text, other, language))


def test_predictors_of_pairs_know_the_language(tmp_path: Path) -> None:
    wanted = corresponding_lines(C, C, "cpp")
    assert load("clones").correspondence(C, C) == wanted
    assert load("clone-java").correspondence(C, C) == wanted
    assert load(write_student(tmp_path / "x.wren", task=CLONE)).correspondence(C, C) == wanted
    with pytest.raises(InputError, match="judges single functions"):
        load(write_student(tmp_path / "y.wren", task=VULNERABILITY)).correspondence(C, C)  # type: ignore[union-attr]
    with pytest.raises(InputError, match="language 'cobol' is none of"):
        corresponding_lines(C, C, "cobol")
