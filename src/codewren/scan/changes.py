"""Which lines changed since a revision, asked of git.

What git answers must not depend on who asks: the options below overrule the user's configuration, and the variables
that git sets for its hooks are not handed on.
"""

# As in walk.py, one call for each of many paths.
# ruff: noqa: PTH112, PTH114

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, Self

from codewren.core.errors import CodewrenError, InputError

_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPES = {ord(a): ord(b) for a, b in zip('abtnvfr"\\', '\a\b\t\n\v\f\r"\\', strict=True)}
_KEPT_VARIABLES = ("GIT_CONFIG", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_EXEC_PATH")
_SETTINGS = ("-c", "core.fsmonitor=false")  # which names a program to run
_OPTIONS = (
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--ignore-submodules=none",
    "--submodule=short",
    "--find-renames",
    "-l0",
    f"-O{os.devnull}",
)
_PATCH_OPTIONS = ("--text", "--unified=0", "--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/")
_FILE_MODES = frozenset({b"100644", b"100755"})
_SUBMODULE_MODE = b"160000"
_ALL: tuple[float, float] = (1, float("inf"))
_ADVICE = "--diff compares a git work tree with a revision such as HEAD, origin/main or origin/main...HEAD"
Lines = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """Changed lines of work trees.

    Attributes:
        revision: what the work trees are compared with.
        lines: for each changed file, by real path, ranges of lines as they are now, both ends inclusive. Where lines
            were only removed, both ends lie between two lines.
    """

    revision: str
    lines: Mapping[str, Lines]

    @classmethod
    def since(cls, revision: str, paths: Iterable[str] = (os.curdir,)) -> Self:
        """Compare the work trees that hold `paths` with a revision; files git does not know yet are all new.

        `A...B` and `A..B` are read as git reads them, where B is what is checked out.

        Raises:
            CodewrenError: git is not installed.
            InputError: no work tree, no such revision, or a named file that git ignores.
        """
        lines: defaultdict[str, Lines] = defaultdict(tuple)
        roots: set[str] = set()
        for folder, names in _by_folder(paths).items():
            _refuse_ignored(folder, names)
            root = os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").removesuffix(b"\n"))
            if root not in roots:
                roots.add(root)
                _collect(root, _base(root, revision), lines)
        return cls(revision, dict(lines))

    def has(self, path: str) -> bool:
        """Whether a file changed at all."""
        return os.path.realpath(path) in self.lines

    def touches(self, path: str, first: int, last: int) -> bool:
        """Whether a change lies between two lines, both inclusive."""
        return any(first <= high and low <= last for low, high in self.lines.get(os.path.realpath(path), ()))


def _by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    """Names of files, or `.`, by folder: each is asked of the repository it really lies in."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        real = os.path.realpath(path)
        folder, name = (real, os.curdir) if os.path.isdir(real) else os.path.split(real)
        if not os.path.isdir(folder):
            raise InputError(f"{path}: no such file or folder")
        names[folder].append(name)
    return names


def _refuse_ignored(folder: str, names: Sequence[str]) -> None:
    """What git ignores has no changes to speak of, which is not the same as being unchanged."""
    given = os.fsencode("\0".join(f"./{name}" for name in names))  # or a colon would be magic
    ignored = os.fsdecode(_ask(folder, "check-ignore", "-z", "--stdin", given=given).stdout).split("\0")
    for name in filter(None, ignored):
        if not _git(folder, "ls-files", "-z", "--", f":(literal){name}"):
            path = os.path.normpath(f"{folder}/{name}")
            raise InputError(f"{path}: git ignores it, so --diff cannot say what changed; scan it without --diff")


def _base(root: str, revision: str) -> str:
    """The commit to compare with: a revision, or the left side of a range that ends in what is checked out."""
    mark = next((mark for mark in ("...", "..") if mark in revision and ".." not in revision.replace(mark, "", 1)), "")
    if not mark:
        return _commit(root, revision)
    left, right = (side or "HEAD" for side in revision.split(mark))
    start, end = _commit(root, left), _commit(root, right)
    if end != _commit(root, "HEAD"):
        raise InputError(
            f"{revision}: {right} is not checked out, and files are scanned as they are; check it out first"
        )
    if mark == "..":
        return start
    shared = _ask(root, "merge-base", start, end)
    if shared.returncode:
        _refuse(root, f"{left} and {right} have no common commit here")
    return shared.stdout.decode().strip()


def _commit(root: str, revision: str) -> str:
    done = _ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if done.returncode:
        _refuse(root, _said(done) or f"{revision!r} is no revision")
    return done.stdout.decode().strip()


def _refuse(root: str, reason: str) -> NoReturn:
    """Say what is wrong, and the cure where it is a clone without history."""
    if _ask(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
        raise InputError(
            f"git: {reason}, and this clone is shallow; run: git fetch --unshallow origin "
            "(GitHub's checkout action: fetch-depth: 0)"
        )
    raise InputError(f"git: {reason}; {_ADVICE}")


def _collect(root: str, commit: str, lines: defaultdict[str, Lines]) -> None:
    """Add the changes of one work tree, and of its submodules since the commits it had of them."""
    files: set[str] = set()
    for mode, old_mode, old, name in _raw(_git(root, "diff", *_OPTIONS, "--raw", "-z", "--no-abbrev", commit, "--")):
        if mode in _FILE_MODES:
            files.add(name)
        elif mode == _SUBMODULE_MODE and os.path.lexists(f"{root}/{name}/.git"):
            inner = f"{root}/{name}"
            _collect(inner, old if old_mode == _SUBMODULE_MODE else _empty_tree(inner), lines)
    patch = _git(root, "diff", *_OPTIONS, *_PATCH_OPTIONS, commit, "--") if files else b""
    for name, ranges in parse_patch(patch):
        if name in files:  # and no link, whose text is the path it points to
            lines[os.path.realpath(f"{root}/{name}")] += ranges
    others = _git(root, "ls-files", "-z", "--others", "--exclude-standard")
    for name in filter(None, os.fsdecode(others).split("\0")):
        path = f"{root}/{name}"
        if name.endswith("/"):  # a repository that is none of this one's submodules
            _collect(path, _empty_tree(path), lines)
        elif not os.path.islink(path):
            lines[os.path.realpath(path)] += (_ALL,)


def _empty_tree(root: str) -> str:
    """Where everything is new; its name depends on the repository's kind of hash."""
    return _git(root, "hash-object", "-t", "tree", "--stdin").decode().strip()


def _raw(listing: bytes) -> Iterator[tuple[bytes, bytes, str, str]]:
    """New and old mode, old object and name as it is now, of each line of `git diff --raw -z`."""
    fields = iter(listing.split(b"\0"))
    for field in fields:
        if not field:
            return
        old_mode, mode, old, _, status = field[1:].split(b" ")
        name = next(fields)
        if status[:1] in b"RC":
            name = next(fields)
        yield mode, old_mode, old.decode(), os.fsdecode(name)


def parse_patch(patch: bytes) -> Iterator[tuple[str, Lines]]:
    """Files of a patch without context lines and the ranges of lines that are new, changed, or around removed ones."""
    lines = iter(patch.split(b"\n"))
    name: str | None = None
    ranges: list[tuple[float, float]] = []
    for line in lines:
        hunk = _HUNK.match(line)
        if line.startswith(b"+++ "):
            if name is not None:
                yield name, tuple(ranges)
            name, ranges = _name(line[4:]), []
        elif hunk:
            removed, start, added = (1 if text is None else int(text) for text in hunk.groups())
            ranges.append((start, start + added - 1) if added else (start + 0.5, start + 0.5))
            remaining = removed + added
            while remaining:  # the text of a line may look like a header
                remaining -= not next(lines, b"").startswith(b"\\")
    if name is not None:
        yield name, tuple(ranges)


def _name(text: bytes) -> str | None:
    """Path of a `+++` line; None for a deleted file."""
    if text == b"/dev/null":
        return None
    if text.startswith(b'"'):
        text = re.sub(rb"\\([0-7]{3}|.)", _unescaped, text[1 : text.rindex(b'"')])
    return os.fsdecode(text.removesuffix(b"\t").removeprefix(b"b/"))


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code, 8) if len(code) == 3 else _ESCAPES.get(code[0], code[0])])


def _git(folder: str, *arguments: str) -> bytes:
    """What git prints, asked in a folder."""
    done = _ask(folder, *arguments)
    if done.returncode:
        raise InputError(f"git: {_said(done) or f'exit code {done.returncode}'}; {_ADVICE}")
    return done.stdout


def _ask(folder: str, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", folder, *_SETTINGS, *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False, input=given, env=_environment())
    except OSError as error:
        raise CodewrenError(f"git cannot be started ({error.strerror or error}); --diff needs it") from None


def _environment() -> dict[str, str]:
    """Without what ties git to another repository or index, or changes the form of a patch."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    kept |= {name: value for name, value in os.environ.items() if name.startswith(_KEPT_VARIABLES)}
    return {**kept, "GIT_OPTIONAL_LOCKS": "0"}


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
