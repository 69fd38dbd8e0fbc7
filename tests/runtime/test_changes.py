import os
import shutil
import subprocess
from pathlib import Path

import pytest

from codewren.core.errors import CodewrenError, InputError
from codewren.runtime.changes import Changes, parse_patch

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
LINES = [f"line {number}\n" for number in range(1, 21)]


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work tree with one commit of a.c (20 lines); the user's own git configuration does not count."""
    config = tmp_path / "config"
    config.write_text(
        "[user]\nname = a\nemail = a@b\n[diff]\nnoprefix = true\nmnemonicPrefix = true\n[color]\nui = always\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    root = tmp_path / "tree"
    root.mkdir()
    monkeypatch.chdir(root)
    git("init", "-q")
    Path("a.c").write_text("".join(LINES))
    git("add", ".")
    git("commit", "-qm", "one")
    return root


@needs_git
def test_changed_added_and_removed_lines_touch_what_is_around_them(repository: Path) -> None:
    lines = LINES.copy()
    lines[2] = "changed\n"
    lines[9:9] = ["new\n", "new\n"]
    del lines[16:18]
    Path("a.c").write_text("".join(lines))
    changes = Changes.since("HEAD")
    assert changes.has("a.c")
    touched = [number for number in range(1, 21) if changes.touches("a.c", number, number)]
    assert touched == [3, 10, 11]
    assert changes.touches("a.c", 16, 17)
    assert not changes.touches("a.c", 17, 19)
    assert not changes.touches("a.c", 12, 16)


@needs_git
def test_an_unchanged_tree_has_no_changes(repository: Path) -> None:
    changes = Changes.since("HEAD")
    assert not changes.has("a.c")
    assert not changes.touches("a.c", 1, 20)


@needs_git
def test_untracked_files_are_all_new_and_ignored_ones_are_not_there(repository: Path) -> None:
    Path("sub").mkdir()
    Path('sub/ü "x".c').write_text("new\n")
    Path("ignored.c").write_text("new\n")
    Path(".gitignore").write_text("ignored.c\n")
    changes = Changes.since("HEAD")
    assert changes.touches('sub/ü "x".c', 1, 1)
    assert not changes.has("ignored.c")


@needs_git
@pytest.mark.parametrize("name", ["with space.c", "ü.c", 'quo"te.c', "tab\there.c", "back\\slash.c", "line\nbreak.c"])
def test_odd_names_are_understood(repository: Path, name: str) -> None:
    Path(name).write_text("".join(LINES))
    git("add", ".")
    git("commit", "-qm", "two")
    Path(name).write_text("".join([*LINES[:5], "new\n", *LINES[5:]]))
    assert Changes.since("HEAD").touches(name, 6, 6)
    assert not Changes.since("HEAD").touches(name, 1, 5)


@needs_git
def test_lines_that_look_like_headers_are_text(repository: Path) -> None:
    Path("a.c").write_text("".join(["++ b/other.c\n", "-- a/other.c\n", "@@ -1 +1 @@\n", *LINES]))
    changes = Changes.since("HEAD")
    assert set(changes.lines) == {os.path.realpath("a.c")}
    assert changes.lines[os.path.realpath("a.c")] == ((1, 3),)


@needs_git
def test_a_file_that_only_moved_did_not_change(repository: Path) -> None:
    git("mv", "a.c", "b.c")
    assert not Changes.since("HEAD").touches("b.c", 1, 20)


@needs_git
def test_a_file_without_a_last_line_end_and_a_deleted_one_are_understood(repository: Path) -> None:
    Path("b.c").write_text("one")
    git("add", ".")
    git("commit", "-qm", "two")
    Path("b.c").write_text("two")
    Path("a.c").unlink()
    assert Changes.since("HEAD").lines == {os.path.realpath("b.c"): ((1, 1),)}


@needs_git
def test_paths_count_from_the_current_folder_and_revisions_may_be_old(repository: Path) -> None:
    Path("a.c").write_text("".join(["new\n", *LINES]))
    git("commit", "-qam", "two")
    sub = repository / "sub"
    sub.mkdir()
    os.chdir(sub)
    assert not Changes.since("HEAD").has("../a.c")
    assert Changes.since("HEAD~1").touches("../a.c", 1, 1)


@needs_git
@pytest.mark.parametrize("revision", ["no-such-branch", "--output=x", "", "HEAD:a.c"])
def test_what_is_no_commit_is_refused(repository: Path, revision: str) -> None:
    with pytest.raises(InputError, match="revision such as HEAD"):
        Changes.since(revision)
    assert sorted(path.name for path in repository.iterdir()) == [".git", "a.c"]


@needs_git
def test_outside_a_work_tree_there_is_nothing_to_compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match="not a git repository"):
        Changes.since("HEAD")


def test_without_git_the_error_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CodewrenError, match="git cannot be started"):
        Changes.since("HEAD")


def test_a_patch_cut_short_ends() -> None:
    assert list(parse_patch(b"--- a/x\n+++ b/x\n@@ -1,2 +1,9 @@\n-a\n")) == [("x", ((1, 9),))]
