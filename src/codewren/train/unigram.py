"""Unigram vocabularies that are equal in every process, by expectation maximisation over the distinct words.

The library's trainer walks its words in hash order, so that sums differ in their last digits and pieces in their order.
Source: Kudo 2018, section 3.2; digamma as in SentencePiece. Substrings are counted as often as their words occur.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

LONGEST_PIECE = 16
_LONGEST_WORD = 32  # longer ones are cut: with `_LEAST` for each character the product stays above the smallest float64
_LEAST = 1e-9
_SEEDS = 20
"""Pieces at the start, for each entry of the vocabulary; SentencePiece starts with a million."""
_STEPS, _KEPT, _SURPLUS = (
    2,
    0.75,
    1.1,
)  # EM steps before each pruning, what it keeps, and when it stops, as SentencePiece
_RARE = 0.5  # pieces expected less often are dropped, as SentencePiece does


@dataclass(frozen=True, slots=True)
class _Lattice:
    """Edges of all segmentations of all words, nodes numbered word by word.

    `first` and `last` are nodes, `piece` ids, all [edges]; edges are sorted by the position in the word where they end.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    piece: NDArray[np.int64]
    position: NDArray[np.int64]
    begins: NDArray[np.int64]
    """The node before each word, [words]."""
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, words: Sequence[str], ids: dict[str, int]) -> "_Lattice":
        edges: list[tuple[int, int, int, int]] = []
        lengths = np.array([len(word) for word in words], np.int64)
        ends = np.cumsum(lengths + 1) - 1
        begins = ends - lengths
        for node, word in zip(begins.tolist(), words, strict=True):
            for left in range(len(word)):
                for right in range(left + 1, min(len(word), left + LONGEST_PIECE) + 1):
                    piece = ids.get(word[left:right])
                    if piece is not None:
                        edges.append((node + left, node + right, piece, right))
        table = np.array(edges, np.int64).reshape(-1, 4)
        first, last, piece, position = table[np.argsort(table[:, 3], kind="stable")].T.copy()
        return cls(first, last, piece, position, begins, ends)

    def where(self, kept: NDArray[np.bool_]) -> "_Lattice":
        """The same words with fewer edges."""
        edges = (self.first[kept], self.last[kept], self.piece[kept], self.position[kept])
        return _Lattice(*edges, self.begins, self.ends)

    def forward(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of all that lies before each node, from that of each edge."""
        sums = np.zeros(self.ends[-1] + 1)
        sums[self.begins] = 1
        for edges in self._layers():
            np.add.at(sums, self.last[edges], sums[self.first[edges]] * weight[edges])
        return sums

    def expected(self, probability: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """How often each piece is expected, [pieces], where word `i` occurs `counts[i]` times."""
        weight = probability[self.piece]
        before = self.forward(weight)
        after = np.zeros_like(before)
        after[self.ends] = counts / before[self.ends]
        for edges in reversed(self._layers()):
            np.add.at(after, self.first[edges], after[self.last[edges]] * weight[edges])
        mass = before[self.first] * weight * after[self.last]
        return np.bincount(self.piece, mass, minlength=len(probability)).astype(np.float64)

    def _layers(self) -> list[slice]:
        bounds = np.searchsorted(self.position, np.arange(1, _LONGEST_WORD + 2)).tolist()
        return [slice(low, high) for low, high in pairwise(bounds) if low < high]


def train_unigram(words: Counter[str], size: int, forbidden: Collection[str]) -> list[tuple[str, float]]:
    """Pieces with the logarithms of their probabilities: the most probable first, equal ones by their text.

    Args:
        words: how often each word occurs, the marker of a space included.
        size: most pieces; every character is one, even where that makes more.
        forbidden: what no piece may be.
    """
    parts: Counter[str] = Counter()
    for word in sorted(words):
        for left in range(0, len(word), _LONGEST_WORD):
            parts[word[left : left + _LONGEST_WORD]] += words[word]
    pieces, expected = _seeds(parts, _SEEDS * size, forbidden)
    if not pieces:
        return []
    ids = {piece: index for index, piece in enumerate(pieces)}
    single = np.array([len(piece) == 1 for piece in pieces])
    counts = np.array(list(parts.values()), np.float64)
    lattice, others = _Lattice.of(list(parts), ids), _Lattice.of(pieces, ids)
    others = others.where(others.piece != np.searchsorted(others.ends, others.last))  # a piece without itself
    target = max(int(_SURPLUS * size), int(single.sum()))
    while True:
        for _ in range(_STEPS):
            alive = single | (expected >= _RARE)
            lattice = lattice.where(alive[lattice.piece])
            probability = _probabilities(expected, alive)
            expected = lattice.expected(probability, counts)
        alive = single | (expected >= _RARE)
        if alive.sum() <= target:
            break
        others = others.where(alive[others.piece])
        without = others.forward(probability[others.piece])[others.ends]
        with np.errstate(divide="ignore", invalid="ignore"):
            loss = expected * (np.log(probability) - np.log(without))
        loss = np.where(single, np.inf, np.where(alive, loss, -np.inf))
        keep = max(target, int(_KEPT * alive.sum()))
        expected[np.argsort(-loss, kind="stable")[keep:]] = 0
    scores = np.log(_probabilities(expected, alive), where=alive, out=np.full(len(pieces), -np.inf)).round(6).tolist()
    order = sorted(np.flatnonzero(alive).tolist(), key=lambda index: (not single[index], -scores[index], pieces[index]))
    best = [(pieces[index], scores[index]) for index in order[: max(size, int(single.sum()))]]
    return sorted(best, key=lambda item: (-item[1], item[0]))


def _seeds(words: Counter[str], most: int, forbidden: Collection[str]) -> tuple[list[str], NDArray[np.float64]]:
    """All characters, then the substrings that cover most text; with how often each occurs."""
    found: Counter[str] = Counter()
    places = [(word, count, left) for word, count in words.items() for left in range(len(word))]
    for length in range(1, LONGEST_PIECE + 1):
        for word, count, left in places:
            found[word[left : left + length]] += count
        places = [
            (word, count, left)
            for word, count, left in places
            if left + length < len(word) and found[word[left : left + length]] > 1
        ]
    characters = sorted(piece for piece in found if len(piece) == 1)
    longer = [(-count * len(piece), piece) for piece, count in found.items() if len(piece) > 1 and count > 1]
    seeds = characters + [piece for _, piece in sorted(longer)[:most] if piece not in forbidden]
    return seeds, np.array([found[piece] for piece in seeds], np.float64)


def _probabilities(expected: NDArray[np.float64], alive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The M step with a sparse prior: exp(digamma(expected)) over that of the sum, zero for what is dropped."""
    total = _digamma(np.array([expected[alive].sum()]))[0]
    probability = np.exp(_digamma(np.maximum(expected, _RARE)) - total)
    return np.where(alive, np.maximum(probability, _LEAST), 0.0)


def _digamma(x: NDArray[np.float64]) -> NDArray[np.float64]:
    shift = sum(1 / (x + step) for step in range(6))
    y = x + 6
    return np.log(y) - 1 / (2 * y) - 1 / (12 * y**2) + 1 / (120 * y**4) - 1 / (252 * y**6) - shift
