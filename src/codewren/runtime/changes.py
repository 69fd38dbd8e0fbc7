"""Which lines changed since a revision, asked of git."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from codewren.core.errors import CodewrenError, InputError

_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPES = {ord(a): ord(b) for a, b in zip('abtnvfr"\\', '\a\b\t\n\v\f\r"\\', strict=True)}
Lines = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """Changed lines of the work tree.

    Attributes:
        revision: what the work tree is compared with.
        lines: for each changed file, by real path, ranges of lines as they are now, both ends inclusive. Where lines
            were only removed, both ends lie between two lines.
    """

    revision: str
    lines: Mapping[str, Lines]

    @classmethod
    def since(cls, revision: str) -> Self:
        """Compare the work tree around the current folder with a revision; files git does not know yet are all new.

        Raises:
            CodewrenError: git is not installed.
            InputError: no work tree, or no such revision.
        """
        root = os.fsdecode(_git("rev-parse", "--show-toplevel").rstrip(b"\n"))
        commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
        options = (
            "--unified=0",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--ignore-submodules",
            "--find-renames",
        )
        prefixes = ("--src-prefix=a/", "--dst-prefix=b/", "--no-relative")
        patch = _git("-C", root, "diff", *options, *prefixes, commit, "--")
        lines = {os.path.realpath(f"{root}/{name}"): ranges for name, ranges in parse_patch(patch)}
        new = _git("-C", root, "ls-files", "-z", "--others", "--exclude-standard")
        for name in filter(None, os.fsdecode(new).split("\0")):
            lines[os.path.realpath(f"{root}/{name}")] = ((1, float("inf")),)
        return cls(revision, lines)

    def has(self, path: str) -> bool:
        """Whether a file changed at all."""
        return os.path.realpath(path) in self.lines

    def touches(self, path: str, first: int, last: int) -> bool:
        """Whether a change lies between two lines, both inclusive."""
        return any(first <= high and low <= last for low, high in self.lines.get(os.path.realpath(path), ()))


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


def _git(*arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise CodewrenError(f"git cannot be started ({error.strerror or error}); --diff needs it") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
        what = said or f"{arguments[-1].removesuffix('^{commit}')!r} is no revision"
        raise InputError(f"git: {what}; --diff compares a git work tree with a revision such as HEAD or origin/main")
    return done.stdout
