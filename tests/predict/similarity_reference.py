"""The similarity encoder in plain Python: slow, and the measure of `native/similarity`.

Text to tokens, tokens to features, features to an int8 vector; `docs/bundle-format.md` says it in words.
"""

import functools
import math
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

WORD = r"[A-Za-z_$\x80-\xff][A-Za-z0-9_$\x80-\xff]*"
OPERATORS = [
    ">>>=",
    "===",
    "!==",
    "**=",
    "//=",
    "<<=",
    ">>=",
    ">>>",
    "...",
    "??=",
    "??",
    "?.",
    "=>",
    "->",
    "::",
    "++",
    "--",
    "&&",
    "||",
    "==",
    "!=",
    "<=",
    ">=",
    "+=",
    "-=",
    "*=",
    "/=",
    "%=",
    "&=",
    "|=",
    "^=",
    "<<",
    ">>",
    "**",
    "//",
    ":=",
    "<-",
]
_OPERATOR = "|".join(map(re.escape, OPERATORS))
_STRING = r'"(?:[^"\\\n]|\\[\s\S])*"|\'(?:[^\'\\\n]|\\[\s\S])*\''
_NUMBER = r"\.?[0-9][0-9A-Za-z_.]*"
_REGEX = r"/(?![*/])(?:[^/\\\n\[]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*\])+/[a-z]*"

BRACES = re.compile(
    rf"(?P<skip>[ \t\r\n\f\v]+|//[^\n]*|/\*[\s\S]*?(?:\*/|\Z))|(?P<string>{_STRING}|`(?:[^`\\]|\\[\s\S])*`)"
    rf"|(?P<number>{_NUMBER})|(?P<word>{WORD})|(?P<op>{_OPERATOR}|[\s\S])"
)
PYTHON = re.compile(
    r"(?P<skip>[ \t\r\n\f\v]+|\\\n|#[^\n]*)"
    r"|(?P<string>[rRbBuUfF]{0,2}(?:\"\"\"(?:[^\"\\]|\\[\s\S]|\"(?!\"\"))*\"\"\"|'''(?:[^'\\]|\\[\s\S]|'(?!''))*'''"
    rf"|{_STRING}))|(?P<number>{_NUMBER})|(?P<word>{WORD})|(?P<op>{_OPERATOR}|[\s\S])"
)
REGEX = re.compile(_REGEX)
LONGEST_REGEX = 1024
BEFORE_REGEX = frozenset(
    ["(", ",", "=", ":", "[", "!", "&", "|", "?", "{", "}", ";", "=>", "&&", "||", "==", "===", "!=", "!==", "return"]
)
LOOKS_PYTHON = re.compile(
    r"(?:^|\n)[ \t]*(?:async[ \t]+)?def[ \t]+\w+[ \t]*\(|\A\s*@[\w.]+[^\n;{]*\n\s*(?:async\s+)?def\s"
)


TRIPLE = ('"""', "'''")


class Kind(IntEnum):
    """What a token is."""

    WORD, NUMBER, STRING, OPERATOR = range(4)


class Token(NamedTuple):
    """One token as it stands in the text."""

    kind: Kind
    text: str


def is_python(text: str) -> bool:
    """Whether a text without a stated language is read as Python: some line begins `def NAME(`."""
    return LOOKS_PYTHON.search(text) is not None


KIND_OF = {"string": Kind.STRING, "number": Kind.NUMBER, "word": Kind.WORD, "op": Kind.OPERATOR}


def lex(source: str, *, python: bool | None = None) -> list[Token]:
    """Tokens of one function; each character of the tokens is one byte of the UTF-8 text."""
    text = source.encode("utf-8", "replace").decode("latin-1")
    python = is_python(text) if python is None else python
    match = (PYTHON if python else BRACES).match
    tokens: list[Token] = []
    position, last, end = 0, "(", len(text)
    while position < end:
        if not python and text[position] == "/" and last in BEFORE_REGEX:
            literal = REGEX.match(text, position)
            if literal and len(literal[0]) <= LONGEST_REGEX:
                tokens.append(Token(Kind.STRING, literal[0]))
                position, last = literal.end(), '"'
                continue
        found = match(text, position)
        group = found.lastgroup
        position = found.end()
        if group == "skip":
            continue
        word = found[0]
        if group == "string" and python and last == ":" and word.endswith(TRIPLE):
            continue
        tokens.append(Token(KIND_OF[group], word))
        last = word
    return tokens


MASK = (1 << 64) - 1
SUBTOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
STRING_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SMALL_NUMBERS = frozenset(
    [
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "10",
        "16",
        "26",
        "32",
        "64",
        "100",
        "128",
        "255",
        "256",
        "1000",
        "1e9",
        "0.0",
        "1.0",
        "0.5",
    ]
)

DROPPED = frozenset(
    [
        ";",
        "{",
        "}",
        "(",
        ")",
        ":",
        ".",
        "->",
        "::",
        "?.",
        "\\",
        "public",
        "private",
        "protected",
        "static",
        "final",
        "const",
        "inline",
        "virtual",
        "override",
        "abstract",
        "synchronized",
        "async",
        "await",
        "export",
        "let",
        "var",
        "auto",
        "mut",
        "pub",
        "unsafe",
        "extern",
        "register",
        "volatile",
        "transient",
        "native",
        "constexpr",
        "noexcept",
        "explicit",
        "friend",
        "readonly",
        "declare",
        "int",
        "long",
        "short",
        "char",
        "float",
        "double",
        "unsigned",
        "signed",
        "size_t",
        "bool",
        "boolean",
        "void",
        "byte",
        "string",
        "str",
        "number",
        "any",
        "String",
        "Integer",
        "Boolean",
        "Double",
        "Long",
        "Object",
        "uint8_t",
        "uint16_t",
        "uint32_t",
        "uint64_t",
        "int8_t",
        "int16_t",
        "int32_t",
        "int64_t",
        "u8",
        "u16",
        "u32",
        "u64",
        "i8",
        "i16",
        "i32",
        "i64",
        "f32",
        "f64",
        "usize",
        "isize",
        "uint",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "int8",
        "int16",
        "int32",
        "int64",
        "float32",
        "float64",
        "rune",
        "std",
        "struct",
        "typename",
        "template",
        "throws",
    ]
)
CANONICAL = {
    "and": ("&&",), "or": ("||",), "not": ("!",), "elif": ("else", "if"), "None": ("null",), "nil": ("null",),
    "NULL": ("null",), "nullptr": ("null",), "undefined": ("null",), "null": ("null",), "True": ("true",), "False": ("false",),
    "self": ("this",), "===": ("==",), "!==": ("!=",), "is": ("==",), "def": ("function",), "func": ("function",),
    "fn": ("function",), "lambda": ("=>",), ":=": ("=",), "foreach": ("for",), "except": ("catch",), "raise": ("throw",),
    "of": ("in",), "++": ("+=", "1"), "--": ("-=", "1"), "match": ("switch",), "defer": ("finally",),
}  # fmt: skip
KEYWORDS = frozenset(
    [
        "if",
        "else",
        "for",
        "while",
        "do",
        "switch",
        "case",
        "default",
        "break",
        "continue",
        "return",
        "try",
        "catch",
        "finally",
        "throw",
        "new",
        "delete",
        "in",
        "function",
        "this",
        "super",
        "true",
        "false",
        "null",
        "class",
        "import",
        "from",
        "as",
        "with",
        "yield",
        "goto",
        "sizeof",
        "instanceof",
        "typeof",
        "pass",
        "assert",
        "global",
        "nonlocal",
        "del",
        "interface",
        "extends",
        "implements",
        "package",
        "enum",
        "union",
        "typedef",
        "select",
        "range",
        "go",
        "chan",
        "map",
        "where",
        "loop",
        "impl",
        "trait",
        "use",
        "mod",
        "type",
        "operator",
        "using",
        "namespace",
    ]
)


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
def reading(kind: Kind, text: str, member: bool, called: bool) -> tuple[tuple[int, ...], tuple[Symbol, ...]]:
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


def fold(values: np.ndarray, code: np.ndarray) -> np.ndarray:
    """One step of the hash of an n-gram."""
    values = (values ^ code) * MULTIPLIER
    return values ^ (values >> np.uint64(29))


def ngrams(codes: np.ndarray, variable: np.ndarray | None, size: int, feature_class: int) -> np.ndarray:
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


def features(text: str, *, python: bool | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of all features of one function with repeats: (names, structure)."""
    names, stream = analyse(lex(text, python=python))
    blanked, named, variable = np.array(stream, np.uint64).reshape(-1, 3).T
    grams = [ngrams(blanked, variable, size, PATTERN) for size in PATTERN_SIZES]
    grams += [ngrams(named, None, size, NAMED) for size in NAMED_SIZES]
    return np.array(names, np.uint64), np.concatenate(grams)


TF = [0] + [round(16 * (1 + math.log(count))) for count in range(1, 65)]
SCALE = 256


@dataclass(frozen=True, slots=True)
class Block:
    """Tables of one block of features."""

    fingerprints: np.ndarray  # uint32, (entries,)
    weights: np.ndarray  # uint8, (entries,)
    rows: np.ndarray  # int8, (rows, width)
    sketch_width: int
    unknown: int
    index: dict[int, int]

    @classmethod
    def of(
        cls, fingerprints: np.ndarray, weights: np.ndarray, rows: np.ndarray, *, sketch_width: int, unknown: int
    ) -> "Block":
        """With the index from fingerprint to entry."""
        return cls(fingerprints, weights, rows, sketch_width, unknown, {int(f): i for i, f in enumerate(fingerprints)})


@dataclass(frozen=True, slots=True)
class Encoder:
    """Names and structure, and the root of each vector's share: names sketch, names, structure, structure sketch."""

    names: Block
    structure: Block
    roots: tuple[float, float, float, float]

    def vector(self, text: str, *, python: bool | None = None) -> np.ndarray:
        """The int8 vector of one function."""
        names, structure = features(text, python=python)
        names_sketch, names_dense = pooled(self.names, names)
        structure_sketch, structure_dense = pooled(self.structure, structure)
        vectors = (names_sketch, names_dense, structure_dense, structure_sketch)
        return np.concatenate([quantised(x, root) for x, root in zip(vectors, self.roots, strict=True)])


def pooled(block: Block, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(sketch, dense) sums of one block, int64."""
    sketch, dense = np.zeros(block.sketch_width, np.int64), np.zeros(block.rows.shape[1], np.int64)
    for value, count in zip(*np.unique(hashes, return_counts=True), strict=True):
        times = TF[min(int(count), 64)]
        entry = block.index.get(int(value) >> 32, -1)
        if 0 <= entry < len(block.rows):
            dense += times * block.rows[entry].astype(np.int64)
        if block.sketch_width:
            add_signs(sketch, int(value), times * (int(block.weights[entry]) if entry >= 0 else block.unknown))
    return sketch, dense


def add_signs(sketch: np.ndarray, value: int, amount: int) -> None:
    """Add one feature at its hashed places with its hashed signs."""
    bits = len(sketch).bit_length()
    mixed = mix(value)
    for _ in range(64 // bits):
        sketch[mixed & len(sketch) - 1] += -amount if mixed >> bits - 1 & 1 else amount
        mixed >>= bits


def quantised(vector: np.ndarray, root: float) -> np.ndarray:
    """Scaled to length 256 * root, rounded half to even, clipped to int8."""
    square = int((vector * vector).sum())
    if square == 0:
        return np.zeros(len(vector), np.int8)
    return np.clip(np.rint(vector * (SCALE * root) / math.sqrt(square)), -127, 127).astype(np.int8)


def dot_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Dot product of two int8 vectors, over 65536."""
    return int(a.astype(np.int32) @ b.astype(np.int32)) / SCALE**2


def probability(value: float, slope: float, offset: float) -> float:
    """The calibrated probability of a similarity."""
    return 1 / (1 + math.exp(-(slope * value + offset)))


def size(text: str, *, python: bool | None = None) -> int:
    """Number of symbols of the normalised stream, at most 65535."""
    return min(65535, len(analyse(lex(text, python=python))[1]))
