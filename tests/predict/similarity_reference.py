"""The similarity encoder in plain Python: slow, and the measure of `native/similarity`.

Text to features is `codewren.train.similarity`, which training shares; features to an int8 vector is here.
"""

import math
from dataclasses import dataclass

import numpy as np

from codewren.train.similarity.function_features import features, mix

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
