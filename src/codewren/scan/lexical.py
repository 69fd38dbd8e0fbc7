"""Functions that share most of their words, found exactly and without comparing all pairs.

Two functions that share 70 % of their words share one of the rarest 30 % of each: only functions with such a word in
common are compared. Source: Sajnani et al., SourcererCC, ICSE 2016, sections 2.1 and 3.1.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

EDITED_OVERLAP = 0.7  # of words: what SourcererCC calls a clone of type 3
FEWEST_WORDS = 15  # below, shared words are chance

Bag = Sequence[int]
"""Distinct words of a function: each the hash of a word in the upper 24 bits, how often it occurs in the lower 8."""


class _Words(NamedTuple):
    number: int
    total: int
    counts: dict[int, int]


def overlap(first: Bag, second: Bag) -> float:
    """Words that two functions share, as bags, over the number of words of the longer one.

    >>> overlap([0x101, 0x202], [0x202, 0x301])
    0.6666666666666666
    """
    return _shared(_counts(first), _counts(second)) / max(word_count(first), word_count(second), 1)


def overlapping(bags: Sequence[Bag], least: float = EDITED_OVERLAP) -> Iterator[tuple[int, int, float]]:
    """All pairs i < j of bags with at least `FEWEST_WORDS` words that overlap by `least` or more, with the overlap.

    >>> bag = [word << 8 | 5 for word in range(4)]
    >>> list(overlapping([bag, bag[1:], [0x405], bag[:3] + [0x505]]))
    [(0, 1, 0.75), (0, 3, 0.75)]
    """
    totals = [word_count(bag) for bag in bags]
    order = sorted((number for number, total in enumerate(totals) if total >= FEWEST_WORDS), key=totals.__getitem__)
    rarity = Counter(entry >> 8 for number in order for entry in bags[number])
    index: defaultdict[int, list[_Words]] = defaultdict(list)
    for number in order:
        words = _Words(number, totals[number], _counts(bags[number]))
        shortest = math.ceil(least * words.total - 1e-9)
        candidates: dict[int, _Words] = {}
        for word in _prefix(words, rarity, words.total - shortest + 1):
            for other in reversed(index[word]):
                if other.total < shortest:
                    break
                candidates[other.number] = other
            index[word].append(words)
        for other in candidates.values():
            share = _shared(other.counts, words.counts) / words.total
            if share >= least:
                yield min(number, other.number), max(number, other.number), share


def _prefix(words: _Words, rarity: Counter[int], length: int) -> Iterator[int]:
    """The rarest words that together occur `length` times."""
    for word in sorted(words.counts, key=lambda word: (rarity[word], word)):
        if length <= 0:
            return
        yield word
        length -= words.counts[word]


def _counts(bag: Bag) -> dict[int, int]:
    return {entry >> 8: entry & 0xFF for entry in bag}


def word_count(bag: Bag) -> int:
    """Number of words, each as often as it occurs."""
    return sum(entry & 0xFF for entry in bag)


def _shared(first: dict[int, int], second: dict[int, int]) -> int:
    return sum(min(count, second[word]) for word, count in first.items() if word in second)
