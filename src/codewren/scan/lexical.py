"""Functions that share most of their words, found exactly and without comparing all pairs.

Two functions that share 70 % of their words share one of the rarest 30 % of each: only functions with such a word in
common are compared. Source: Sajnani et al., SourcererCC, ICSE 2016, sections 2.1 and 3.1.

Thousands of generated functions of one shape are all pairs of each other, and no list of pairs is short enough for
them. But functions whose commonest 70 % of words are the same share those, each with each: a family, told by one hash.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain

from codewren._native import WordBags

EDITED_OVERLAP = 0.7  # of words: what SourcererCC calls a clone of type 3
FEWEST_WORDS = 15  # below, shared words are chance
PAIR_LIMIT = 500_000  # a few hundred bytes each once they are Python's

Bag = Sequence[int]
"""Distinct words of a function: each the hash of a word in the upper 24 bits, how often it occurs in the lower 8."""


def overlap(first: Bag, second: Bag) -> float:
    """Words that two functions share, as bags, over the number of words of the longer one.

    >>> overlap([0x101, 0x202], [0x202, 0x301])
    0.6666666666666666
    """
    return next(overlaps([first, second], [(0, 1)]))


def overlaps(bags: Sequence[Bag], pairs: Sequence[tuple[int, int]]) -> Iterator[float]:
    """The overlap of each of some pairs of bags.

    >>> list(overlaps([[0x101, 0x202], [0x202, 0x301], [0x301]], [(0, 1), (0, 2)]))
    [0.6666666666666666, 0.0]
    """
    packed = _word_bags(bags).overlaps(list(chain.from_iterable(pairs)))
    return (share for *_, share in _shares(packed))


def overlapping(
    bags: Sequence[Bag], least: float = EDITED_OVERLAP, *, limit: int = PAIR_LIMIT
) -> Iterator[tuple[int, int, float]]:
    """All pairs i < j of bags with at least `FEWEST_WORDS` words that overlap by `least` or more, with the overlap.

    Raises:
        OverflowError: more than `limit` pairs.

    >>> bag = [word << 8 | 5 for word in range(4)]
    >>> sorted(overlapping([bag, bag[1:], [0x405], bag[:3] + [0x505]]))
    [(0, 1, 0.75), (0, 3, 0.75)]
    """
    return _shares(_word_bags(bags).overlapping(least, FEWEST_WORDS, limit))


def families(bags: Sequence[Bag], fewest: int) -> list[list[int]]:
    """Groups of at least `fewest` bags, any two of which overlap by `EDITED_OVERLAP` or more; not all such groups.

    >>> common = [word << 8 | 5 for word in range(3)]
    >>> families([common + [0x501], common + [0x601], [0x901], common + [0x702]], 2)
    [[0, 1, 3]]
    """
    groups: dict[int, list[int]] = {}
    for number, name in enumerate(array("Q", _word_bags(bags).commonest(EDITED_OVERLAP, FEWEST_WORDS))):
        if name:
            groups.setdefault(name, []).append(number)
    return [numbers for numbers in groups.values() if len(numbers) >= fewest]


def word_count(bag: Bag) -> int:
    """Number of words, each as often as it occurs."""
    return sum(entry & 0xFF for entry in bag)


def _word_bags(bags: Sequence[Bag]) -> WordBags:
    return WordBags(array("I", chain.from_iterable(bags)), list(accumulate(map(len, bags))))


def _shares(packed: bytes) -> Iterator[tuple[int, int, float]]:
    numbers = iter(array("i", packed))
    for first, second, shared, longer in zip(numbers, numbers, numbers, numbers, strict=True):
        yield first, second, shared / max(longer, 1)
