import pytest

from codewren.runtime.suppress import is_suppressed

FUNCTION = ["static int", "f(int a)", "{", "  return a;", "}"]


def silent(*lines: str, start: int, task: str = "vulnerability") -> bool:
    return is_suppressed([line.encode() for line in lines], start, start + 2, task)


@pytest.mark.parametrize(
    "comment",
    [
        "// codewren: ignore",
        "/* codewren:ignore */",
        "  # codewren: ignore",
        " * because of this; codewren: ignore, checked by hand",
        "// codewren: ignore[vulnerability]",
        "// codewren: ignore [clone, vulnerability]",
    ],
)
def test_a_comment_on_the_line_above_silences(comment: str) -> None:
    assert silent("int g;", comment, *FUNCTION, start=3)


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_comment_in_the_header_silences(line: int) -> None:
    lines = [text + "  // codewren: ignore" * (index == line) for index, text in enumerate(FUNCTION)]
    assert silent(*lines, start=1)


@pytest.mark.parametrize(
    "lines",
    [
        ["// codewren: ignore[clone]", *FUNCTION],
        ["// codewren: ignored", *FUNCTION],
        ["// codewren: ignore[]", *FUNCTION],
        ["codewren: ignore", *FUNCTION],
        ["int g; // codewren: ignore", *FUNCTION],
        ["", *FUNCTION[:3], "  return a; // codewren: ignore", "}"],
    ],
)
def test_other_comments_and_other_places_do_not(lines: list[str]) -> None:
    assert not silent(*lines, start=2)


def test_the_first_line_of_a_file_has_none_above() -> None:
    assert not is_suppressed([b"int f() {}", b"// codewren: ignore"], 1, 1, "vulnerability")
