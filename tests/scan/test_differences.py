from pathlib import Path

from codewren.scan.differences import LONGEST_LINE, MOST_SHOWN, differences, with_differences
from codewren.scan.finding import CloneKind, Differences, Finding, Location


def test_equal_texts_do_not_differ_and_brackets_do_not_count() -> None:
    assert differences(["a();", "}"], ["a();", "}"]) == Differences(0, ())
    assert differences(["a();", "}"], ["a();", "}", "}"]) == Differences(0, ())


def test_only_the_first_lines_are_shown_and_cut() -> None:
    lines = [f"f{index}({'x' * LONGEST_LINE});" for index in range(9)]
    found = differences(["same"], ["same", *lines])
    assert (found.lines, len(found.shown)) == (9, MOST_SHOWN)
    assert all(len(line) == LONGEST_LINE + 2 and line.startswith("+ f") for line in found.shown)


def test_places_of_a_class_say_how_they_differ_from_the_first(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int f() {\n  a();\n  b();\n}\nint g() {\n    a();\n  c();\n}\n")
    path = str(tmp_path / "a.c")
    others = (
        Location(path, 1, 4, "f", CloneKind.EXACT),
        Location(path, 5, 8, "g", CloneKind.EDITED),
        Location(str(tmp_path / "gone.c"), 1, 4, "h", CloneKind.EDITED),
    )
    alone = Finding("clone", 1.0, Location(path, 1, 4, "f"), "1")
    clones = Finding("clone", 1.0, Location(path, 1, 4, "f"), "2", others, CloneKind.EDITED)
    unchanged, compared = with_differences([alone, clones])
    assert unchanged == alone
    exact, edited, gone = compared.others
    assert exact.differences is None
    assert edited.differences == Differences(2, ("- int f() {", "- b();", "+ int g() {", "+ c();"))
    assert gone.differences is not None
    assert gone.differences.lines == 3
