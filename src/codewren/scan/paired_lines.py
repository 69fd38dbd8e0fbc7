"""Two functions line beside line, with the tokens that differ.

Lines are matched in three steps: those with the same words, between them those of the same shape (names and numbers
blanked), and between these in order. So a renamed copy stays beside its original where every line differs.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import NamedTuple

CONTEXT = 2  # equal lines around a difference
LONGEST_COMPARED = 400  # lines
LONGEST_LINE = 160  # characters
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_WORD = re.compile(r"\w+")

Key = Callable[[str], str]


class Piece(NamedTuple):
    """A run of characters, and whether the other side lacks it."""

    text: str
    differs: bool


class Row(NamedTuple):
    """Line numbers within each function, from 0, and the lines; a side without a line has None and nothing.

    Attributes:
        left: number of the line on the left.
        right: on the right.
        left_pieces: what it says.
        right_pieces: likewise.
        skipped: of a row without lines, the number of equal lines that it stands for.
    """

    left: int | None
    right: int | None
    left_pieces: tuple[Piece, ...] = ()
    right_pieces: tuple[Piece, ...] = ()
    skipped: int = 0


class Comparison(NamedTuple):
    """The first rows of two functions, and the number of rows that are left out."""

    rows: list[Row]
    left_out: int


def side_by_side(first: Sequence[str], second: Sequence[str], most: int = 2 * LONGEST_COMPARED) -> Comparison:
    """At most so many rows of two functions; long runs of equal lines are one row.

    >>> [(row.left, row.right) for row in side_by_side(["a", "b"], ["a", "x", "b"]).rows]
    [(0, 0), (None, 1), (1, 2)]
    """
    left, right = first[:LONGEST_COMPARED], second[:LONGEST_COMPARED]
    pairs = list(_matched(range(len(left)), range(len(right)), left, right, (_words, _shape)))
    folded = list(_folded(pairs, [_differs(i, j, left, right) for i, j in pairs]))
    rows = [row if isinstance(row, Row) else _row(*row, left, right) for row in folded[:most]]
    return Comparison(rows, max(0, len(folded) - most))


def one_side(lines: Sequence[str], most: int) -> Comparison:
    """At most so many rows of one function alone."""
    rows = [Row(number, None, _whole(line[:LONGEST_LINE])) for number, line in enumerate(lines[:most])]
    return Comparison(rows, max(0, len(lines) - most))


Pair = tuple[int | None, int | None]


def _matched(
    left_numbers: Sequence[int],
    right_numbers: Sequence[int],
    left: Sequence[str],
    right: Sequence[str],
    keys: tuple[Key, ...],
) -> Iterator[Pair]:
    """Pairs of line numbers, matched by the first key, and between those by the next ones."""
    if not keys:
        yield from zip_longest(left_numbers, right_numbers)
        return
    left_keys, right_keys = [keys[0](left[i]) for i in left_numbers], [keys[0](right[j]) for j in right_numbers]
    matcher = SequenceMatcher(None, left_keys, right_keys, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(left_numbers[i:j], right_numbers[k:m], strict=True)
        else:
            yield from _matched(left_numbers[i:j], right_numbers[k:m], left, right, keys[1:])


def _words(line: str) -> str:
    return " ".join(line.split())


def _shape(line: str) -> str:
    return _WORD.sub("w", "".join(line.split()))


def _row(i: int | None, j: int | None, left: Sequence[str], right: Sequence[str]) -> Row:
    first = left[i][:LONGEST_LINE] if i is not None else ""
    second = right[j][:LONGEST_LINE] if j is not None else ""
    if i is None or j is None:
        return Row(i, j, _whole(first, differs=True), _whole(second, differs=True))
    if not _differs(i, j, left, right):
        return Row(i, j, _whole(first), _whole(second))
    return Row(i, j, *_marked(_TOKEN.findall(first), _TOKEN.findall(second)))


def _whole(text: str, *, differs: bool = False) -> tuple[Piece, ...]:
    return (Piece(text, differs),) if text else ()


def _marked(first: Sequence[str], second: Sequence[str]) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both lines cut where they begin and cease to differ; white space differs from none."""
    keys = [[" " if token.isspace() else token for token in tokens] for tokens in (first, second)]
    left, right = list[Piece](), list[Piece]()
    for tag, i, j, k, m in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        left += _whole("".join(first[i:j]), differs=tag != "equal")
        right += _whole("".join(second[k:m]), differs=tag != "equal")
    return tuple(left), tuple(right)


def _folded(pairs: Sequence[Pair], differing: Sequence[bool]) -> Iterator[Pair | Row]:
    """Pairs with each long run of equal ones cut to its ends, and a row for what was cut."""
    marks = [number for number, differs in enumerate(differing) if differs]
    near = {number + step for number in marks for step in range(-CONTEXT, CONTEXT + 1)}
    skipped = 0
    for number, pair in enumerate(pairs):
        if number in near or not marks:
            if skipped:
                yield Row(None, None, skipped=skipped)
            skipped = 0
            yield pair
        else:
            skipped += 1
    if skipped:
        yield Row(None, None, skipped=skipped)


def _differs(i: int | None, j: int | None, left: Sequence[str], right: Sequence[str]) -> bool:
    return i is None or j is None or _words(left[i]) != _words(right[j])
