"""Only functions whose text is new are judged: the others are remembered."""

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from codewren.core.task import Task
from codewren.predict.checked_items import Languages

if TYPE_CHECKING:
    from codewren.predict.predictor import AnyPredictor

Answer = TypeVar("Answer")
MOST_REMEMBERED = 50_000
"""Functions: of vectors of half a kilobyte, 25 MB."""


class RememberingPredictor:
    """A predictor of single functions that is asked about each text once.

    Attributes:
        predictor: what judges.
        judged: how many functions it was asked about.
    """

    def __init__(self, predictor: "AnyPredictor") -> None:
        self.predictor = predictor
        self.judged = 0
        self._rows: dict[bytes, list[float]] = {}
        self._vectors: dict[bytes, bytes] = {}

    @property
    def task(self) -> Task:
        """What is judged."""
        return self.predictor.task

    def predict_proba(self, items: Sequence[str], *, languages: Languages = None) -> list[list[float]]:
        """As `Predictor.predict_proba`."""

        def judge(texts: Sequence[str], spoken: Languages) -> list[list[float]]:
            return self.predictor.predict_proba(texts, languages=spoken)

        return self._answers(items, languages, self._rows, judge)

    def encode(self, functions: Sequence[str], *, languages: Languages = None) -> bytes:
        """The bytes of `Predictor.encode`."""

        def judge(texts: Sequence[str], spoken: Languages) -> list[bytes]:
            vectors, width = bytes(self.predictor.encode(texts, languages=spoken)), self.predictor.vector_bytes
            return [vectors[start : start + width] for start in range(0, len(vectors), width)]

        rows: list[bytes] = self._answers(functions, languages, self._vectors, judge)
        return b"".join(rows)

    def _answers(
        self,
        texts: Sequence[str],
        languages: Languages,
        known: dict[bytes, Answer],
        judge: Callable[[Sequence[str], Languages], list[Answer]],
    ) -> list[Answer]:
        spoken = languages or [""] * len(texts)
        keys = [_key(text, language) for text, language in zip(texts, spoken, strict=True)]
        new = [number for number, key in enumerate(keys) if key not in known]
        if len(known) + len(new) > MOST_REMEMBERED:
            known.clear()
            new = list(range(len(keys)))
        if new:
            self.judged += len(new)
            answers = judge([texts[number] for number in new], languages and [spoken[number] for number in new])
            known.update(zip((keys[number] for number in new), answers, strict=True))
        return [known[key] for key in keys]


def _key(text: str, language: str) -> bytes:
    return hashlib.blake2b(f"{language}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
