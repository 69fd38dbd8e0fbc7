import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from codewren.core.errors import InputError
from codewren.scan.source_files import read_bytes, walk
from codewren.scan.source_text import source_text

C = {"c"}


def make(root: Path, *names: str, text: str = "int f(void) { return 1; }\n") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def paths(*roots: str, languages: set[str] = C, exclude: tuple[str, ...] = ()) -> list[str]:
    return [file.path for file in walk(roots, languages, exclude).files]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_files_come_in_order_with_the_path_that_was_given(here: Path) -> None:
    make(here, "b/z.c", "b/a.c", "a.c", "b/c/d.c", "b/x.java", "b/readme.md")
    assert paths(".") == ["a.c", "b/a.c", "b/z.c", "b/c/d.c"]
    assert paths("b") == ["b/a.c", "b/z.c", "b/c/d.c"]
    assert paths(str(here / "b" / "c")) == [str(here / "b/c/d.c")]


def test_no_file_is_scanned_twice(here: Path) -> None:
    make(here, "b/z.c")
    assert paths("b", "./b/z.c", "b/z.c", ".") == ["b/z.c"]


def test_headers_follow_the_wanted_language(here: Path) -> None:
    make(here, "a.h")
    assert walk(["."], {"c"}).files[0].language == "c"
    assert walk(["."], {"cpp"}).files[0].language == "cpp"
    assert walk(["."], {"java"}).files == ()


def test_other_languages_are_counted_not_scanned(here: Path) -> None:
    make(here, "a.c", "b.cc", "c.hpp", "d.py", "e.txt")
    walked = walk([".", "b.cc"], C)
    assert [file.path for file in walked.files] == ["a.c"]
    assert walked.foreign == {"cpp": ["b.cc", "c.hpp"], "python": ["d.py"]}


def test_a_path_that_does_not_exist_is_an_error(here: Path) -> None:
    with pytest.raises(InputError, match="gone: no such file"):
        walk(["gone"], C)


def test_a_named_file_of_unknown_kind_is_noted(here: Path) -> None:
    make(here, "README")
    assert [note.path for note in walk(["README"], C).notes] == ["README"]


def test_a_fifo_is_not_opened(here: Path) -> None:
    os.mkfifo(here / "pipe.c")
    assert paths(".") == []
    with pytest.raises(InputError, match="neither a file nor a folder"):
        walk(["pipe.c"], C)


def test_symbolic_links_and_their_loops_are_not_followed(here: Path) -> None:
    make(here, "a/x.c")
    (here / "a" / "loop").symlink_to(here)
    (here / "a" / "y.c").symlink_to(here / "a" / "x.c")
    (here / "dangling.c").symlink_to(here / "nothing")
    assert paths(".") == ["a/x.c"]


def test_a_named_file_is_scanned_though_ignored(here: Path) -> None:
    make(here, ".git/HEAD", "a.c")
    (here / ".gitignore").write_text("*.c\n")
    assert paths(".") == []
    assert paths("a.c") == ["a.c"]


def test_ignore_files_above_the_start_count_up_to_the_repository(here: Path) -> None:
    make(here, "repo/.git/HEAD", "repo/src/gen/a.c", "repo/src/b.c")
    (here / ".gitignore").write_text("*.c\n")
    (here / "repo/.gitignore").write_text("/src/gen/\n")
    assert paths("repo/src") == ["repo/src/b.c"]


def test_a_repository_inside_another_has_rules_of_its_own(here: Path) -> None:
    make(here, ".git/HEAD", "a.c", "inner/.git/HEAD", "inner/a.c", "inner/b.c")
    (here / ".gitignore").write_text("a.c\n")
    (here / "inner/.gitignore").write_text("b.c\n")
    assert paths(".") == ["inner/a.c"]


def test_exclude_binds_named_files_and_folders_too(here: Path) -> None:
    make(here, "vendor/x.c", "src/x.c", "src/y_test.c")
    exclude = ("vendor/", "*_test.c")
    assert paths(".", exclude=exclude) == ["src/x.c"]
    assert paths("vendor/x.c", "vendor", "src/y_test.c", exclude=exclude) == []


def test_an_exclude_pattern_is_relative_to_the_current_folder(here: Path) -> None:
    make(here, "a/x.c", "b/a/x.c")
    assert paths(".", exclude=("/a",)) == ["b/a/x.c"]


def test_a_virtual_environment_is_not_entered_whatever_its_name(here: Path) -> None:
    make(here, "env/lib/x.c", "a/venv/y.c", "b/z.c")
    make(here, "env/pyvenv.cfg", "a/venv/pyvenv.cfg", text="home = /usr\n")
    assert paths(".") == ["b/z.c"]
    assert paths("env") == ["env/lib/x.c"]


def test_a_pipe_or_a_link_named_gitignore_holds_no_rules(here: Path) -> None:
    make(here, ".git/HEAD", "a/x.c", "b/y.c", "c/z.c")
    make(here, "rules", text="*.c\n")
    os.mkfifo(here / "a/.gitignore")
    (here / "b/.gitignore").symlink_to(here / "rules")
    (here / "c/.gitignore").mkdir()
    assert paths(".") == ["a/x.c", "b/y.c", "c/z.c"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_noted(here: Path) -> None:
    make(here, "shut/x.c", "y.c")
    (here / "shut").chmod(0)
    try:
        walked = walk(["."], C)
    finally:
        (here / "shut").chmod(0o755)
    assert [file.path for file in walked.files] == ["y.c"]
    assert [(note.path, note.reason) for note in walked.notes] == [("shut", "cannot be read: Permission denied")]


def test_a_folder_that_vanishes_is_noted(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(here, "a/x.c", "b/y.c")
    scandir = os.scandir

    def vanishing(path: str) -> object:
        if path.endswith("/a"):
            (here / "a" / "x.c").unlink()
            (here / "a").rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    walked = walk(["."], C)
    assert [file.path for file in walked.files] == ["b/y.c"]
    assert walked.notes[0].path == "a"


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle and is not installed")
def test_a_tree_with_nested_ignore_files_is_walked_as_git_lists_it(here: Path) -> None:
    rng = random.Random(5)
    folders = [""] + ["/".join(rng.choices("abc", k=rng.randint(1, 4))) + "/" for _ in range(30)]
    make(here, *{folder + rng.choice("wxyz") + ".c" for folder in folders for _ in range(3)})
    lines = ["*.c", "!w.c", "a/", "/b", "b/*", "!b/x.c", "**/c/y.c", "c/**", "!c/a/", "z.*", "!z.c", "/a/*/x.c", "!/a/"]
    for folder in rng.sample(folders, 14):
        (here / folder / ".gitignore").write_text("\n".join(rng.choices(lines, k=rng.randint(1, 3))) + "\n")
    subprocess.run(["git", "init", "-q"], check=True)
    (here / ".git/info/exclude").write_text("y.c\n")
    listing = [
        "git",
        "-c",
        f"core.excludesFile={os.devnull}",
        "ls-files",
        "-z",
        "--others",
        "--exclude-standard",
        "*.c",
    ]
    listed = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    assert sorted(paths(".")) == sorted(filter(None, listed))
    assert len(paths(".")) > 5


LINES = [
    "*.c",
    "!w.c",
    "a/",
    "/b",
    "b/*",
    "!b/x.c",
    "**/c/y.c",
    "c/**",
    "!c/a/",
    "z.*",
    "!z.c",
    "/a/*/x.c",
    "!/a/",
    "w?c",
]


def random_tree(root: Path, rng: random.Random) -> None:
    """Files, links and ignore files in a few nested folders."""
    folders = [""] + ["/".join(rng.choices("abc", k=rng.randint(1, 3))) + "/" for _ in range(12)]
    make(root, *{folder + rng.choice("wxyz") + ".c" for folder in folders for _ in range(2)})
    for folder in rng.sample(folders, 5):
        (root / folder / ".gitignore").write_text("\n".join(rng.choices(LINES, k=rng.randint(1, 3))) + "\n")
    for name in rng.sample(["l.c", "a/l.c", "b/l"], 2):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).symlink_to(root / rng.choice(["w.c", "a", "gone"]))


def git(root: Path, *arguments: str) -> list[str]:
    settings = ["user.name=a", "user.email=a@b", "protocol.file.allow=always", f"core.excludesFile={os.devnull}"]
    options = [word for setting in settings for word in ("-c", setting)]
    command = ["git", "-C", str(root), *options, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return list(filter(None, done.stdout.split("\0")))


def git_lists(root: Path, prefix: str) -> set[str]:
    """What `git ls-files` lists of one repository, without links, the repositories inside it, and tracked files that a
    pattern matches.
    """
    listed = set(git(root, "ls-files", "-z", "-co", "--exclude-standard"))
    listed -= set(git(root, "ls-files", "-z", "-ci", "--exclude-standard"))
    return {prefix + name for name in listed if (root / name).is_file() and not (root / name).is_symlink()}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle and is not installed")
@pytest.mark.parametrize("seed", range(6))
def test_random_repositories_are_walked_as_git_lists_them(here: Path, seed: int) -> None:
    """A work tree, another one linked to it, a submodule, and a repository that is none."""
    rng = random.Random(seed)
    main, module = here / "main", here / "module"
    for root in (main, module):
        random_tree(root, rng)
        git(root, "init", "-q")
        git(root, "add", *rng.sample(["."], rng.randint(0, 1)))
        git(root, "commit", "-q", "--allow-empty", "-m", "one")
    git(main, "submodule", "add", "-q", "-f", str(module), "sub")
    git(main, "worktree", "add", "-q", "../linked")
    random_tree(main / "own", rng)
    git(main / "own", "init", "-q")
    make(here, *(f"linked/{rng.choice('abc')}/{name}.c" for name in "wxyz"))
    places = {
        "main": "main/.git",
        "main/sub": "main/.git/modules/sub",
        "linked": "main/.git",
        "main/own": "main/own/.git",
    }
    for folder in set(places.values()):
        make(here, f"{folder}/info/exclude", text=rng.choice(LINES) + "\n" + rng.choice(LINES) + "\n")
    wanted = {root: git_lists(here / root, f"{root}/") for root in places}
    inside_ignored = {root for root in ("main/sub", "main/own") if git_ignores(main, root.removeprefix("main/"))}
    walked = {path for path in paths("main", "linked") if path.endswith(".c")}
    listed = {path for root in places.keys() - inside_ignored for path in wanted[root]}
    assert walked == {path for path in listed if path.endswith(".c")}
    everything = {os.path.realpath(path) for path in walked}
    everything |= {str(path) for path in here.rglob("*.c")}
    again = walk(["main", "linked"], C, only=everything)
    assert {file.path for file in again.files} == walked


def git_ignores(root: Path, name: str) -> bool:
    done = subprocess.run(["git", "-C", str(root), "check-ignore", "-q", "--no-index", name], check=False)
    return done.returncode == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"int f\0;", r"binary \(NUL byte at 5\)"),
        ("int f;".encode("utf-16-le"), "binary"),
        (b"\xff\xfei", "not utf-16, as it says"),
    ],
)
def test_what_is_not_source_text_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        source_text(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"x = '\xff'", r"not UTF-8 \(byte 0xff at 5\), and declares no other encoding"),
        (b"# coding: hex\nx = '\xff'", "none for files: 'hex'"),
        (b"# coding: idna\nx = '\xff'", "none for files: 'idna'"),
        (b"# coding: ascii\nx = '\xff'", "not ascii, as it says"),
        (b"\n\n# coding: latin-1\nx = '\xff'", "declares no other"),
    ],
)
def test_python_that_python_could_not_read_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        source_text(content, "python")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "koi8-r", "shift_jis"])
def test_python_is_read_in_the_encoding_it_declares(encoding: str) -> None:
    text = f"#!/usr/bin/python\n# -*- coding: {encoding} -*-\nx = '{bytes([0xC4, 0x61]).decode(encoding)}'\n"
    assert source_text(text.encode(encoding), "python") == text.encode()


def test_other_text_is_read_as_utf_16_by_its_mark_or_as_latin_1() -> None:
    assert source_text("int é;".encode("utf-16"), "c") == "int é;".encode()
    assert source_text("/* é */".encode("latin-1"), "c") == "/* é */".encode()


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    assert source_text(b"\xef\xbb\xbfint x;") == b"int x;"


def test_a_file_is_read_whole_up_to_the_largest_size(here: Path) -> None:
    (here / "a.c").write_bytes(b"x" * 100)
    assert read_bytes("a.c", 100) == b"x" * 100
    with pytest.raises(InputError, match="larger than 99 bytes"):
        read_bytes("a.c", 99)
