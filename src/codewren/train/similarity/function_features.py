"""Features of a function: 64-bit hashes of name parts, names, literals and renaming-proof n-grams.

The same as `native/similarity` reads, in plain Python: what training counts, and the measure of the native core.
`docs/bundle-format.md` says it in words.
"""

import functools
import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codewren.train.similarity.source_lexer import Kind, Token, lex, words

Hashes = NDArray[np.uint64]

MASK = (1 << 64) - 1
SUBTOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
STRING_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SMALL_NUMBERS = frozenset(words("0 1 2 3 4 5 6 7 8 9 10 16 26 32 64 100 128 255 256 1000 1e9 0.0 1.0 0.5"))

DROPPED = frozenset(words(
    """; { } ( ) : . -> :: ?. \\ public private protected static final const inline virtual override abstract
    synchronized async await export let var auto mut pub unsafe extern register volatile transient native
    constexpr noexcept explicit friend readonly declare int long short char float double unsigned signed size_t
    bool boolean void byte string str number any String Integer Boolean Double Long Object uint8_t uint16_t
    uint32_t uint64_t int8_t int16_t int32_t int64_t u8 u16 u32 u64 i8 i16 i32 i64 f32 f64 usize isize uint
    uint8 uint16 uint32 uint64 int8 int16 int32 int64 float32 float64 rune std struct typename template throws"""
))  # fmt: skip
CANONICAL = {
    "and": ("&&",), "or": ("||",), "not": ("!",), "elif": ("else", "if"), "None": ("null",), "nil": ("null",),
    "NULL": ("null",), "nullptr": ("null",), "undefined": ("null",), "null": ("null",), "True": ("true",),
    "False": ("false",),
    "self": ("this",), "===": ("==",), "!==": ("!=",), "is": ("==",), "def": ("function",), "func": ("function",),
    "fn": ("function",), "lambda": ("=>",), ":=": ("=",), "foreach": ("for",), "except": ("catch",),
    "raise": ("throw",),
    "of": ("in",), "++": ("+=", "1"), "--": ("-=", "1"), "match": ("switch",), "defer": ("finally",),
}  # fmt: skip
KEYWORDS = frozenset(words(
    """if else for while do switch case default break continue return try catch finally throw new delete in function
    this super true false null class import from as with yield goto sizeof instanceof typeof pass assert global
    nonlocal del interface extends implements package enum union typedef select range go chan map where loop
    impl trait use mod type operator using namespace"""
))  # fmt: skip


def fnv1a(text: str, seed: int = 0) -> int:
    """64-bit FNV-1a of latin-1 bytes, started at the offset basis xor `seed`."""
    value = 0xCBF29CE484222325 ^ seed
    for byte in text.encode("latin-1"):
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def mix(value: int) -> int:
    """The finaliser of splitmix64."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & MASK
    return value ^ value >> 31


LOWER = {ord(upper): ord(upper) + 32 for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def ascii_lower(text: str) -> str:
    """Lower case of A to Z only."""
    return text.translate(LOWER)


# Classes of features; the first four belong to the names, the others to the structure.
SUB, WHOLE, CALLED, LITERAL, PATTERN, NAMED = range(6)


@functools.lru_cache(1 << 20)
def hashed(feature_class: int, text: str) -> int:
    """Hash of a feature that is one string."""
    return mix(fnv1a(text, feature_class))


@functools.lru_cache(1 << 20)
def subtokens(name: str) -> tuple[str, ...]:
    """Lower-case parts of a name: `readHTTPHeader_2` gives read, http, header."""
    return tuple(ascii_lower(part) for part in SUBTOKEN.findall(name))


@functools.lru_cache(1 << 20)
def folded(name: str) -> str:
    """A whole name without case, underscores and dollar signs."""
    return ascii_lower(name).replace("_", "").replace("$", "")


@functools.lru_cache(1 << 20)
def name_hashes(name: str, used: bool) -> tuple[int, ...]:
    """Features of one identifier; `used`: it is called or a member."""
    parts = subtokens(name)
    out = [hashed(SUB, part) for part in parts]
    if len(parts) > 1:
        out.append(hashed(WHOLE, folded(name)))
    if used:
        out.append(hashed(CALLED, folded(name)))
    return tuple(out)


@functools.lru_cache(1 << 18)
def literal_hashes(text: str, kind: Kind) -> tuple[int, ...]:
    """Features of one number or string."""
    if kind is Kind.NUMBER:
        return (hashed(LITERAL, ascii_lower(text)),)
    inner = text.strip("rRbBuUfF").strip("\"'`")
    words = [hashed(SUB, part) for word in STRING_WORD.findall(inner) for part in subtokens(word)]
    return (hashed(LITERAL, '"' + inner), *words)


class Symbol(NamedTuple):
    """One item of the normalised stream: its hash without and with its name, and which variable it is (or 0)."""

    blanked: int
    named: int
    variable: int


@functools.lru_cache(1 << 20)
def symbol(text: str) -> int:
    """Hash of one symbol of the normalised stream."""
    return mix(fnv1a(text, 64))


CALL, MEMBER, VARIABLE, NUMBER, STRING = (
    symbol(s) for s in ("<call>", "<member>", "<variable>", "<number>", "<string>")
)
MEMBER_SIGNS = frozenset((".", "->", "::", "?."))


def plain(text: str) -> tuple[Symbol, ...]:
    """The items of a keyword or an operator: none, or in other words for all languages."""
    if text in CANONICAL:
        return tuple(Symbol(symbol(word), symbol(word), 0) for word in CANONICAL[text])
    return () if text in DROPPED else (Symbol(symbol(text), symbol(text), 0),)


@functools.lru_cache(1 << 20)
def reading(  # noqa: PLR0911  one return a kind of token
    kind: Kind, text: str, member: bool, called: bool
) -> tuple[tuple[int, ...], tuple[Symbol, ...]]:
    """What one token gives: hashes of names, and items of the normalised stream."""
    if kind is Kind.OPERATOR:
        return (), plain(text)
    if kind is Kind.NUMBER:
        blanked = symbol(ascii_lower(text)) if text in SMALL_NUMBERS else NUMBER
        return literal_hashes(text, kind), (Symbol(blanked, symbol("n " + ascii_lower(text)), 0),)
    if kind is Kind.STRING:
        return literal_hashes(text, kind), (Symbol(STRING, symbol("s " + text[1:-1]) if len(text) <= 6 else STRING, 0),)
    if not member and (text in CANONICAL or text in KEYWORDS or text in DROPPED):
        return name_hashes(text, False), plain(text)
    if called:
        return name_hashes(text, True), (Symbol(CALL, symbol("f " + folded(text)), 0),)
    if member:
        return name_hashes(text, True), (Symbol(MEMBER, symbol("m " + folded(text)), 0),)
    return name_hashes(text, False), (Symbol(VARIABLE, VARIABLE, symbol("v " + text)),)


def analyse(tokens: list[Token]) -> tuple[list[int], list[Symbol]]:
    """Hashes of the name features (with repeats), and the normalised stream."""
    names: list[int] = []
    stream: list[Symbol] = []
    before, last = "", len(tokens) - 1
    for k, (kind, text) in enumerate(tokens):
        if kind is Kind.WORD:
            called = k < last and tokens[k + 1].text == "("
            hashes, symbols = reading(kind, text, before in MEMBER_SIGNS, called)
        else:
            hashes, symbols = reading(kind, text, False, False)
        names += hashes
        stream += symbols
        before = text
    return names, stream


MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
PATTERN_SIZES = (1, 2, 3, 4, 5, 6)
NAMED_SIZES = (2, 3)


def fold(values: Hashes, code: Hashes) -> Hashes:
    """One step of the hash of an n-gram."""
    values = (values ^ code) * MULTIPLIER
    return values ^ (values >> np.uint64(29))


def ngrams(codes: Hashes, variable: Hashes | None, size: int, feature_class: int) -> Hashes:
    """Hashes of all windows of `size`; a variable is coded by the first place in the window that holds the same one."""
    count = len(codes) - size + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    values = np.full(count, mix(feature_class * 256 + size), np.uint64)
    for j in range(size):
        code = codes[j : j + count]
        if variable is not None and j:
            here, first = variable[j : j + count], np.zeros(count, np.uint64)
            for i in range(j - 1, -1, -1):
                first = np.where((variable[i : i + count] == here) & (here != 0), np.uint64(i + 1), first)
            code = code ^ first
        values = fold(values, code)
    return values


def features(text: str, *, python: bool | None = None) -> tuple[Hashes, Hashes]:
    """Hashes of all features of one function with repeats: (names, structure)."""
    names, stream = analyse(lex(text, python=python))
    blanked, named, variable = np.array(stream, np.uint64).reshape(-1, 3).T
    grams = [ngrams(blanked, variable, size, PATTERN) for size in PATTERN_SIZES]
    grams += [ngrams(named, None, size, NAMED) for size in NAMED_SIZES]
    return np.array(names, np.uint64), np.concatenate(grams)
