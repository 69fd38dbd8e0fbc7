"""The C library seen from Python, by ctypes alone: the same functions as `native/include/codewren.h`.

For tests and for feeding it damaged bundles; programs in Python import codewren.
"""

import ctypes
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BAD_BUNDLE, BAD_INPUT, TOO_MANY, UNSUPPORTED = 1, 2, 3, 5


class Text(ctypes.Structure):
    """`codewren_text`."""

    _fields_ = (("data", ctypes.c_char_p), ("size", ctypes.c_size_t), ("language", ctypes.c_char_p))


class Pair(ctypes.Structure):
    """`codewren_pair`."""

    _fields_ = (("first", ctypes.c_int32), ("second", ctypes.c_int32), ("probability", ctypes.c_double))


class StatusError(Exception):
    """A call that failed, with its status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class CLibrary:
    """`libcodewren`, whose functions raise `StatusError`."""

    def __init__(self, path: Path | str) -> None:
        self.calls = ctypes.CDLL(str(path))
        for name in ("version", "error", "task", "language", "manifest", "target", "label", "kind"):
            self._returns(name, ctypes.c_char_p)
        for name in ("threshold", "alert_threshold"):
            self._returns(name, ctypes.c_double)
        for name in ("functions_per_item", "label_count", "positive", "vector_bytes"):
            self._returns(name, ctypes.c_size_t)
        self.calls.codewren_free.argtypes = [ctypes.c_void_p]

    def _returns(self, name: str, kind: Any) -> None:
        getattr(self.calls, f"codewren_{name}").restype = kind

    def check(self, status: int) -> None:
        """Raise what a status says."""
        if status:
            raise StatusError(status, self.calls.codewren_error().decode())

    def load(self, content: bytes) -> "CModel":
        """A model of the bytes of a bundle."""
        handle = ctypes.c_void_p()
        self.check(self.calls.codewren_load(content, ctypes.c_size_t(len(content)), ctypes.byref(handle)))
        return CModel(self, handle)


class CModel:
    """A loaded model; it is freed with this object."""

    def __init__(self, library: CLibrary, handle: ctypes.c_void_p) -> None:
        self.library, self.handle = library, handle
        self.calls = library.calls
        self.labels = [self.calls.codewren_label(handle, ctypes.c_size_t(i)).decode() for i in range(self.label_count)]

    def __del__(self) -> None:
        self.calls.codewren_free(self.handle)

    @property
    def label_count(self) -> int:
        """How many labels."""
        return int(self.calls.codewren_label_count(self.handle))

    @property
    def vector_bytes(self) -> int:
        """Bytes of a function's vector."""
        return int(self.calls.codewren_vector_bytes(self.handle))

    @property
    def functions_per_item(self) -> int:
        """1, or 2 where pairs are judged."""
        return int(self.calls.codewren_functions_per_item(self.handle))

    @property
    def has_neighbours(self) -> bool:
        """Whether it is a similarity encoder."""
        return b'"similarity"' in self.calls.codewren_manifest(self.handle)

    def use_calibration(self, name: str) -> None:
        """Take another calibration."""
        self.library.check(self.calls.codewren_use_calibration(self.handle, name.encode()))

    def set_threads(self, threads: int) -> None:
        """How many threads a call uses."""
        self.library.check(self.calls.codewren_set_threads(self.handle, ctypes.c_size_t(threads)))

    def predict(self, texts: Sequence[str | bytes], languages: Sequence[str] | None = None) -> list[list[float]]:
        """Probabilities, one row an item; an item of a pair task is two texts in a row."""
        items = len(texts) // self.functions_per_item
        numbers = (ctypes.c_double * (items * self.label_count))()
        self.library.check(
            self.calls.codewren_predict(self.handle, texts_of(texts, languages), ctypes.c_size_t(items), numbers)
        )
        return rows_of(list(numbers), self.label_count)

    def decide(self, rows: Sequence[Sequence[float]]) -> list[list[str]]:
        """The labels that rows of probabilities mean."""
        flat = [number for row in rows for number in row]
        numbers, predicted = (ctypes.c_double * len(flat))(*flat), ctypes.create_string_buffer(len(flat))
        self.library.check(self.calls.codewren_decide(self.handle, numbers, ctypes.c_size_t(len(rows)), predicted))
        told = rows_of(list(predicted.raw), self.label_count)
        return [[label for label, there in zip(self.labels, row, strict=True) if there] for row in told]

    def encode(self, texts: Sequence[str | bytes], languages: Sequence[str] | None = None) -> bytes:
        """Vectors, one after another."""
        vectors = ctypes.create_string_buffer(len(texts) * self.vector_bytes)
        self.library.check(
            self.calls.codewren_encode(self.handle, texts_of(texts, languages), ctypes.c_size_t(len(texts)), vectors)
        )
        return vectors.raw

    def predict_vectors(self, vectors: bytes, indices: Sequence[int]) -> list[list[float]]:
        """Probabilities of items that are indices of vectors."""
        items = len(indices) // self.functions_per_item
        numbers = (ctypes.c_double * (items * self.label_count))()
        packed = struct.pack(f"={len(indices)}q", *indices)
        count = self._count(vectors)
        call = self.calls.codewren_predict_vectors
        self.library.check(call(self.handle, vectors, count, packed, ctypes.c_size_t(items), numbers))
        return rows_of(list(numbers), self.label_count)

    def pairs(self, vectors: bytes, threshold: float, room: int = 1000) -> list[tuple[int, int, float]]:
        """Pairs above a threshold."""
        pairs, found = (Pair * room)(), ctypes.c_size_t()
        count = self._count(vectors)
        call, room_size = self.calls.codewren_pairs, ctypes.c_size_t(room)
        status = call(self.handle, vectors, count, ctypes.c_double(threshold), pairs, room_size, ctypes.byref(found))
        self.library.check(status)
        return [(pair.first, pair.second, pair.probability) for pair in pairs[: found.value]]

    def neighbours(self, queries: bytes, vectors: bytes, k: int) -> list[tuple[int, int, float]]:
        """The nearest vectors of each query."""
        sizes = self._count(queries), self._count(vectors), ctypes.c_size_t(k)
        pairs = (Pair * (sizes[0].value * min(k, sizes[1].value)))()
        call = self.calls.codewren_neighbours
        self.library.check(call(self.handle, queries, sizes[0], vectors, sizes[1], sizes[2], pairs))
        return [(pair.first, pair.second, pair.probability) for pair in pairs]

    def _count(self, vectors: bytes) -> ctypes.c_size_t:
        return ctypes.c_size_t(len(vectors) // (self.vector_bytes or 1))  # a hint's have no bytes


def texts_of(texts: Sequence[str | bytes], languages: Sequence[str] | None) -> Any:
    """An array of `codewren_text`."""
    array = (Text * len(texts))()
    for index, text in enumerate(texts):
        data = text.encode() if isinstance(text, str) else text
        array[index] = Text(data, len(data), languages[index].encode() if languages else None)
    return array


def rows_of(numbers: list[float], width: int) -> list[list[float]]:
    """Numbers by rows."""
    return [numbers[start : start + width] for start in range(0, len(numbers), width)]
