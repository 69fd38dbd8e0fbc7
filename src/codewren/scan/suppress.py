"""Comments that ask for silence: `codewren: ignore`, or `codewren: ignore[task]` for one task.

Only comments of the syntax tree count, not text that looks like one. A comment speaks for a function when it stands in
its header, on the line where the header ends, or alone on the lines right above.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from codewren.core.errors import nearest
from codewren.syntax.functions import Function
from codewren.syntax.literals import comments

if TYPE_CHECKING:
    from tree_sitter import Node

MARK = b"codewren:"
_MARKER = re.compile(rb"\bcodewren:[ \t]*ignore\b(?:[ \t]*\[([^\]\n]*)\])?")


class Marker(NamedTuple):
    """One request for silence.

    Attributes:
        line: where it stands, from 1.
        tasks: that it names; None is every task.
        functions: indices of the functions it speaks for.
    """

    line: int
    tasks: tuple[str, ...] | None
    functions: tuple[int, ...]

    def silences(self, task: str) -> bool:
        """Whether it is about a task."""
        return self.tasks is None or task in self.tasks


def markers(root: "Node", source: bytes, functions: Sequence[Function], language: str) -> list[Marker]:
    """All requests of one file in order; `functions` are those that `functions.extract` finds in it."""
    if MARK not in source:
        return []
    found, above = list[Marker](), dict[int, list[int]]()
    for comment in comments(root, language):
        text = source[comment.start_byte : comment.end_byte]
        requests = list(_MARKER.finditer(text))
        spoken_for = _headers_with(comment, source, functions) if requests else ()
        first = len(found)
        for match in requests:
            line = comment.start_point.row + 1 + text.count(b"\n", 0, match.start())
            named = match[1]
            tasks = None if named is None else tuple(_words(named))
            found.append(Marker(line, tasks, spoken_for))
        if _is_alone(comment, source):
            # A run of comments is one comment: those that the line above ended go on.
            before = above.pop(comment.start_point.row - 1, [])
            above[_last_row(comment)] = before + list(range(first, len(found)))
    for index, function in enumerate(functions):
        for number in above.get(function.start_line - 2, ()):
            marker = found[number]
            found[number] = marker._replace(functions=(*marker.functions, index))
    return found


def silenced(found: Sequence[Marker], count: int, task: str) -> list[bool]:
    """For each of `count` functions, whether one of the requests silences a task in it."""
    silent = {index for marker in found if marker.silences(task) for index in marker.functions}
    return [index in silent for index in range(count)]


def complaints(found: Sequence[Marker], tasks: Collection[str]) -> Iterator[tuple[int, str]]:
    """Line and message for each request that can silence nothing: at no function, or for none of the known `tasks`."""
    for marker in found:
        unknown = [name for name in marker.tasks or () if name not in tasks]
        if marker.tasks == ():
            yield marker.line, "codewren: ignore[] names no task; leave the brackets out to silence every task"
        for name in unknown:
            yield marker.line, f"codewren: ignore[{name}] silences nothing: {nearest(name, tasks)}"
        if not marker.functions:
            yield marker.line, "codewren: ignore is at no function; put it on the line above one, or on its header"


def _words(named: bytes) -> Iterator[str]:
    return (word for text in named.split(b",") if (word := text.strip().decode("utf-8", "replace")))


def _headers_with(comment: "Node", source: bytes, functions: Sequence[Function]) -> tuple[int, ...]:
    return tuple(index for index, one in enumerate(functions) if _is_in_header(comment, source, one))


def _is_in_header(comment: "Node", source: bytes, function: Function) -> bool:
    start, line = comment.start_byte, comment.start_point.row + 1
    if start < function.start_byte or line > function.body_line:
        return False
    if start < function.body_byte or function.end_line == function.body_line:
        return True
    return not source[function.body_byte : start].strip()


def _is_alone(comment: "Node", source: bytes) -> bool:
    """Whether nothing but white space shares its lines."""
    before = source[source.rfind(b"\n", 0, comment.start_byte) + 1 : comment.start_byte]
    line_end = source.find(b"\n", comment.end_byte - 1)
    after = source[comment.end_byte : line_end if line_end >= 0 else len(source)]
    return not before.strip() and not after.strip()


def _last_row(comment: "Node") -> int:
    """Row of its last character; the grammars differ in whether the line's end belongs to it."""
    return comment.end_point.row - (comment.end_point.column == 0)
