import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from codewren.scan.gitignore import Rules, as_bytes, is_ignored, parse_rules

ENVIRONMENT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": os.devnull}
PATHS = ["a.c", "b.o", "src/a.c", "src/sub/a.c", "src/sub/deep/x.c", "build/x.o", "src/build/y.c", "a b.c", "#x", "!x"]
PATHS += [
    "doc/frotz/z.c",
    "a/doc/frotz/z.c",
    "foo",
    "foo/bar/baz.c",
    "a/foo",
    "a-b.c",
    "]x.c",
    "x ",
    "A.C",
    "é.c",
    "[a]",
]
PATTERNS = [
    "*.o",
    "/a.c",
    "build/",
    "src/*.c",
    "src/**",
    "**/build",
    "src/**/a.c",
    "**/",
    "doc/frotz/",
    "frotz/",
    "/*\n!/src\n/src/*\n!/src/sub",
    "*.c\n!a.c",
    "src/\n!src/a.c",
    "\\#x\n\\!x",
    "# x\n\n  \n*.o  ",
    "x\\ ",
    "[!a].c",
    "[]a-c]x.c",
    "[[:upper:]].C\n[[:alpha:]].c",
    "[a",
    "\\[a\\]",
    "a?c\n?.c",
    "foo/*",
    "foo/**/baz.c",
    "a\\",
    "*a*b*",
    "**.c",
    "s**c/a.c",
    "/",
    "é.*\r\n*.o\r",
    "\ufeff*.o",
    "foo//bar",
    "[b-a].c",
    "[^/]oo",
    "src[/]a.c",
]


def git(folder: Path, *arguments: str, text: str = "") -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], input=text.encode(), capture_output=True, env=ENVIRONMENT, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout.decode()


def git_ignores(repository: Path, cases: list[tuple[str, list[str]]]) -> list[list[bool]]:
    """What git says of files, each case in a folder of its own (nothing but .gitignore is created there)."""
    git(repository, "init", "-q")
    for index, (patterns, _) in enumerate(cases):
        (repository / f"case{index}").mkdir()
        (repository / f"case{index}/.gitignore").write_bytes(patterns.encode())
    asked = [f"case{index}/{path}" for index, (_, paths) in enumerate(cases) for path in paths]
    ignored = set(git(repository, "check-ignore", "--no-index", "-z", "--stdin", text="\0".join(asked)).split("\0"))
    return [[f"case{index}/{path}" in ignored for path in paths] for index, (_, paths) in enumerate(cases)]


def we_ignore(patterns: str, paths: list[str]) -> list[bool]:
    layer = Rules("", parse_rules(patterns.encode()))
    verdicts = []
    for path in paths:
        parts = path.split("/")
        parents = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
        inside_ignored = any(is_ignored(parent, [layer], is_folder=True) for parent in parents)
        verdicts.append(inside_ignored or is_ignored(path, [layer], is_folder=False))
    return verdicts


def arbitrary_case(rng: random.Random) -> tuple[str, list[str]]:
    pieces = ["a", "b", ".", "-", "/", "*", "**", "**/", "/**", "?", "[ab]", "[!a]", "[", "]", "!", "\\", " ", "#", "^"]
    lines = ["".join(rng.choices(pieces, k=rng.randint(1, 6))) for _ in range(rng.randint(1, 4))]
    names = ["".join(rng.choices("ab-", k=rng.randint(1, 3))) for _ in range(40)]
    return "\n".join(lines), ["/".join(rng.choices(names, k=rng.randint(1, 4))) for _ in range(12)]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle and is not installed")
def test_patterns_mean_what_git_says_they_mean(tmp_path: Path) -> None:
    rng = random.Random(2)
    cases = [(patterns, PATHS) for patterns in PATTERNS] + [arbitrary_case(rng) for _ in range(300)]
    wrong = [
        (patterns, path, wanted)
        for (patterns, paths), verdicts in zip(cases, git_ignores(tmp_path, cases), strict=True)
        for path, wanted, ours in zip(paths, verdicts, we_ignore(patterns, paths), strict=True)
        if wanted != ours
    ]
    assert not wrong, wrong[:20]


def test_a_hostile_glob_does_not_take_for_ever() -> None:
    (rule,) = parse_rules(b"*a" * 60 + b"b")
    assert not rule.matches("a" * 255, is_folder=False)


def test_a_question_mark_is_one_byte_as_in_git() -> None:
    (rule,) = parse_rules(b"?.c")
    assert rule.matches(as_bytes("e.c"), is_folder=False)
    assert not rule.matches(as_bytes("é.c"), is_folder=False)
