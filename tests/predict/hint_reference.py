"""The features of a hint in plain Python, written from `docs/bundle-format.md`: the measure of the native core."""

import re
from collections import Counter
from itertools import pairwise

from codewren.bundle.hint import MEASURES
from codewren.train.similarity.function_features import MASK, ascii_lower, fnv1a, folded, mix, subtokens, symbol
from codewren.train.similarity.source_lexer import Kind, Token, lex, words

KEYWORDS = frozenset(
    words(
        """if else for while do switch case default break continue return goto sizeof struct union enum static const
        unsigned signed int char long short void float double bool size_t ssize_t uint8_t uint16_t uint32_t uint64_t
        int8_t int16_t int32_t int64_t NULL nullptr true false inline volatile extern register typedef new delete try
        catch throw this template typename class public private namespace using operator"""
    )
)
COMPARISONS = frozenset(("<", ">", "<=", ">=", "==", "!="))
SHAPES = {
    **dict.fromkeys(("+", "-", "++", "--"), 1),
    **dict.fromkeys(("*", "/", "%"), 2),
    **dict.fromkeys(("<<", ">>"), 4),
    **dict.fromkeys(("->", ".", "&"), 8),
    "[": 16,
    "(": 32,
    "sizeof": 64,
}
VARIABLE, NUMBER, STRING, FORMAT = (symbol(f"<{name}>") for name in ("variable", "number", "string", "format"))
BEGINNINGS = frozenset(("=", "(", ";", "{", "}", ",", "return"))


def fold(*codes: int) -> int:
    """An n-gram begun at the first code."""
    value = codes[0]
    for code in codes[1:]:
        value = (value ^ code) * 0x9E3779B97F4A7C15 & MASK
        value ^= value >> 29
    return value


def go(seed: int, text: str) -> int:
    return mix(fnv1a(ascii_lower(text), seed))


class Function:
    """The features of one function, with counts, and its measures."""

    def __init__(self, text: str) -> None:
        self.features: Counter[int] = Counter()
        self.measures = dict.fromkeys(MEASURES, 0)
        self.tokens = lex(text, python=False)
        self.words = [token.text for token in self.tokens]
        self.named: list[int] = []
        self.endings: list[int] = []
        self.variables: list[str | None] = []
        self.compared: dict[str, int] = {}
        self._own_name_read = False
        self._depth = 0
        for k, token in enumerate(self.tokens):
            self._read(k, token)
        for k in range(len(self.tokens)):
            if k:
                self._add(5, fold(4, self.named[k - 1], self.named[k]))
                self._add(6, fold(5, self.endings[k - 1], self.endings[k]))
            self._reason(k)
        self.measures |= {"tokens": len(self.tokens), "lines": lines_with_tokens(text, self.words)}

    def _add(self, feature_class: int, value: int) -> None:
        self.features[mix((value + feature_class) & MASK) & ~31 | feature_class] += 1

    def _word(self, k: int) -> str:
        return self.words[k] if 0 <= k < len(self.words) else ""

    def _read(self, k: int, token: Token) -> None:
        text, variable = token.text, None
        if token.kind is Kind.OPERATOR:
            self._depth = max(0, self._depth + (text == "{") - (text == "}"))
            self.measures["depth"] = max(self.measures["depth"], self._depth)
            named = ending = symbol(text)
        elif token.kind is Kind.NUMBER:
            named = ending = go(1, text) if len(text) <= 4 else NUMBER
        elif token.kind is Kind.STRING:
            for part in subtokens(text):
                self._add(1, go(3, part))
            named = ending = FORMAT if "%" in text else STRING
        elif text in KEYWORDS:
            self.measures["loops"] += text in ("for", "while")
            self.measures["branches"] += text in ("if", "case")
            self.measures["returns"] += text in ("return", "goto")
            named = ending = symbol(text)
        else:
            named, ending, variable = self._name(k, text)
        self.named.append(named)
        self.endings.append(ending)
        self.variables.append(variable)

    def _name(self, k: int, text: str) -> tuple[int, int, str | None]:
        is_called = self._word(k + 1) == "("
        is_own = is_called and not self._depth and not self._own_name_read
        parts = [go(3, part) for part in subtokens(text)]
        for part in parts:
            self._add(2 if is_own else 0, part)
        ending, whole = parts[-1] if parts else VARIABLE, go(2, folded(text))
        if is_called:
            self._own_name_read = True
            if not is_own:
                self.measures["calls"] += 1
                self._add(4, whole)
            return fold(whole, 1), fold(ending, 1), None
        self._add(3, whole)
        if self._word(k - 1) in ("->", "."):
            return fold(whole, 2), fold(ending, 2), text
        return VARIABLE, ending, text

    def _variable(self, k: int) -> str | None:
        return self.variables[k] if 0 <= k < len(self.variables) else None

    def _compare(self, k: int, *places: int) -> None:
        for name in map(self._variable, places):
            if name is not None:
                self.compared.setdefault(name, k)

    def _reason(self, k: int) -> None:
        text, before = self.words[k], self._word(k - 1)
        if text in COMPARISONS:
            self._compare(k, k - 2, k - 1, k + 1, k + 2)
        elif text == "!":
            self._compare(k, k + 1)
        elif text == "if" and self._word(k + 3) == ")":
            self._compare(k, k + 2)
        elif text == "[":
            self.measures["indices"] += 1
            self._index(k)
        elif text == "*" and k and before in BEGINNINGS and self._variable(k + 1):
            self._dereference(self.variables[k + 1], 1)
        elif text == "->" and self._variable(k - 1):
            self._dereference(self.variables[k - 1], 2)
        elif text == "(" and k and self._is_called(k - 1):
            self._call(k)

    def _is_called(self, k: int) -> bool:
        return self.tokens[k].kind is Kind.WORD and self.words[k] not in KEYWORDS and not self._variable(k)

    def _dereference(self, variable: str | None, how: int) -> None:
        self.measures["dereferences"] += 1
        self._add(13, fold(how, int(variable in self.compared)))

    def _expression(self, begin: int, end: int) -> tuple[int, int, int]:
        """Shape, ending of the last variable, state."""
        shape = sum({SHAPES.get(word, 0) for word in self.words[begin:end]} - {0})
        places = [k for k in range(begin, end) if self.variables[k]]
        state = max((2 if self.variables[k] in self.compared else 1 for k in places), default=0)
        return shape, self.endings[places[-1]] if places else 0, state

    def _index(self, k: int) -> None:
        end, depth = k + 1, 1
        while end < min(len(self.words), k + 16):
            depth += (self.words[end] == "[") - (self.words[end] == "]")
            if not depth:
                break
            end += 1
        shape, ending, state = self._expression(k + 1, end)
        self._add(10, fold(10, shape, state))
        if state:
            self._add(11, fold(11, ending, shape, state))

    def _call(self, k: int) -> None:
        name, ending = self.named[k - 1], self.endings[k - 1]
        bounds, depth, end = [k], 0, k
        for end in range(k, min(len(self.words), k + 120) + 1):
            if end == min(len(self.words), k + 120):
                break
            depth += (self.words[end] == "(") - (self.words[end] == ")")
            if not depth or (self.words[end] == "," and depth == 1):
                bounds.append(end)
            if not depth:
                break
        for number, (begin, stop) in enumerate(pairwise(bounds)):
            shape, last, state = self._expression(begin + 1, stop)
            self._add(7, fold(12, name, number, shape, state))
            self._add(9, fold(13, ending, number, shape, state))
            if state:
                self._add(8, fold(14, ending, number, last))
        if self._word(k - 2) == "=" and (variable := self._variable(k - 3)):
            looked_at = int(any(self._is_looked_at(place, variable) for place in range(end, end + 16)))
            self._add(12, fold(15, name, looked_at))
            self._add(12, fold(16, ending, looked_at))

    def _is_looked_at(self, k: int, variable: str) -> bool:
        if self._variable(k) != variable:
            return False
        return (
            self._word(k - 1) == "!"
            or self._word(k + 1) in COMPARISONS
            or (self._word(k - 1) == "(" and self._word(k - 2) == "if")
        )


def lines_with_tokens(text: str, words: list[str]) -> int:
    """Lines on which a token begins."""
    return len(set(token_lines(text, words)))


def token_lines(text: str, words: list[str]) -> list[int]:
    """The line of each token, from 0, found by looking for the tokens one after another outside comments."""
    letters = text.encode().decode("latin-1")  # one a byte, as the lexer has them
    spaced = re.sub(r"//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)", lambda match: re.sub(r"[^\n]", " ", match[0]), letters)
    lines, position = [], 0
    for word in words:
        position = spaced.index(word, position)
        lines.append(spaced.count("\n", 0, position))
        position += len(word)
    return lines
