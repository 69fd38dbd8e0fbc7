"""Bags of features of many functions at once, as CSR arrays; equal to `features` of each by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from codewren.train.similarity.function_features import (
    NAMED,
    NAMED_SIZES,
    PATTERN,
    PATTERN_SIZES,
    Hashes,
    analyse,
    fold,
    mix,
)
from codewren.train.similarity.source_lexer import lex

Integers = NDArray[np.int64]
CHUNK = 2000
"""Functions read at once, so that memory stays small."""


@dataclass(frozen=True, slots=True)
class Bags:
    """Distinct features of functions with counts: those of function i are at [starts[i], starts[i + 1])."""

    starts: Integers
    hashes: Hashes
    counts: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @classmethod
    def counted(cls, owners: Integers, hashes: Hashes, functions: int) -> Self:
        """Equal features of one function as one feature with a count."""
        order = np.lexsort((hashes, owners))
        owners, hashes = owners[order], hashes[order]
        is_new = np.ones(len(owners), bool)
        is_new[1:] = (owners[1:] != owners[:-1]) | (hashes[1:] != hashes[:-1])
        firsts = np.flatnonzero(is_new)
        counts = np.minimum(np.diff(np.append(firsts, len(owners))), 65535).astype(np.uint16)
        starts = np.concatenate([[0], np.cumsum(np.bincount(owners[firsts], minlength=functions))])
        return cls(starts.astype(np.int64), hashes[firsts], counts)

    @classmethod
    def joined(cls, chunks: "Sequence[Bags]") -> Self:
        """Bags of several chunks, one after the other."""
        lengths = np.concatenate([np.zeros(0, np.int64), *(np.diff(chunk.starts) for chunk in chunks)])
        return cls(
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            np.concatenate([np.zeros(0, np.uint64), *(chunk.hashes for chunk in chunks)]),
            np.concatenate([np.zeros(0, np.uint16), *(chunk.counts for chunk in chunks)]),
        )

    def owners(self) -> Integers:
        """The function of each feature (features,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))


@dataclass(frozen=True, slots=True)
class Features:
    """What training knows of functions: bags of names and of structure, and the symbols of each."""

    names: Bags
    structure: Bags
    sizes: Integers


def features_of(texts: Sequence[str], is_python: Sequence[bool]) -> Features:
    """Features of functions, chunk by chunk."""
    chunks = [
        _chunk(texts[start : start + CHUNK], is_python[start : start + CHUNK]) for start in range(0, len(texts), CHUNK)
    ]
    return Features(
        Bags.joined([chunk.names for chunk in chunks]),
        Bags.joined([chunk.structure for chunk in chunks]),
        np.concatenate([np.zeros(0, np.int64), *(chunk.sizes for chunk in chunks)]),
    )


def _chunk(texts: Sequence[str], is_python: Sequence[bool]) -> Features:
    readings = [analyse(lex(text, python=python)) for text, python in zip(texts, is_python, strict=True)]
    names = np.array([value for hashes, _ in readings for value in hashes], np.uint64)
    name_owners = np.repeat(np.arange(len(texts)), [len(hashes) for hashes, _ in readings])
    sizes = np.array([len(stream) for _, stream in readings], np.int64)
    symbols = np.array([symbol for _, stream in readings for symbol in stream], np.uint64).reshape(-1, 3)
    blanked, named, variables = np.ascontiguousarray(symbols.T)
    owners = np.repeat(np.arange(len(texts)), sizes)
    windows = [_windows(blanked, variables, owners, size=size, feature_class=PATTERN) for size in PATTERN_SIZES]
    windows += [_windows(named, None, owners, size=size, feature_class=NAMED) for size in NAMED_SIZES]
    window_owners, hashes = (np.concatenate(arrays) for arrays in zip(*windows, strict=True))
    structure = Bags.counted(window_owners, hashes.astype(np.uint64), len(texts))
    return Features(Bags.counted(name_owners, names, len(texts)), structure, sizes)


def _windows(
    codes: Hashes, variables: Hashes | None, owners: Integers, *, size: int, feature_class: int
) -> tuple[Integers, Hashes]:
    """Owners and hashes of the windows of `size` symbols that lie within one function."""
    count = max(0, len(codes) - size + 1)
    inside = np.flatnonzero(owners[:count] == owners[size - 1 : size - 1 + count])
    values = np.full(len(inside), mix(feature_class * 256 + size), np.uint64)
    for position in range(size):
        code = codes[inside + position]
        if variables is not None and position:
            code = code ^ _first_positions(variables, inside, position)
        values = fold(values, code)
    return owners[inside], values


def _first_positions(variables: Hashes, starts: Integers, position: int) -> Hashes:
    """One more than the first position in the window that holds the same variable, 0 if none does before."""
    here, first = variables[starts + position], np.zeros(len(starts), np.uint64)
    for earlier in range(position - 1, -1, -1):
        first = np.where((variables[starts + earlier] == here) & (here != 0), np.uint64(earlier + 1), first)
    return first
