"""Two functions side by side hold both, each in its half."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.index.two_columns import side_by_side

LINES = st.lists(st.sampled_from(["a = 1", "  b = 2", "c()", "", "return x"]), max_size=8)


@given(first=LINES, second=LINES)
def test_each_half_is_one_of_the_functions(first: list[str], second: list[str]) -> None:
    rows = list(side_by_side(first, second, 43))
    assert [row[:20].rstrip() for row in rows if row[21] != ">"] == first
    assert [row[23:].rstrip() for row in rows if row[21] != "<"] == second
    assert all(row[:20].split() == row[23:].split() for row in rows if row[21] == " ")
    assert all(row[:20].split() != row[23:].split() for row in rows if row[21] == "|")


@pytest.mark.skipif(shutil.which("diff") is None, reason="needs diff")
def test_marks_are_those_of_diff(tmp_path: Path) -> None:
    first, second = ["a", "b", "c", "d"], ["a", "B", "c", "d", "e"]
    for name, lines in (("one", first), ("two", second)):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    command = ["diff", "-yt", "-W", "43", "one", "two"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    ours = [row.split() for row in side_by_side(first, second, 43)]
    assert ours == [line.split() for line in printed.stdout.splitlines()]
