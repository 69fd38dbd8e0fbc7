"""Files of a report are looked for inside the tree, and nowhere else."""

from pathlib import Path

import pytest

from codewren.core.errors import InputError
from codewren.verify.source_tree import SourceTree, function_around, function_text

CODE = "int f(void)\n{\n    return 1;\n}\n\nint y;\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SourceTree:
    for name in ("tree/src/a.c", "tree/a b.c", "secret.c", "tree/lib/src/a.c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(CODE)
    (tmp_path / "tree/link.c").symlink_to("../secret.c")
    (tmp_path / "tree/inside.c").symlink_to("src/a.c")
    (tmp_path / "tree/out").symlink_to("..")
    monkeypatch.chdir(tmp_path)
    return SourceTree(["tree"])


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("src/a.c", "tree/src/a.c"),
        ("./src/./a.c", "tree/src/a.c"),
        ("src/../a b.c", "tree/a b.c"),
        ("inside.c", "tree/inside.c"),
        ("/home/build/tree/src/a.c", "tree/src/a.c"),
        ("C:\\work\\src\\a.c", "tree/src/a.c"),
        ("/elsewhere/lib/src/a.c", "tree/lib/src/a.c"),
        ("src\\a.c", "tree/src/a.c"),
        ("tree/src/a.c", "tree/src/a.c"),
        ("./tree/a b.c", "tree/a b.c"),
        ("tree/inside.c", "tree/inside.c"),
    ],
)
def test_a_path_is_found_inside(tree: SourceTree, path: str, wanted: str) -> None:
    assert tree.find(path) == wanted


@pytest.mark.parametrize(
    "path",
    [
        *("../secret.c", "src/../../secret.c", "link.c", "out/secret.c", "/etc/passwd", "src", "", "/", "..", "gone.c"),
        *(
            "x/" * 300 + "a.c",
            "a" * 5_000,
            "home/tree/src/a.c",
            "tree/link.c",
            "tree/out/secret.c",
            "~/a.c",
            "src/a.c/b",
        ),
    ],
)
def test_a_path_outside_is_never_found(tree: SourceTree, path: str) -> None:
    assert tree.find(path) is None
    assert tree.read(path).text == b""


def test_the_absolute_path_of_a_file_in_the_tree_is_that_file(tree: SourceTree, tmp_path: Path) -> None:
    assert tree.find(str(tmp_path / "tree/src/a.c")) == "tree/src/a.c"
    assert tree.find(str(tmp_path / "secret.c")) is None


def test_a_report_of_the_folder_itself_is_found_from_wherever_it_is_verified(
    tree: SourceTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SourceTree(["tree/lib/src"]).find("lib/src/a.c") == "tree/lib/src/a.c"
    monkeypatch.chdir(tmp_path / "tree/src")
    assert SourceTree([str(tmp_path / "tree/lib")]).find("tree/lib/src/a.c") == str(tmp_path / "tree/lib/src/a.c")
    assert SourceTree(["."]).find("src/a.c") == "a.c"
    assert SourceTree(["."]).find("lib/src/a.c") is None


def test_what_cannot_be_judged_has_a_reason(tree: SourceTree, tmp_path: Path) -> None:
    (tmp_path / "tree/notes.txt").write_text("x")
    (tmp_path / "tree/binary.c").write_bytes(b"\0")
    assert tree.read("gone.c").reason == "no such file in the tree"
    assert tree.read("notes.txt").reason == "not of a language that is read"
    assert tree.read("binary.c").reason == "binary (NUL byte at 0)"


def test_lines_belong_to_the_function_around_them(tree: SourceTree) -> None:
    source = tree.read("src/a.c")
    around = [function_around(source, line) for line in range(1, 8)]
    assert [one and one.name for one in around] == ["f"] * 4 + [None] * 3
    assert around[0]
    assert function_text(source, around[0]) == CODE[: CODE.index("\n\n")]


def test_folders_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        SourceTree([str(tmp_path / "gone")])
