"""Predict clones with a similarity encoder: one int8 vector a function, a dot product a pair."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from codewren import _native
from codewren.bundle.similarity import SQUARE, SimilarityBundle, SimilarityConfig
from codewren.core.errors import InputError
from codewren.predict.base_predictor import BasePredictor
from codewren.predict.checked_items import (
    PAIR_LIMIT,
    Damage,
    Items,
    Languages,
    checked_items,
    foreign_vectors,
    languages_of,
    too_many_above,
)
from codewren.predict.correspondence import LineRange, corresponding_lines

if TYPE_CHECKING:
    from codewren.predict.checked_items import Vectors

_LEAST_PRODUCT = -(1 << 31)  # no dot product is smaller


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A vector that is like a query: its index, the cosine of the angle between them, the probability of a clone."""

    index: int
    similarity: float
    probability: float


class SimilarityPredictor(BasePredictor[SimilarityBundle]):
    """An encoder ready to compare functions; it answers as `Predictor` does, by the calibration in use.

    Languages are optional: without one, a text is read as Python if a line of it begins as a
    Python function does, and as a language with braces otherwise. Results are whole-number arithmetic, equal on every
    processor.
    """

    def __init__(self, bundle: SimilarityBundle, *, threads: int | None = None, target: str = "") -> None:
        """Make a predictor of a bundle that has been read.

        `target` names an instruction set of `codewren._native.similarity_targets()`; by default the best one is used.

        Raises:
            BundleError: a fingerprint is there twice.
        """
        super().__init__(bundle, threads=threads, target=target)
        self._encoder = _native_encoder(bundle, target)

    def __repr__(self) -> str:
        """Which bundle, with which idea of a clone."""
        return f"<SimilarityPredictor {self.path.name}@{self.bundle.calibration_name}>"

    @property
    def config(self) -> SimilarityConfig:
        """Sizes of the encoder."""
        return self.bundle.config

    @property
    def target(self) -> str:
        """The instruction set in use."""
        return str(self._encoder.target)

    @property
    def vector_bytes(self) -> int:
        """Bytes of the vector that `encode` makes of a function."""
        return self.config.vector_bytes

    def predict_proba(self, items: Items, *, languages: Languages = None) -> list[list[float]]:
        """Probabilities, one row an item, columns in the order of `task.labels`.

        Raises:
            InputError: an item is no pair of strings.
        """
        calibration = self.bundle.calibration
        clones = (calibration.probability(product) for product in self._products(items, languages))
        return [self._columns(1 - clone, clone) for clone in clones]

    def logits(self, items: Items, *, languages: Languages = None) -> list[list[float]]:
        """Log odds of the positive label in its column, 0 in the other, one row an item.

        Raises:
            InputError: an item is no pair of strings.
        """
        calibration = self.bundle.calibration
        return [self._columns(0.0, calibration.log_odds(product)) for product in self._products(items, languages)]

    def encode(self, functions: Sequence[str], *, languages: Languages = None) -> "memoryview[int]":
        """Vectors, int8 of shape (functions, vector_bytes); `languages` names one for each function.

        Raises:
            InputError: not a list of strings.
        """
        texts = [text for (text,) in checked_items(functions, None)]
        packed = memoryview(self._encode(texts, languages_of(languages, len(texts), 1)))
        return packed.cast("b", (len(texts), self.vector_bytes)) if texts else packed.cast("b")

    def correspondence(self, first: str, second: str, *, language: str = "") -> tuple[LineRange, ...]:
        """Which lines of a pair correspond; without a language it is guessed.

        Raises:
            InputError: the language is unknown.
        """
        return corresponding_lines(first, second, language or self.task.language or "")

    def pairs_above(
        self, vectors: "Vectors", threshold: float | None = None, *, limit: int = PAIR_LIMIT
    ) -> list[tuple[int, int, float]]:
        """All pairs i < j of `encode`d functions whose clone probability exceeds the threshold, sorted by (i, j).

        `threshold` defaults to that of the calibration in use.

        Raises:
            InputError: vectors of another model.
            TooManyPairsError: more than `limit` pairs.
        """
        calibration = self.bundle.calibration
        wanted = calibration.threshold if threshold is None else threshold
        least = calibration.least_product(wanted)
        with too_many_above(wanted, limit), foreign_vectors():
            packed = self._encoder.pairs_above(_flat(vectors), least, limit, self.threads)
        probability = cache(calibration.probability)
        return [(first, second, probability(product)) for first, second, product in _triples(packed)]

    def neighbours(
        self,
        queries: "Vectors",
        vectors: "Vectors",
        k: int,
        *,
        wanted: "Vectors" = b"",
        threshold: float | None = None,
    ) -> list[list[Neighbour]]:
        """The `k` vectors most like each query: best first, equal ones by index.

        A query that is among the vectors finds itself too. `vectors` are read where they lie, for one in a mapped file.

        Args:
            queries: as `encode` makes them.
            vectors: as `encode` makes them.
            k: how many at most.
            wanted: one byte a vector, 0 for those to pass over; empty for none.
            threshold: probability that a neighbour exceeds; None for no limit.

        Raises:
            InputError: vectors of another model, `wanted` of another length, or `k` below 1.
        """
        if k < 1:
            raise InputError(f"k is {k}; ask for 1 neighbour or more")
        calibration = self.bundle.calibration
        least = _LEAST_PRODUCT if threshold is None else calibration.least_product(threshold)
        most = min(
            k, 1 + len(_flat(vectors)) // self.vector_bytes
        )  # more than there are is no error, whatever its size
        with foreign_vectors():
            packed = self._encoder.neighbours(_flat(queries), _flat(vectors), _flat(wanted), most, least, self.threads)
        nearest: list[list[Neighbour]] = [[] for _ in range(len(_flat(queries)) // self.vector_bytes)]
        for query, index, product in _triples(packed):
            nearest[query].append(Neighbour(index, product / SQUARE, calibration.probability(product)))
        return nearest

    def _products(self, items: Items, languages: Languages) -> list[int]:
        """Dot products of the items' two vectors."""
        texts = [text for item in checked_items(items, self.task) for text in item]
        functions = list(zip(texts, languages_of(languages, len(items), 2), strict=True))
        rows = {function: index for index, function in enumerate(dict.fromkeys(functions))}
        vectors = self._encode([text for text, _ in rows], [language for _, language in rows])
        packed = self._encoder.products(_flat(vectors), [rows[function] for function in functions])
        return list(memoryview(packed).cast("i"))

    def _encode(self, texts: Sequence[str], languages: Iterable[str | None]) -> bytes:
        is_python = bytes(2 if language is None else language == "python" for language in languages)
        with Damage(self.path):
            return self._encoder.encode(list(texts), is_python, self.threads)

    def _columns(self, other: float, positive: float) -> list[float]:
        return [other, positive] if self.task.positive_index else [positive, other]


def _flat(vectors: "Vectors") -> "memoryview[int]":
    """Vectors as one row of bytes; not copied, there may be gigabytes."""
    return memoryview(vectors).cast("B")


def _triples(packed: bytes) -> Iterable[tuple[int, int, int]]:
    numbers = memoryview(packed).cast("i")
    return zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)


def _native_encoder(bundle: SimilarityBundle, target: str) -> _native.SimilarityEncoder:
    offsets = {entry.name: entry.offset for entry in bundle.tensors}
    tables = [
        (
            table.entries,
            table.rows,
            table.width,
            table.sketch_width,
            table.unknown,
            *(offsets[f"{name}.{array}"] for array in ("fingerprints", "weights", "rows")),
        )
        for name, table in bundle.config.tables.items()
    ]
    with Damage(bundle.path):
        return _native.SimilarityEncoder(bundle.weights, tables, bundle.config.roots, target)
