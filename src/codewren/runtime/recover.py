"""Functions of C and C++ that a parser loses in text it cannot follow.

A macro in front of a function, or an `#ifdef` that opens a brace twice, can cost tree-sitter the function and its
neighbours. What almost every C file keeps is its layout: a function's header starts in column 0 and so does its closing
brace. That is looked for only in the gaps of a file that has parse errors (`docs/scanning.md` has the measured recall).
"""

import re
from collections.abc import Iterator, Sequence

_NOT_A_NAME = (
    rb"(?:if|for|while|switch|else|do|return|case|default|typedef|struct|enum|union|namespace|goto|class|extern)"
)
_STATEMENT = re.compile(rb"\s*(?:if|for|while|switch|else|do|return|case|goto)\b")
_HEADER = re.compile(rb"^(?!" + _NOT_A_NAME + rb"\b)[A-Za-z_][^;{}#=]{0,1000}?\)\s*(\{)", re.MULTILINE)
_END = re.compile(rb"^\}", re.MULTILINE)
_CALLED = re.compile(rb"([A-Za-z_][\w:~]*)\s*\(")

Span = tuple[int, int]


def is_statement(source: bytes, start: int) -> bool:
    """Whether the text at `start` is a statement that error recovery mistook for a function, as in `else if (x) {`."""
    return _STATEMENT.match(source, start) is not None


def end_of_layout(source: bytes, start: int, end: int) -> int | None:
    """One past the first closing brace in column 0 between `start` and `end`."""
    closing = _END.search(source, start, end)
    return None if closing is None else closing.end()


def lost_functions(source: bytes, found: Sequence[Span]) -> Iterator[tuple[str, int, int, int]]:
    """Name, start, start of the body and end (bytes) of functions in the gaps between the `found` spans.

    `found` must be sorted by start.
    """
    position, index, limit = 0, 0, 0
    while header := _HEADER.search(source, position):
        start = header.start()
        while index < len(found) and found[index][0] <= start:
            limit = max(limit, found[index][1])
            index += 1
        if start < limit:
            position = limit
            continue
        end = _END.search(source, header.end())
        if end is None:
            return
        if index < len(found) and found[index][0] < end.end():
            position = header.end()
            continue
        yield _name(header[0]), start, header.start(1), end.end()
        position = end.end()


def _name(header: bytes) -> str:
    called = _CALLED.search(header)
    return called[1].decode("utf-8", "replace") if called else "(unnamed)"
