"""Tokens of source text, coarse and fast: what tells a copied function from a renamed or an edited one."""

import hashlib
import re
from collections import Counter

from codewren.runtime.record import HASH_BYTES

_STRING = r'"(?:\\.|[^"\\\n])*"|' + r"'(?:\\.|[^'\\\n])*'"
_TRIPLE = r'"""(?:\\.|[^\\])*?"""|' + r"'''(?:\\.|[^\\])*?'''"
_REST = r"(?P<name>[^\W\d][\w$]*)|(?P<number>\d[\w.]*|\.\d[\w.]*)|\S"
_BRACES = re.compile(rf"(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))|(?P<text>{_TRIPLE}|{_STRING})|{_REST}", re.DOTALL)
_INDENTED = re.compile(
    rf"(?P<comment>\#[^\n]*)|(?P<line>\n[ \t]*(?=[^\s\#]))|(?P<text>[rbfuRBFU]{{0,2}}(?:{_TRIPLE}|{_STRING}))|{_REST}",
    re.DOTALL,
)
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


def tokens(text: str, language: str) -> list[str]:
    """Tokens without comments; for Python the indentation of each line against that of the first is one.

    >>> tokens("int f() { /* x */ return 1; }", "c")
    ['int', 'f', '(', ')', '{', 'return', '1', ';', '}']
    """
    return [token for token, _ in _classified(text, language)]


def text_hash(text: str, language: str) -> bytes:
    """Hash of the text without white space and comments: equal for exact copies."""
    return _hash(tokens(text, language))


def shape_hash(text: str, language: str) -> bytes:
    """Hash of the tokens with every name, number and string blanked: equal for renamed copies.

    >>> shape_hash("int f(a) { return a; }", "c") == shape_hash("int g( b ) { return c; }", "c")
    True
    """
    keywords = _KEYWORDS[language]
    blanked = []
    for token, kind in _classified(text, language):
        is_name = kind == "name" and token not in keywords
        blanked.append("\0n" if is_name else "\0l" if kind in {"number", "text"} else token)
    return _hash(blanked)


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


def _classified(text: str, language: str) -> list[tuple[str, str | None]]:
    pattern = _INDENTED if language == "python" else _BRACES
    found = []
    for match in pattern.finditer(text):
        kind = match.lastgroup
        if kind != "comment":
            found.append((match[0], kind))
    return _relative(found, text) if language == "python" else found


def _relative(found: list[tuple[str, str | None]], text: str) -> list[tuple[str, str | None]]:
    """Indentation is counted from the closest to the margin, so that a method equals a copy outside its class."""
    depths = [len(token.expandtabs()) - 1 for token, kind in found if kind == "line"]
    margin = min(depths, default=0)
    return [(f"\n{len(token.expandtabs()) - 1 - margin}" if kind == "line" else token, kind) for token, kind in found]


def _hash(parts: list[str]) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest()
