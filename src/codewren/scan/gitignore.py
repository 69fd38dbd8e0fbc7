"""The patterns of `.gitignore` files, as git reads them (a test asks git).

Not covered, because they are one user's and not the repository's: `core.excludesFile` and `core.ignoreCase`. A tracked
file that a pattern matches counts as ignored.

Source: gitignore(5); the matching of one path component is that of git's wildmatch.c.
"""

import os
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

_STAR = "[^/]*"
_SPECIAL = frozenset("*?[\\")
_FOLDERS = "(?:.*/)?"
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \\t\\n\\v\\f\\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


class Rule(NamedTuple):
    """One line of an ignore file.

    Attributes:
        pattern: matches a path below the folder of the file, or only a base name when not `anchored`.
        negated: the line starts with `!`: what it matches is not ignored after all.
        folders_only: the line ends with `/`.
        anchored: the line has a `/` before its end.
    """

    pattern: re.Pattern[str]
    negated: bool
    folders_only: bool
    anchored: bool

    def matches(self, path: str, *, is_folder: bool) -> bool:
        """Whether the rule speaks about `path` (`as_bytes`, relative to the folder of its file, with `/`)."""
        if self.folders_only and not is_folder:
            return False
        return self.pattern.fullmatch(path if self.anchored else path.rpartition("/")[2]) is not None


class Rules(NamedTuple):
    """The rules of one file and where they hold.

    Attributes:
        folder: of the file, `as_bytes` and with `/` at the end; "" where paths are relative to it.
        rules: in file order.
    """

    folder: str
    rules: tuple[Rule, ...]

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """True for ignored, False for explicitly not ignored, None when no rule matches; the last rule wins."""
        below = path[len(self.folder) :]
        for rule in reversed(self.rules):
            if rule.matches(below, is_folder=is_folder):
                return not rule.negated
        return None


def is_ignored(path: str, layers: Iterable[Rules], *, is_folder: bool) -> bool:
    """Whether the deepest of the `layers` (given deepest first) that speaks about `path` ignores it."""
    path = as_bytes(path)
    for layer in layers:
        verdict = layer.verdict(path, is_folder=is_folder)
        if verdict is not None:
            return verdict
    return False


def as_bytes(path: str) -> str:
    """A path with one character for each byte, which is what `?` stands for in git."""
    return path if path.isascii() else os.fsencode(path).decode("latin-1")


def parse_rules(content: bytes) -> tuple[Rule, ...]:
    r"""Read the lines of an ignore file; a line that can match nothing is dropped.

    >>> [rule.matches("build/x.o", is_folder=False) for rule in parse_rules(b"*.o\n/build/*.c\n")]
    [True, False]
    """
    text = content.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    rules = (_parse(line) for line in text.split("\n"))
    return tuple(rule for rule in rules if rule is not None)


def _parse(line: str) -> Rule | None:
    line = _without_trailing_spaces(line.removesuffix("\r"))
    if line.startswith("#"):
        return None
    negated = line.startswith("!")
    line = line[negated:]
    folders_only = line.endswith("/")
    line = line.removesuffix("/")
    anchored = "/" in line
    pattern = _translate(line.removeprefix("/"))
    return None if not line or pattern is None else Rule(pattern, negated, folders_only, anchored)


def _without_trailing_spaces(line: str) -> str:
    r"""Cut spaces at the end, except one that a backslash keeps."""
    end = len(line)
    while end and line[end - 1] == " ":
        escapes = end - 1 - len(line[: end - 1].rstrip("\\"))
        if escapes % 2:
            break
        end -= 1
    return line[:end]


def _translate(glob: str) -> re.Pattern[str] | None:
    """A regular expression for a glob, or None for one that can match nothing: `[a`, or a backslash at the end."""
    pieces: list[str] = []
    position = 0
    while position < len(glob):
        character = glob[position]
        if character == "*":
            end = position
            while glob[end : end + 1] == "*":
                end += 1
            piece, position = _stars(glob, position, end)
        elif character == "[":
            bracket = _bracket(glob, position + 1)
            if bracket is None:
                return None
            piece, position = bracket
        elif character == "?":
            piece, position = "[^/]", position + 1
        else:
            position += character == "\\"
            if position == len(glob):
                return None
            piece, position = re.escape(glob[position]), position + 1
        pieces.append(piece)
    return re.compile(_joined(pieces), re.DOTALL)


def _joined(pieces: list[str]) -> str:
    """The whole expression; text between two stars commits to its first match, so that no glob takes for ever."""
    stars = [index for index, piece in enumerate(pieces) if piece in {_STAR, _FOLDERS}]
    joined = pieces[:]
    for index, following in pairwise(stars):
        if pieces[index] == pieces[following] == _STAR:
            joined[index] = f"(?>{_STAR}?"
            joined[following - 1] += ")"
    return "".join(joined)


def _stars(glob: str, start: int, end: int) -> tuple[str, int]:
    """The piece for a run of stars, and where the glob goes on: `**` spans folders only between slashes.

    Or behind plain text at the start of the line, which git compares by itself and cuts off (`ab**/c`, undocumented).
    """
    opens = glob[start - 1 : start] == "/" or not _SPECIAL.intersection(glob[:start])
    slash = next((mark for mark in ("/", "\\/") if glob.startswith(mark, end)), "")
    if end - start < 2 or not opens or not (slash or end == len(glob)):
        return _STAR, end
    return (_FOLDERS if slash else ".*"), end + len(slash)


def _bracket(glob: str, position: int) -> tuple[str, int] | None:
    """The piece for a bracket expression whose `[` is before `position`, and where the glob goes on."""
    negated = glob[position : position + 1] in {"!", "^"}
    position += negated
    start, items = position, []
    while glob[position : position + 1] != "]" or position == start:
        if position >= len(glob):
            return None
        named = re.match(r"\[:(\w+):\]", glob[position:])
        if named:
            if named[1] not in _CLASSES:
                return None
            items.append(_CLASSES[named[1]])
            position += named.end()
            continue
        low, position = _character(glob, position)
        high = low
        if glob[position : position + 1] == "-" and glob[position + 1 : position + 2] not in {"]", ""}:
            high, position = _character(glob, position + 1)
        if low is None or high is None:
            return None
        if low <= high:
            items.append(f"{re.escape(low)}-{re.escape(high)}")
    inside = "".join(items)
    if not inside:
        return ("[^/]" if negated else "(?!)"), position + 1
    return (f"(?!/)[^{inside}]" if negated else f"(?!/)[{inside}]"), position + 1


def _character(glob: str, position: int) -> tuple[str | None, int]:
    """One character of a bracket expression, which a backslash may protect, and the position behind it."""
    position += glob[position] == "\\"
    return (glob[position], position + 1) if position < len(glob) else (None, position)
