"""The features that have an entry: their weights for the sketches, their rows for the dense vectors."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from codewren.train.similarity.feature_bags import Bags, Integers
from codewren.train.similarity.function_features import Hashes

Floats = NDArray[np.float32]

TERM_WEIGHTS = np.array([0] + [round(16 * (1 + math.log(count))) for count in range(1, 65)])
"""Weight of a feature by how often it occurs in the function, 64 times at most: the runtime's own table."""

LEAST_FUNCTIONS = 2
"""A feature of fewer functions gets no entry."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Entries by falling document frequency; the first ones have rows too.

    Attributes:
        hashes: the features (entries,).
        weights: 16 times the inverse document frequency (entries,).
        unknown: weight of every other feature.
    """

    hashes: Hashes
    weights: NDArray[np.uint8]
    unknown: int

    @classmethod
    def of(cls, bags: Bags, entries: int, *, functions: int) -> Self:
        """What most of the first so many functions have; of features with the same fingerprint, the more frequent."""
        hashes, counts = np.unique(bags.hashes[: bags.starts[functions]], return_counts=True)
        hashes, counts = hashes[counts >= LEAST_FUNCTIONS], counts[counts >= LEAST_FUNCTIONS]
        order = np.argsort(-counts, kind="stable")
        fingerprints = (hashes[order] >> np.uint64(32)).astype(np.uint32)
        order = order[np.sort(np.unique(fingerprints, return_index=True)[1])][:entries]
        total = functions + 1
        weights = np.clip(np.rint(16 * np.log(total / (counts[order] + 1))), 1, 255).astype(np.uint8)
        return cls(hashes[order], weights, min(255, max(1, round(16 * math.log(total / 3)))))

    @property
    def fingerprints(self) -> NDArray[np.uint32]:
        """What a bundle tells a feature by (entries,)."""
        return (self.hashes >> np.uint64(32)).astype(np.uint32)


def entries_of(hashes: Hashes, known: Hashes) -> Integers:
    """Index of each hash in `known`, or -1."""
    if not len(known):
        return np.full(len(hashes), -1, np.int64)
    order = np.argsort(known)
    at = np.minimum(np.searchsorted(known[order], hashes), len(known) - 1)
    return np.where(known[order][at] == hashes, order[at], -1).astype(np.int64)


def sketches(bags: Bags, vocabulary: Vocabulary, width: int) -> Floats:
    """Signed sketches of the weighted features, of length 1 (functions, width)."""
    if not width:
        return np.zeros((len(bags), 0), np.float32)
    bits, owners = width.bit_length(), bags.owners()
    entries = entries_of(bags.hashes, vocabulary.hashes)
    weights = np.append(vocabulary.weights, vocabulary.unknown)[entries].astype(np.float64)
    amounts = weights * TERM_WEIGHTS[np.minimum(bags.counts, 64)]
    bit_fields, sums = _mixed(bags.hashes), np.zeros(len(bags) * width)
    for _ in range(64 // bits):
        columns = (bit_fields & np.uint64(width - 1)).astype(np.int64)
        signs = 1.0 - 2.0 * ((bit_fields >> np.uint64(bits - 1)) & np.uint64(1)).astype(np.float64)
        sums += np.bincount(owners * width + columns, weights=amounts * signs, minlength=len(sums))
        bit_fields = bit_fields >> np.uint64(bits)
    vectors = sums.reshape(len(bags), width)
    return np.asarray(vectors / np.maximum(1e-9, np.linalg.norm(vectors, axis=1, keepdims=True)), np.float32)


def _mixed(values: Hashes) -> Hashes:
    """The finaliser of splitmix64, on arrays."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class RowBags:
    """The features that have rows: those of function i are at [starts[i], starts[i + 1])."""

    starts: Integers
    rows: Integers
    weights: Floats

    @classmethod
    def of(cls, bags: Bags, known: Hashes) -> Self:
        """Those of `bags` that are in `known`."""
        entries = entries_of(bags.hashes, known)
        is_known = entries >= 0
        lengths = np.bincount(bags.owners()[is_known], minlength=len(bags))
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        weights = TERM_WEIGHTS[np.minimum(bags.counts[is_known], 64)] / 16
        return cls(starts, entries[is_known], weights.astype(np.float32))

    def take(self, functions: Integers) -> tuple[Integers, Floats, Integers]:
        """Rows, weights and offsets of some functions, as an embedding bag wants them."""
        lengths = self.starts[functions + 1] - self.starts[functions]
        offsets = np.cumsum(lengths) - lengths
        index = np.repeat(self.starts[functions] - offsets, lengths) + np.arange(lengths.sum())
        return self.rows[index], self.weights[index], offsets
