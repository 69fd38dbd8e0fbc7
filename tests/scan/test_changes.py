import os
import shutil
import subprocess
from pathlib import Path

import pytest

from codewren.core.errors import CodewrenError, InputError
from codewren.scan.changes import Changes, parse_patch

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


BODY = "int f(char *s)\n{\n  char b[8];\n  strcpy(b, s);\n  return 0;\n}\n"


def commit(**files: str) -> None:
    for name, text in files.items():
        Path(f"{name}.c").write_text(text)
    git("add", "-A")
    git("commit", "-qm", "more")


@needs_git
@pytest.mark.parametrize("way", ["config", "environment"])
def test_the_users_context_lines_change_nothing(repository: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    commit(a="".join(LINES), b=BODY)
    if way == "config":
        for name, value in [("interHunkContext", "20"), ("context", "9"), ("orderFile", "gone"), ("external", "false")]:
            git("config", f"diff.{name}", value)
    else:
        monkeypatch.setenv("GIT_DIFF_OPTS", "-u3")
        monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    lines = LINES.copy()
    lines[2], lines[9] = "three\n", "ten\n"
    Path("a.c").write_text("".join(lines))
    Path("b.c").write_text(BODY.replace("0;", "1;"))
    changes = Changes.since("HEAD")
    assert changes.lines == {os.path.realpath("a.c"): ((3, 3), (10, 10)), os.path.realpath("b.c"): ((5, 5),)}


@needs_git
def test_files_that_git_takes_for_binary_take_part(repository: Path) -> None:
    Path(".gitattributes").write_text("gen.c -diff\n")
    commit(gen=BODY)
    Path("u.c").write_bytes(BODY.encode("utf-16"))
    git("add", "-A")
    git("commit", "-qm", "three")
    Path("gen.c").write_text(BODY.replace("0;", "1;"))
    Path("u.c").write_bytes(BODY.replace("0;", "1;").encode("utf-16"))
    changes = Changes.since("HEAD")
    assert changes.lines[os.path.realpath("gen.c")] == ((5, 5),)
    assert changes.touches("u.c", 5, 5)


@needs_git
def test_a_link_does_not_stand_for_the_file_it_points_to(repository: Path) -> None:
    commit(m=BODY)
    Path("m.c").write_text(BODY.replace("0;", "1;"))
    Path("z.c").symlink_to("m.c")
    Path("y.c").symlink_to("m.c")
    git("add", "z.c")
    assert Changes.since("HEAD").lines == {os.path.realpath("m.c"): ((5, 5),)}


@needs_git
def test_a_hook_in_a_linked_worktree_sees_that_worktree(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("sub").mkdir()
    Path("sub/s.c").write_text(BODY)
    commit(b=BODY)
    git("worktree", "add", "-q", "../linked")
    linked = repository.parent / "linked"
    monkeypatch.chdir(linked / "sub")
    Path("s.c").write_text(BODY.replace("0;", "1;"))
    folder = repository / ".git/worktrees/linked"
    for name, value in [("GIT_DIR", str(folder)), ("GIT_INDEX_FILE", str(folder / "index")), ("GIT_PREFIX", "")]:
        monkeypatch.setenv(name, value)
    assert Changes.since("HEAD").lines == {os.path.realpath("s.c"): ((5, 5),)}


@needs_git
def test_paths_are_asked_of_the_repository_they_belong_to(repository: Path) -> None:
    git("init", "-q", "../other")
    other = repository.parent / "other"
    (other / "o.c").write_text(BODY)
    git("-C", str(other), "add", ".")
    git("-C", str(other), "commit", "-qm", "one")
    (other / "o.c").write_text(BODY.replace("0;", "1;"))
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sm")
    git("commit", "-qm", "submodule")
    Path("sm/o.c").write_text(BODY.replace("8", "9"))
    Path("sm/new.c").write_text(BODY)
    inside = {os.path.realpath("sm/o.c"): ((3, 3),), os.path.realpath("sm/new.c"): ((1, float("inf")),)}
    assert Changes.since("HEAD", ["../other"]).lines == {os.path.realpath("../other/o.c"): ((5, 5),)}
    assert Changes.since("HEAD", ["sm"]).lines == inside
    assert Changes.since("HEAD", ["."]).lines == inside
    assert len(Changes.since("HEAD", [".", "../other/o.c", "sm"]).lines) == 3


@needs_git
def test_what_git_ignores_is_refused_where_it_is_named(repository: Path) -> None:
    Path(".gitignore").write_text("gen*.c\nbuild/\nmixed/\n")
    Path("gen[1].c").write_text(BODY)
    for name in ("build", "mixed"):
        Path(name).mkdir()
        Path(f"{name}/x.c").write_text(BODY)
    git("add", "-f", "mixed/x.c")
    for path in ("gen[1].c", "build", "build/x.c"):
        with pytest.raises(InputError, match="git ignores it"):
            Changes.since("HEAD", ["a.c", path])
    assert set(Changes.since("HEAD", ["mixed", "mixed/x.c"]).lines) > {os.path.realpath("mixed/x.c")}


@needs_git
def test_a_repository_without_commits_inside_is_all_new(repository: Path) -> None:
    git("init", "-q", "--object-format=sha256", "inner")
    Path("inner/x.c").write_text(BODY)
    git("-C", "inner", "add", ".")
    assert set(Changes.since("HEAD").lines) == {os.path.realpath("inner/x.c")}


@needs_git
def test_ranges_end_in_what_is_checked_out(repository: Path) -> None:
    git("branch", "-M", "main")
    git("checkout", "-qb", "topic")
    commit(t=BODY)
    git("checkout", "-q", "main")
    commit(m=BODY)
    with pytest.raises(InputError, match="topic is not checked out"):
        Changes.since("main...topic")
    git("checkout", "-q", "topic")
    for revision in ("main...HEAD", "main...", "main...topic"):
        assert set(Changes.since(revision).lines) == {os.path.realpath("t.c")}
    assert set(Changes.since("HEAD~1..HEAD").lines) == {os.path.realpath("t.c")}
    with pytest.raises(InputError, match="revision such as HEAD"):
        Changes.since("a...b...c")


@needs_git
def test_a_shallow_clone_gets_the_cure(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(b=BODY)
    git("clone", "-q", "--depth", "1", f"file://{repository}", "../shallow")
    monkeypatch.chdir(repository.parent / "shallow")
    with pytest.raises(InputError, match=r"'HEAD~1' is no revision, and this clone is shallow; run: git fetch"):
        Changes.since("HEAD~1")


def test_a_patch_cut_short_ends() -> None:
    assert list(parse_patch(b"--- a/x\n+++ b/x\n@@ -1,2 +1,9 @@\n-a\n")) == [("x", ((1, 9),))]
