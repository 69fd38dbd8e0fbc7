"""The lexer of the similarity encoder in regular expressions, equal to `native/similarity/lexer.cpp`."""

import re
from enum import IntEnum
from typing import NamedTuple


def words(text: str) -> list[str]:
    """Words between white space."""
    return text.split()


WORD = r"[A-Za-z_$\x80-\xff][A-Za-z0-9_$\x80-\xff]*"
OPERATORS = words(
    ">>>= === !== **= //= <<= >>= >>> ... ??= ?? ?. => -> :: ++ -- && || == != <= >= += -= *= /= %= &= |= ^= << >> **"
    " // := <-"
)
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
BEFORE_REGEX = frozenset(words("( , = : [ ! & | ? { } ; => && || == === != !== return"))
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
        matched = match(text, position)
        if matched is None:  # every byte is an operator at least
            break
        group, word = matched.lastgroup or "op", matched[0]
        position = matched.end()
        if group == "skip":
            continue
        if group == "string" and python and last == ":" and word.endswith(TRIPLE):
            continue
        tokens.append(Token(KIND_OF[group], word))
        last = word
    return tokens
