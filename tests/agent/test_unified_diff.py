"""A diff applied in memory gives the file that the diff was made of."""

import difflib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codewren.agent.unified_diff import edits_of
from codewren.core.errors import InputError

LINES = st.lists(
    st.sampled_from(["a", "b", "", "-- c", "++ d", "@@ -1 +1 @@", "\\ e", "f\x0cg"]), min_size=1, max_size=12
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=LINES, after=LINES, context=st.integers(0, 3))
def test_the_text_after_is_the_one_that_the_diff_was_made_of(
    tmp_path: Path, before: list[str], after: list[str], context: int
) -> None:
    (tmp_path / "x.py").write_text("\n".join(before) + "\n", newline="")
    lines = difflib.unified_diff(before, after, "a/x.py", "b/x.py", n=context, lineterm="")
    edits = edits_of("\n".join(["diff --git a/x.py b/x.py", *lines, ""]), tmp_path)
    assert [edit.after for edit in edits] == (["\n".join(after) + "\n"] if before != after else [])
    assert all(edit.before == "\n".join(before) + "\n" and edit.path == str(tmp_path / "x.py") for edit in edits)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_diff_of_git_over_several_files_is_understood(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=b", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    git("init", "-q")
    for name in ("changed.py", "deleted.py", "moved.py"):
        (tmp_path / name).write_text(f"{name}\n1\n2\n3\n4\n")
    git("add", "."), git("commit", "-qm", "x")
    (tmp_path / "changed.py").write_text("changed.py\n1\ntwo\n3\n4")
    (tmp_path / "deleted.py").unlink()
    (tmp_path / "moved.py").rename(tmp_path / "sub.py")
    (tmp_path / "new.py").write_text("new\n")
    git("add", "-A")
    diff = git("diff", "--cached", "--find-renames")
    git("reset", "-q", "--hard")
    assert [(Path(edit.path).name, edit.after.rstrip("\n")) for edit in edits_of(diff, tmp_path)] == [
        ("changed.py", "changed.py\n1\ntwo\n3\n4"),
        ("new.py", "new"),
    ]


def test_a_diff_of_a_file_with_carriage_returns_fits(tmp_path: Path) -> None:
    (tmp_path / "x.c").write_bytes(b"a\r\nb\r\n")
    (edit,) = edits_of("--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n", tmp_path)
    assert edit.after == "a\nc\n"


def test_what_is_no_diff_of_the_tree_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("a\n")
    with pytest.raises(InputError, match="no unified diff"):
        edits_of("hello\n", tmp_path)
    with pytest.raises(InputError, match=r"does not fit x.py at line 1"):
        edits_of("--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-b\n+c\n", tmp_path)
    with pytest.raises(InputError, match=r"does not fit x.py"):
        edits_of("--- a/x.py\n+++ b/x.py\n@@ -0 +1 @@\n-a\n+c\n", tmp_path)
    with pytest.raises(InputError, match="is not below"):
        edits_of("--- /dev/null\n+++ b/../y.py\n@@ -0,0 +1 @@\n+c\n", tmp_path)
    with pytest.raises(InputError, match="more than 200000 lines"):
        edits_of("\n" * 200_001, tmp_path)
