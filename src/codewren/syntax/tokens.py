"""Tokens of source text: what tells a copied function from a renamed or an edited one.

Where comments, strings and numbers stand is read from the syntax tree; the native lexer cuts the rest. Operators whose
meaning depends on white space between their characters (`a && b`, `a & &b`) are whole. For Python a line that begins
deeper or less deep than the one before is a token, too; in other languages the ends of lines do not count.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

from codewren.core.errors import InputError
from codewren.syntax.lexers import lexer
from codewren.syntax.literals import literals

HASH_BYTES = 16
"""Of every hash of a text."""
_FEWEST_WORDS = 12  # tokens; fewer are never compared by their words
_WORD_STARTS = frozenset(
    b"\"'`_$0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" + bytes(range(128, 256))
)


def tokens(text: str, language: str) -> list[str]:
    """Tokens without comments.

    >>> tokens("int f() { /* x */ return 1; }", "c")
    ['int', 'f', '(', ')', '{', 'return', '1', ';', '}']
    """
    source = _encoded(text)
    encoded = lexer(language).tokens(source, _literals(source, language))
    return [token.decode("utf-8", "surrogatepass") for token in encoded]


def text_hash(text: str, language: str) -> bytes:
    """Hash of the text without white space and comments: equal for exact copies."""
    return _hashes(text, language)[0]


def shape_hash(text: str, language: str) -> bytes:
    """Hash of the tokens with every name, primitive type and literal blanked: equal for renamed copies.

    >>> shape_hash("int f(a) { return a; }", "c") == shape_hash("long g( b ) { return c; }", "c")
    True
    """
    return _hashes(text, language)[1]


def span_hashes(
    source: bytes, spans: Sequence[tuple[int, int]], known: "array[int]", language: str
) -> list[tuple[bytes, bytes]]:
    """The text hash and the shape hash of each span, in bytes, of a file whose `literals` are known."""
    cut = lexer(language).texts_and_shapes(source, spans, known)
    return [(_hash(text), _hash(shape)) for text, shape in cut]


class SpanTokens(NamedTuple):
    """What a scan keeps of the tokens of a function.

    Attributes:
        text: hash of the tokens.
        shape: hash of the tokens with every name, primitive type and literal blanked.
        size: number of tokens.
        words: distinct names, keywords and literals, sorted: 24 bits of a hash, and 8 bits of how often each occurs;
            none in very short functions.
    """

    text: bytes
    shape: bytes
    size: int
    words: "array[int]"


def span_tokens(
    source: bytes, spans: Sequence[tuple[int, int]], known: "array[int]", language: str
) -> list[SpanTokens]:
    """The tokens of each span, in bytes, of a file whose `literals` are known."""
    return [_summary(text, shape) for text, shape in lexer(language).texts_and_shapes(source, spans, known)]


def _summary(text: bytes, shape: bytes) -> SpanTokens:
    cut = text.split(b"\0")
    words = [token for token in cut if token and token[0] in _WORD_STARTS] if len(cut) > _FEWEST_WORDS else []
    bag = sorted(crc32(word) & 0xFFFFFF00 | min(count, 0xFF) for word, count in Counter(words).items())
    return SpanTokens(_hash(text), _hash(shape), len(cut), array("I", bag))


def _hashes(text: str, language: str) -> tuple[bytes, bytes]:
    source = _encoded(text)
    return span_hashes(source, [(0, len(source))], _literals(source, language), language)[0]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _literals(source: bytes, language: str) -> "array[int]":
    from codewren.syntax.grammars import check_nesting, syntax_root

    try:
        check_nesting(source, language)
        return literals(syntax_root(source, language), language)
    except InputError:  # not ordinary source text, which no scan gets this far with
        return array("I")


def _hash(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=HASH_BYTES).digest()
