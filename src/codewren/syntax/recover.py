"""Functions of C and C++ that a parser loses in text it cannot follow.

A macro in front of a function, or an `#ifdef` that opens a brace twice, can cost tree-sitter the function and its
neighbours. What almost every C file keeps is its layout: a function's header starts in column 0 and so does its closing
brace. That is looked for only in the gaps of a file that has parse errors (`docs/scanning.md` has the measured recall).
"""

import re
from collections.abc import Iterator, Sequence

_NOT_A_NAME = (
    rb"(?:if|for|while|switch|else|do|return|case|default|typedef|namespace|goto|class|extern"
    rb"|(?:struct|enum|union)\b(?!\s+\w+[\s*]+(?!__attribute__|__declspec|alignas)\w+\s*\())"
)
_STATEMENT = re.compile(rb"\s*(?:if|for|while|switch|else|do|return|case|goto)\b")
_HEADER = re.compile(rb"^(?!" + _NOT_A_NAME + rb"\b)[A-Za-z_][^;{}#=]{0,1000}?\)\s*(\{)", re.MULTILINE)
_NAME_FIRST = re.compile(rb"\w+[ \t]*\(")
_TYPE_LINE = re.compile(rb"[ \t]+([A-Za-z_][\w \t*]*)\r?\n")
_AFTER_END = rb"(?=[ \t]*;?[ \t]*(?://[^\n]*|/\*[^\n]*\*/[ \t]*)?\r?$)"
_END = re.compile(rb"^\}" + _AFTER_END, re.MULTILINE)
_CALLED = re.compile(rb"([A-Za-z_][\w:~]*)\s*\(")
_MACRO = re.compile(rb"[A-Z][A-Z0-9_]*")
_NO_NAME = re.compile(
    rb"__attribute\w*|__declspec|alignas|if|for|while|switch|return|sizeof|decltype|noexcept|defined"
    rb"|void|int|char|long|short|bool|float|double|unsigned|signed"
)
_BODY = re.compile(rb"^([ \t]*)\{", re.MULTILINE)

Span = tuple[int, int]


def is_statement(source: bytes, start: int) -> bool:
    """Whether the text at `start` is a statement that error recovery mistook for a function, as in `else if (x) {`."""
    return _STATEMENT.match(source, start) is not None


def laid_out_end(source: bytes, start: int, end: int) -> int | None:
    """Where a function that starts at `start` ends by its layout, if the parser's `end` is none by it.

    That is one past the first closing brace alone on its line and as far indented as the function, before `end` where
    the parser missed it, or behind, where the parser met braces that were none and no other function starts before.
    """
    line = source.rfind(b"\n", 0, start) + 1
    margin = source[line:start]
    if margin.strip():
        return None
    body = _BODY.search(source, start, end)
    if body and body.start() < source.find(b"}", start, end):
        margin = body[1]
    closing = _END if not margin else re.compile(b"^" + re.escape(margin) + rb"\}" + _AFTER_END, re.MULTILINE)
    inside = closing.search(source, start, end)
    if inside is not None:
        return inside.end() if source[inside.end() : end].strip(b"; \t\r\n") else None
    behind = closing.search(source, end)
    if margin or behind is None or _HEADER.search(source, end, behind.start()):
        return None
    return behind.end()


def lost_functions(source: bytes, spans: Sequence[Span]) -> Iterator[tuple[str, int, int, int]]:
    """Name, start, start of the body and end (bytes) of functions in the gaps between the `spans`.

    `spans` must be sorted by start.
    """
    position, index, limit = 0, 0, 0
    while header := _HEADER.search(source, position):
        start = header.start()
        while index < len(spans) and spans[index][0] <= start:
            limit = max(limit, spans[index][1])
            index += 1
        if start < limit:
            position = limit
            continue
        end = _END.search(source, header.end())
        if end is None:
            return
        if index < len(spans) and spans[index][0] < end.end():
            position = header.end()
            continue
        yield called_name(header[0]) or "(unnamed)", _type_start(source, start), header.start(1), end.end()
        position = end.end()


def _type_start(source: bytes, start: int) -> int:
    """Where a function starts whose name is at `start`: at the type, alone and indented on the line above, if any."""
    above = source.rfind(b"\n", 0, max(start - 1, 0)) + 1
    kind = _TYPE_LINE.fullmatch(source, above, start)
    return kind.start(1) if kind and _NAME_FIRST.match(source, start) else start


def called_name(header: bytes) -> str:
    """What stands before the first parenthesis of a header that is not an attribute's or, where others are, a macro's.

    >>> called_name(b"void *__attribute__((malloc)) f(int a)")
    'f'
    """
    names = [match[1] for match in _CALLED.finditer(header) if not _NO_NAME.fullmatch(match[1])]
    chosen = next((name for name in names if not _MACRO.fullmatch(name)), names[0] if names else b"")
    return chosen.decode("utf-8", "replace")
