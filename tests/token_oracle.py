"""The tokens of a span in plain Python, by regular expressions: what the native lexer must agree with."""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from codewren.syntax.lexers import _KEYWORDS, _TYPES

_STRING = rb'"(?:\\.|[^"\\\n])*+"'
_QUOTED = rb"|'(?:\\.|[^'\\\n])*+'"
_NAME = rb"(?P<name>[A-Za-z_$\x80-\xff][\w$\x80-\xff]*+)"
_NUMBER = rb"(?P<literal>\.?\d(?:[eEpP][+-]|[\w.])*+)"
_COMMENT = rb"(?P<comment>//[^\n]*+|/\*(?s:.*?)(?:\*/|\Z)|\\\r?\n)"
_INDENTED = re.compile(rb"(?P<comment>\\\r?\n)|(?P<line>\n[ \t\f]*+(?=[^\s#]|\Z))|" + _NAME + rb"|" + _NUMBER + rb"|\S")

Token = tuple[bytes, str | None]
Piece = tuple[int, int, bool]  # start, end, whether it is a comment


def span_hashes(source: bytes, start: int, end: int, marks: Sequence[int], language: str) -> tuple[bytes, bytes]:
    found = classified(source, start, end, pieces(marks), language)
    return digest([token for token, _ in found]), digest(blanked(found, language))


def pattern(language: str) -> re.Pattern[bytes]:
    if language == "python":
        return _INDENTED
    strings = _STRING + (b"" if language == "rust" else _QUOTED)
    operators = rb"|\+\+|--|&&|::|\.\.\." + (rb"|<-" if language == "go" else b"") + rb"|\S"
    return re.compile(_COMMENT + rb"|(?P<text>" + strings + rb")|" + _NAME + rb"|" + _NUMBER + operators)


def pieces(marks: Sequence[int]) -> list[Piece]:
    triples = sorted(zip(*[iter(marks)] * 3, strict=True), key=lambda triple: (triple[0], -triple[1]))
    return list(_innermost(triples))


def _innermost(marks: Sequence[tuple[int, int, int]]) -> Iterator[Piece]:
    position, around = 0, list[tuple[int, int]]()
    for start, last, kind in [*marks, (1 << 62, 1 << 62, 2)]:
        while around and around[-1][0] <= start:
            end, outer = around.pop()
            if outer != 2 and position < end:
                yield position, end, outer == 0
            position = max(position, end)
        if around and around[-1][1] != 2:
            if kind != 2:
                continue
            if position < start:
                yield position, start, around[-1][1] == 0
        around.append((last, kind))
        position = start


def classified(source: bytes, start: int, end: int, known: Sequence[Piece], language: str) -> list[Token]:
    found = list(cut(source, start, end, known, pattern(language)))
    return list(levelled(found)) if language == "python" else found


def cut(source: bytes, start: int, end: int, known: Sequence[Piece], shape: re.Pattern[bytes]) -> Iterator[Token]:
    position = start
    for first, last, is_comment in known[bisect_left(known, (start,)) :]:
        if first >= end:
            break
        yield from matches(source, position, first, shape, begins_none=is_comment)
        if not is_comment:
            yield source[first:last], "text"
        position = last
    yield from matches(source, position, end, shape, begins_none=True)


def matches(source: bytes, start: int, end: int, shape: re.Pattern[bytes], *, begins_none: bool) -> Iterator[Token]:
    for match in shape.finditer(source, start, end):
        kind = match.lastgroup
        if kind != "comment" and not (kind == "line" and begins_none and match.end() == end):
            yield match[0], kind


def levelled(found: list[Token]) -> Iterator[Token]:
    brackets, columns = 0, list[int]()
    for token, kind in found:
        if kind != "line":
            brackets += kind is None and (token in {b"(", b"[", b"{"}) - (token in {b")", b"]", b"}"})
            yield token, kind
        elif brackets <= 0:
            column = len(token.expandtabs()) - 1
            while columns and columns[-1] > column:
                columns.pop()
            if not columns or columns[-1] < column:
                columns.append(column)
            yield b"\n%d" % (len(columns) - 1), kind


def blanked(found: list[Token], language: str) -> list[bytes]:
    types = frozenset(_TYPES.get(language, "").split())
    keywords, shape, was_type = _KEYWORDS[language] - types, list[bytes](), False
    for token, kind in found:
        word = token.decode("utf-8", "replace")
        is_type = kind == "name" and word in types
        if not (is_type and was_type):
            is_name = kind == "name" and word not in keywords
            shape.append(b"\0n" if is_name else b"\0l" if kind in {"literal", "text"} else token)
        was_type = is_type
    return shape


def digest(parts: list[bytes]) -> bytes:
    return hashlib.blake2b(b"\0".join(parts), digest_size=16).digest()
