"""Tokens of source text: what tells a copied function from a renamed or an edited one.

Where comments, strings and numbers stand is read from the syntax tree; a few patterns cut the rest. Operators whose
meaning depends on white space between their characters (`a && b`, `a & &b`) are whole.
"""

import hashlib
import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

from codewren.core.errors import InputError
from codewren.syntax.literals import Literal, literals

HASH_BYTES = 16
"""Of every hash of a text."""

Token = tuple[bytes, str | None]

_STRING = rb'"(?:\\.|[^"\\\n])*+"|' + rb"'(?:\\.|[^'\\\n])*+'"
_NAME = rb"(?P<name>[A-Za-z_$\x80-\xff][\w$\x80-\xff]*+)"
_NUMBER = rb"(?P<literal>\.?\d(?:[eEpP][+-]|[\w.])*+)"
# Beside these, strings and comments stand in text the parser could not follow or does not look into, as macros.
_BRACES = re.compile(
    rb"(?P<comment>//[^\n]*+|/\*(?s:.*?)(?:\*/|\Z)|\\\r?\n)|(?P<text>" + _STRING + rb")|" + _NAME + rb"|" + _NUMBER
    + rb"|\+\+|--|&&|::|\.\.\.|\S",
)  # fmt: skip
_INDENTED = re.compile(rb"(?P<comment>\\\r?\n)|(?P<line>\n[ \t\f]*+(?=[^\s#]|\Z))|" + _NAME + rb"|" + _NUMBER + rb"|\S")
_C = """auto break case char const continue default do double else enum extern float for goto if inline int long
register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while"""
_WORDS = {
    "c": _C,
    "cpp": f"""{_C} alignas alignof bool catch class const_cast constexpr decltype delete dynamic_cast explicit export
false final friend mutable namespace new noexcept nullptr operator override private protected public reinterpret_cast
static_assert static_cast template this throw true try typeid typename using virtual""",
    "java": """abstract assert boolean break byte case catch char class const continue default do double else enum
extends false final finally float for goto if implements import instanceof int interface long native new null package
private protected public return short static strictfp super switch synchronized this throw throws transient true try var
void volatile while""",
    "python": """False None True and as assert async await break class continue def del elif else except finally for
from global if import in is lambda nonlocal not or pass raise return try while with yield""",
}
_KEYWORDS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_TYPES = frozenset(b"bool boolean byte char double float int long short signed unsigned".split())
_KEPT = {language: frozenset(word.encode() for word in words) - _TYPES for language, words in _KEYWORDS.items()}


def tokens(text: str, language: str) -> list[str]:
    """Tokens without comments; for Python a line that begins deeper or less deep than the one before is one, too.

    >>> tokens("int f() { /* x */ return 1; }", "c")
    ['int', 'f', '(', ')', '{', 'return', '1', ';', '}']
    """
    return [token.decode("utf-8", "surrogatepass") for token, _ in _of_text(text, language)]


def text_hash(text: str, language: str) -> bytes:
    """Hash of the text without white space and comments: equal for exact copies."""
    return _hash([token for token, _ in _of_text(text, language)])


def shape_hash(text: str, language: str) -> bytes:
    """Hash of the tokens with every name, primitive type and literal blanked: equal for renamed copies.

    >>> shape_hash("int f(a) { return a; }", "c") == shape_hash("long g( b ) { return c; }", "c")
    True
    """
    return _hash(_blanked(_of_text(text, language), language))


class SpanTokens(NamedTuple):
    """What a scan keeps of the tokens of a function.

    Attributes:
        text: hash of the tokens.
        shape: hash of the tokens with every name, primitive type and literal blanked.
        size: number of tokens.
        words: distinct names, keywords and literals, sorted: 24 bits of a hash, and 8 bits of how often each occurs.
    """

    text: bytes
    shape: bytes
    size: int
    words: "array[int]"


def span_tokens(source: bytes, start: int, end: int, known: Sequence[Literal], language: str) -> SpanTokens:
    """The tokens of a span of a file whose literals are known."""
    classified = _classified(source, start, end, known, language)
    text, shape = _hash([token for token, _ in classified]), _hash(_blanked(classified, language))
    counts = Counter(token for token, kind in classified if kind is not None and kind != "line")
    words = array("I", sorted(crc32(word) & 0xFFFFFF00 | min(count, 0xFF) for word, count in counts.items()))
    return SpanTokens(text, shape, len(classified), words)


def is_keyword(word: str, language: str) -> bool:
    """Whether a word of the language can be no name.

    >>> is_keyword("new", "java"), is_keyword("new", "c")
    (True, False)
    """
    return word in _KEYWORDS[language]


def overlap(first: list[str], second: list[str]) -> float:
    """Tokens that two functions share, as bags, over the length of the longer one.

    Source: Sajnani et al., SourcererCC, ICSE 2016, section 2.1.

    >>> overlap(["a", "b", "b"], ["b", "c"])
    0.3333333333333333
    """
    shared = sum((Counter(first) & Counter(second)).values())
    return shared / max(len(first), len(second), 1)


def _of_text(text: str, language: str) -> list[Token]:
    from codewren.syntax.grammars import check_nesting, syntax_root

    source = text.encode("utf-8", "surrogatepass")
    try:
        check_nesting(source, language)
        known = literals(syntax_root(source, language), language)
    except InputError:  # not ordinary source text, which no scan gets this far with
        known = []
    return _classified(source, 0, len(source), known, language)


def _classified(source: bytes, start: int, end: int, known: Sequence[Literal], language: str) -> list[Token]:
    """Tokens of a span with what they are: name, text, literal, line or None."""
    found = list(_cut(source, start, end, known, _INDENTED if language == "python" else _BRACES))
    return list(_levelled(found)) if language == "python" else found


def _cut(source: bytes, start: int, end: int, known: Sequence[Literal], pattern: re.Pattern[bytes]) -> Iterator[Token]:
    position = start
    for literal in known[bisect_left(known, (start,)) :]:
        if literal.start >= end:
            break
        yield from _matches(source, position, literal.start, pattern, begins_none=literal.is_comment)
        if not literal.is_comment:
            yield source[literal.start : literal.end], "text"
        position = literal.end
    yield from _matches(source, position, end, pattern, begins_none=True)


def _matches(source: bytes, start: int, end: int, pattern: re.Pattern[bytes], *, begins_none: bool) -> Iterator[Token]:
    """Tokens between two literals; `begins_none`: what comes next is no token, so no line begins with it."""
    for match in pattern.finditer(source, start, end):
        kind = match.lastgroup
        if kind != "comment" and not (kind == "line" and begins_none and match.end() == end):
            yield match[0], kind


def _levelled(found: list[Token]) -> Iterator[Token]:
    """Line starts outside brackets as levels of nesting, so that neither the margin nor the width of a level counts."""
    brackets, columns = 0, list[int]()
    for token, kind in found:
        if kind != "line":
            brackets += (token in {b"(", b"[", b"{"}) - (token in {b")", b"]", b"}"})
            yield token, kind
        elif brackets <= 0:
            column = len(token.expandtabs()) - 1
            while columns and columns[-1] > column:
                columns.pop()
            if not columns or columns[-1] < column:
                columns.append(column)
            yield b"\n%d" % (len(columns) - 1), kind


def _blanked(classified: list[Token], language: str) -> list[bytes]:
    """Names, types and literals as one word each; several words of one type (`unsigned long`) are one."""
    kept, blanked, was_type = _KEPT[language], list[bytes](), False
    for token, kind in classified:
        is_type = kind == "name" and token in _TYPES and language != "python"
        if not (is_type and was_type):
            is_name = kind == "name" and token not in kept
            blanked.append(b"\0n" if is_name else b"\0l" if kind in {"literal", "text"} else token)
        was_type = is_type
    return blanked


def _hash(parts: list[bytes]) -> bytes:
    return hashlib.blake2b(b"\0".join(parts), digest_size=HASH_BYTES).digest()
