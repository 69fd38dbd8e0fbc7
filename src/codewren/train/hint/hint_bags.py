"""Features of functions as the runtime reads them, and as the rows of a sparse matrix.

Shape key: F functions, E entries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from codewren import _native
from codewren.bundle.hint import MEASURES, covariates
from codewren.train.similarity.feature_bags import Bags

CLASS_MASK = np.uint64(31)
PAIR_CLASSES = np.array([5, 6], np.uint64)
"""Classes of the features that two neighbours make."""

CHUNK = 2000
"""Functions read at once, so that memory stays small."""

DAMPED = np.array([0.0] + [round(16 * (1 + float(np.log(count)))) for count in range(1, 65)])
"""What a feature counts by how often it occurs in the function, 64 times at most: the runtime's own table."""

Matrix = Any  # scipy.sparse.csr_matrix, which has no annotations
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HintBags:
    """Distinct features of functions with counts, and the counts of the functions (F, measures)."""

    bags: Bags
    measures: NDArray[np.uint32]

    @classmethod
    def of(cls, texts: Sequence[str]) -> "HintBags":
        """Read the features of functions."""
        bags, measures = [], [np.zeros((0, len(MEASURES)), np.uint32)]
        for start in range(0, len(texts), CHUNK):
            sizes, hashes, counts, measured = _native.hint_features(list(texts[start : start + CHUNK]))
            starts = np.concatenate([[0], np.cumsum(np.frombuffer(sizes, np.uint32))]).astype(np.int64)
            counted = np.minimum(np.frombuffer(counts, np.uint32), 65535).astype(np.uint16)
            bags.append(Bags(starts, np.frombuffer(hashes, np.uint64), counted))
            measures.append(np.frombuffer(measured, np.uint32).reshape(-1, len(MEASURES)))
        return cls(Bags.joined(bags), np.concatenate(measures))

    def covariates(self) -> Floats:
        """What calibrations go through beside the heads (F, covariates)."""
        return np.array([covariates(row) for row in self.measures.tolist()], np.float64).reshape(len(self.measures), -1)


def frequent_features(
    bags: Bags, functions: NDArray[np.bool_], *, entries: int, least: int, order: int = 2
) -> NDArray[np.uint64]:
    """The features that most of some functions have; of those with one fingerprint, the more frequent (E,).

    Of order 1 are those that are not made of two neighbours.
    """
    hashes, counts = np.unique(bags.hashes[functions[bags.owners()]], return_counts=True)
    is_kept = counts >= least
    if order == 1:
        is_kept &= ~np.isin(hashes & CLASS_MASK, PAIR_CLASSES)
    hashes, counts = hashes[is_kept], counts[is_kept]
    hashes = hashes[np.argsort(-counts, kind="stable")]
    fingerprints = fingerprints_of(hashes)
    return np.asarray(hashes[np.sort(np.unique(fingerprints, return_index=True)[1])][:entries])


def fingerprints_of(hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """What a bundle tells features by."""
    return (hashes >> np.uint64(32)).astype(np.uint32)


def normalised(bags: Bags, entries: NDArray[np.uint64]) -> Matrix:
    """Damped counts of the entries over the root of their squares, as the runtime divides (F, E)."""
    order = np.argsort(fingerprints_of(entries), kind="stable")
    known, fingerprints = fingerprints_of(entries)[order], fingerprints_of(bags.hashes)
    at = np.minimum(np.searchsorted(known, fingerprints), len(known) - 1)
    is_known = known[at] == fingerprints
    values = DAMPED[np.minimum(bags.counts[is_known], 64)]
    places = (bags.owners()[is_known], order[at[is_known]])
    matrix = sparse.csr_matrix((values, places), shape=(len(bags), len(entries)), dtype=np.float32)
    roots = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return (sparse.diags((1 / np.maximum(roots, 1)).astype(np.float32)) @ matrix).tocsr()
