"""Which lines of two functions correspond.

Lines are compared as tokens, comments aside. They are aligned in order so that most tokens find a partner: a line
with the same tokens counts in full, one with the same shape (names and literals blanked) nearly, one that shares at
least half of its words by what it shares. Lines between two such pairs go together where their shapes are alike. A
line that finds no partner in order may have moved: it goes with the first free line of the same tokens or shape
elsewhere, unless that is short.
"""

import re
import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, pairwise
from typing import Any, Literal, NamedTuple

from codewren.core.errors import InputError
from codewren.syntax.grammars import LANGUAGES, check_nesting, syntax_root
from codewren.syntax.lexers import lexer
from codewren.syntax.literals import literals

Relation = Literal["exact", "renamed", "edited"]
_WORTH: dict[Relation, float] = {"exact": 1.0, "renamed": 0.9, "edited": 0.8}  # of edited, times the shared part
_LEAST_SHARED = 0.5  # of the words of an edited line
_LEAST_ALIKE = 0.6  # of the tokens of two shapes
_FEWEST_TOKENS = 4  # of a line that has moved, and of a renamed one
_MOST_CELLS = 250_000  # pairs of lines; above, only lines of equal tokens are aligned
_PYTHON = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]", re.MULTILINE)
_WORD = re.compile(rb"[\w$\"'`\x80-\xff]")


@dataclass(frozen=True, slots=True)
class LineRange:
    """Lines of one text and the lines of another that they correspond to, one by one.

    Attributes:
        first: line of the first text that the range begins with, counted from 1.
        second: line of the second text that the range begins with.
        lines: number of lines.
        relation: exact (same tokens), renamed (same shape) or edited (at least half of the words).
    """

    first: int
    second: int
    lines: int
    relation: Relation

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"first": self.first, "second": self.second, "lines": self.lines, "relation": self.relation}


class _Line(NamedTuple):
    number: int
    text: bytes
    shape: bytes
    size: int
    words: "Counter[bytes]"


class _Match(NamedTuple):
    first: int
    second: int
    relation: Relation


def corresponding_lines(first: str, second: str, language: str = "") -> tuple[LineRange, ...]:
    r"""Ranges of lines that correspond, in the order of the first text; without a language it is guessed.

    >>> corresponding_lines("f(a, b);\nreturn a;", "// new\nf(a, b);\nreturn a;", "c")
    (LineRange(first=1, second=2, lines=2, relation='exact'),)

    Raises:
        InputError: the language is unknown.
    """
    if language and language not in LANGUAGES:
        raise InputError(f"language {language!r} is none of {', '.join(sorted(LANGUAGES))}")
    ours, theirs = (_lines(text, language or _guessed(text)) for text in (first, second))
    matches = _aligned(ours, theirs) if len(ours) * len(theirs) <= _MOST_CELLS else _equal(ours, theirs)
    matches += _between(ours, theirs, matches)
    return tuple(_ranges(sorted([*matches, *_moved(ours, theirs, matches)])))


def range_rows(ranges: Sequence[LineRange]) -> list[str]:
    """What corresponds, for people.

    >>> range_rows([LineRange(1, 4, 3, "renamed"), LineRange(5, 7, 1, "exact")])
    ['lines 1-3 = 4-6 renamed', 'line 5 = 7 exact']
    """
    return [
        f"line {one.first} = {one.second} {one.relation}"
        if one.lines == 1
        else f"lines {one.first}-{one.first + one.lines - 1} = {one.second}-{one.second + one.lines - 1} {one.relation}"
        for one in ranges
    ]


def _guessed(text: str) -> str:
    return "python" if _PYTHON.search(text) else "cpp"


def _lines(text: str, language: str) -> list[_Line]:
    """The lines that hold tokens."""
    source = text.encode("utf-8", "surrogatepass")
    ends = list(accumulate(len(line) + 1 for line in source.split(b"\n")))
    spans = [(start, end - 1) for start, end in pairwise([0, *ends])]
    cut = lexer(language).texts_and_shapes(source, spans, _marks(source, spans, language))
    return [
        _Line(number, tokens, shape, tokens.count(b"\0") + 1, Counter(filter(_WORD.match, tokens.split(b"\0"))))
        for number, (tokens, shape) in enumerate(cut, 1)
        if tokens
    ]


def _marks(source: bytes, spans: Sequence[tuple[int, int]], language: str) -> "array[int]":
    """Comments and literals, those of several lines cut at the ends of lines."""
    try:
        check_nesting(source, language)
        marks = literals(syntax_root(source, language), language)
    except InputError:  # no ordinary source text: its lines are compared as they are
        return array("I")
    pieces = array("I")
    for start, end, kind in zip(marks[::3], marks[1::3], marks[2::3], strict=True):
        for line_start, line_end in spans if source.find(b"\n", start, end) >= 0 else ((start, end),):
            if max(start, line_start) < min(end, line_end):
                pieces.extend((max(start, line_start), min(end, line_end), kind))
    return pieces


def _relation(a: _Line, b: _Line, shared: int) -> tuple[Relation, float] | None:
    """How two lines relate, and what it is worth to align them, in tokens."""
    size = min(a.size, b.size)
    if a.text == b.text:
        return "exact", _WORTH["exact"] * size
    if a.shape == b.shape and size >= _FEWEST_TOKENS:
        return "renamed", _WORTH["renamed"] * size
    share = shared / max(a.words.total(), b.words.total(), 1)
    return ("edited", _WORTH["edited"] * size * share) if share >= _LEAST_SHARED else None


def _shared_words(ours: Sequence[_Line], theirs: Sequence[_Line]) -> dict[tuple[int, int], int]:
    """Words that pairs of lines have in common, as bags."""
    index: defaultdict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for j, line in enumerate(theirs):
        for word, count in line.words.items():
            index[word].append((j, count))
    shared: defaultdict[tuple[int, int], int] = defaultdict(int)
    for i, line in enumerate(ours):
        for word, count in line.words.items():
            for j, other in index[word]:
                shared[i, j] += min(count, other)
    return shared


def _aligned(ours: Sequence[_Line], theirs: Sequence[_Line]) -> list[_Match]:
    """The alignment in order that is worth most. Source: Needleman and Wunsch, J. Mol. Biol. 48 (1970)."""
    shared = _shared_words(ours, theirs)
    relations: dict[tuple[int, int], tuple[Relation, float]] = {}
    for i, a in enumerate(ours):
        for j, b in enumerate(theirs):
            if (i, j) in shared or a.shape == b.shape:
                relation = _relation(a, b, shared.get((i, j), 0))
                if relation:
                    relations[i, j] = relation
    best = [[0.0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    for i in reversed(range(len(ours))):
        for j in reversed(range(len(theirs))):
            worth = relations[i, j][1] + best[i + 1][j + 1] if (i, j) in relations else 0.0
            best[i][j] = max(worth, best[i + 1][j], best[i][j + 1])
    matches, i, j = list[_Match](), 0, 0
    while i < len(ours) and j < len(theirs):
        if (i, j) in relations and best[i][j] == relations[i, j][1] + best[i + 1][j + 1]:
            matches.append(_Match(ours[i].number, theirs[j].number, relations[i, j][0]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return matches


def _equal(ours: Sequence[_Line], theirs: Sequence[_Line]) -> list[_Match]:
    first, second = ([line.text for line in lines] for lines in (ours, theirs))
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return [
        _Match(ours[block.a + k].number, theirs[block.b + k].number, "exact")
        for block in blocks
        for k in range(block.size)
    ]


def _between(ours: Sequence[_Line], theirs: Sequence[_Line], matches: Sequence[_Match]) -> Iterator[_Match]:
    """Equally many lines left between two matches of neighbours, where their shapes are alike."""
    around = [(0, 0), *((match.first, match.second) for match in matches), (sys.maxsize, sys.maxsize)]
    for (first, second), (next_first, next_second) in pairwise(around):
        left = [line for line in ours if first < line.number < next_first]
        right = [line for line in theirs if second < line.number < next_second]
        if len(left) == len(right):
            for a, b in zip(left, right, strict=True):
                shapes = [Counter(line.shape.split(b"\0")) for line in (a, b)]
                shared = (shapes[0] & shapes[1]).total() / max(shape.total() for shape in shapes)
                if min(a.size, b.size) >= _FEWEST_TOKENS and shared >= _LEAST_ALIKE:
                    yield _Match(a.number, b.number, "edited")


def _moved(ours: Sequence[_Line], theirs: Sequence[_Line], matches: Sequence[_Match]) -> Iterator[_Match]:
    """Lines without a partner in order that have one elsewhere."""
    ours_taken, theirs_taken = {match.first for match in matches}, {match.second for match in matches}
    keys: dict[Relation, str] = {"exact": "text", "renamed": "shape"}
    for relation, key in keys.items():
        free: defaultdict[bytes, list[int]] = defaultdict(list)
        for line in reversed(theirs):
            if line.number not in theirs_taken and line.size >= _FEWEST_TOKENS:
                free[getattr(line, key)].append(line.number)
        for line in ours:
            partners = free.get(getattr(line, key))
            if partners and line.number not in ours_taken:
                partner = partners.pop()
                ours_taken.add(line.number)
                theirs_taken.add(partner)
                yield _Match(line.number, partner, relation)


def _ranges(matches: Sequence[_Match]) -> Iterator[LineRange]:
    """Neighbours of one relation together."""
    start = 0
    for end in range(1, len(matches) + 1):
        first, previous = matches[start], matches[end - 1]
        following = _Match(previous.first + 1, previous.second + 1, previous.relation)
        if end == len(matches) or matches[end] != following:
            yield LineRange(first.first, first.second, end - start, first.relation)
            start = end
