"""A unified diff, applied in memory to the files that it is about."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codewren.agent.confined import confined, current_text
from codewren.agent.duplicates import Edit
from codewren.core.errors import InputError

MOST_LINES = 200_000
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_NO_FILE = "/dev/null"


@dataclass(frozen=True, slots=True)
class _Hunk:
    """Lines to replace: the first one, counted from 0, how they are, and how they will be."""

    start: int
    before: tuple[str, ...]
    after: tuple[str, ...]


def edits_of(diff: str, root: Path) -> list[Edit]:
    """The files that a diff changes, as they are and as they will be; deleted and renamed-only ones are no edits.

    Raises:
        InputError: it is no unified diff, does not fit the files, or names files outside the root.
    """
    lines = diff.split("\n")
    if len(lines) > MOST_LINES:
        raise InputError(f"a diff of more than {MOST_LINES} lines; check its files one by one")
    edits = []
    for old, new, hunks in _files(lines):
        if new != _NO_FILE and hunks:
            path = confined(root, new)
            now = "" if old == _NO_FILE else current_text(path) or current_text(confined(root, old))
            edits.append(Edit(str(path), now, _applied(now, hunks, new)))
    if not edits and not any(line.startswith(("diff ", "--- ", "rename ")) for line in lines):
        raise InputError("no unified diff: it has no line that begins with ---")
    return edits


def _files(lines: Sequence[str]) -> Iterator[tuple[str, str, list[_Hunk]]]:
    index = 0
    while index < len(lines):
        is_header = (
            lines[index].startswith("--- ") and lines[index + 1 : index + 2] and lines[index + 1].startswith("+++ ")
        )
        if not is_header:
            index += 1
            continue
        old, new = _name(lines[index]), _name(lines[index + 1])
        index, hunks = _hunks(lines, index + 2)
        yield old, new, hunks


def _hunks(lines: Sequence[str], index: int) -> tuple[int, list[_Hunk]]:
    """The hunks that begin at a line, and the line behind them."""
    hunks = []
    while index < len(lines) and (head := _HUNK.match(lines[index])):
        start, old, new = int(head[1]), int(head[2] or 1), int(head[3] or 1)
        before, after = list[str](), list[str]()
        index += 1
        while index < len(lines) and (len(before) < old or len(after) < new or lines[index].startswith("\\")):
            sign, text = lines[index][:1] or " ", lines[index][1:]
            if sign not in {" ", "-", "+", "\\", "\r"}:
                break
            before += [text] if sign in {" ", "-", "\r"} else []
            after += [text] if sign in {" ", "+", "\r"} else []
            index += 1
        hunks.append(_Hunk(start - 1 if old else start, tuple(before), tuple(after)))
    return index, hunks


def _name(header: str) -> str:
    name = header[4:].split("\t", maxsplit=1)[0].strip()
    return name[2:] if name[:2] in {"a/", "b/"} else name


def _applied(text: str, hunks: Sequence[_Hunk], name: str) -> str:
    lines, moved = text.split("\n"), 0
    for hunk in hunks:
        start = hunk.start + moved
        if start < 0 or not _are_equal(lines[start : start + len(hunk.before)], hunk.before):
            raise InputError(
                f"the diff does not fit {name} at line {hunk.start + 1}; give one against the files as they are"
            )
        lines[start : start + len(hunk.before)] = hunk.after
        moved += len(hunk.after) - len(hunk.before)
    return "\n".join(lines)


def _are_equal(lines: Sequence[str], others: Sequence[str]) -> bool:
    return [line.rstrip("\r") for line in lines] == [line.rstrip("\r") for line in others]
