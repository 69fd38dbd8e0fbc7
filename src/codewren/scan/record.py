"""What a model says of the functions of one file; packed, it crosses process borders and lies in the cache."""

import hashlib
import struct
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain
from typing import Self

from codewren.core.task import Kind, Task
from codewren.syntax.tokens import HASH_BYTES

_HEAD = struct.Struct("=4sIIIIIIB3x")
_MARK = b"wr04"
_POSITION_FIELDS = 4
MOST_LABELS_KEPT = 64
"""Of a task with more, a record holds the probability of the positive label alone."""
WINS, IS_SUPPRESSED, IS_NAMED = 1, 2, 4
"""Bits of a flag: the positive label has the largest probability; a comment suppresses findings; it names the task."""


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of every column for each function; n functions, vectors of any width.

    Attributes:
        names: qualified names.
        positions: 4n numbers: first line, last line, first byte, end byte.
        probabilities: of the positive label, or n rows of those of all labels, see `keeps_rows`; empty for a pair task.
        flags: n bytes of `WINS`, `IS_SUPPRESSED` and `IS_NAMED`.
        fingerprints: n hashes of the text without white space.
        texts: n hashes of the text without white space and comments; empty for a function task, as all below.
        shapes: n hashes of the tokens with names and literals blanked.
        sizes: 2n numbers: tokens, and where the function's words end.
        words: the bags of words of all functions, back to back.
        vectors: n rows of equally many bytes, as the predictor encodes functions.
        has_errors: the parser met text it could not follow.
        is_guessed: the file's encoding is a guess.
        is_generated: the file says that a program wrote it.
        complaints: line and message of each comment for the scan that can do nothing.
        reviews: likelihoods that functions will need a security fix; empty for models that do not say.
    """

    names: tuple[str, ...]
    positions: "array[int]"
    probabilities: "array[float]"
    flags: bytes
    fingerprints: bytes
    texts: bytes
    shapes: bytes
    sizes: "array[int]"
    words: "array[int]"
    vectors: bytes
    has_errors: bool
    is_guessed: bool = False
    is_generated: bool = False
    complaints: tuple[tuple[int, str], ...] = ()
    reviews: "array[float]" = field(default_factory=lambda: array("d"))

    def __len__(self) -> int:
        return len(self.names)

    def lines(self, index: int) -> tuple[int, int]:
        """First and last line of a function."""
        return self.positions[_POSITION_FIELDS * index], self.positions[_POSITION_FIELDS * index + 1]

    def covered_lines(self) -> int:
        """Number of lines inside functions; those of functions inside functions count once."""
        starts, ends = self.positions[::_POSITION_FIELDS], self.positions[1::_POSITION_FIELDS]
        return covered(zip(starts, ends, strict=True))

    def span(self, index: int) -> tuple[int, int]:
        """First and end byte of a function."""
        return self.positions[_POSITION_FIELDS * index + 2], self.positions[_POSITION_FIELDS * index + 3]

    def row(self, index: int) -> "array[float]":
        """The probability of the positive label, or those of all labels."""
        width = len(self.probabilities) // len(self)
        return self.probabilities[width * index : width * (index + 1)]

    def wins(self, index: int) -> bool:
        """Whether the positive label has the largest probability."""
        return bool(self.flags[index] & WINS)

    def is_suppressed(self, index: int) -> bool:
        """Whether a comment at the function asks for silence."""
        return bool(self.flags[index] & IS_SUPPRESSED)

    def fingerprint(self, index: int) -> bytes:
        """Hash of the text without white space."""
        return hash_at(self.fingerprints, index)

    def size(self, index: int) -> int:
        """Number of tokens."""
        return self.sizes[2 * index]

    def bag(self, index: int) -> "array[int]":
        """Words, as `codewren.scan.lexical` compares them."""
        return self.words[self.sizes[2 * index - 1] if index else 0 : self.sizes[2 * index + 1]]

    def vector(self, index: int) -> bytes:
        """The row of a function."""
        width = len(self.vectors) // len(self)
        return self.vectors[width * index : width * (index + 1)]

    def selected(self, numbers: Sequence[int]) -> Self:
        """The record of some functions of a pair task, without their vectors."""
        bags = [self.bag(number) for number in numbers]
        ends = accumulate(map(len, bags))
        spans = ((*self.lines(number), *self.span(number)) for number in numbers)
        return replace(
            self,
            names=tuple(self.names[number] for number in numbers),
            positions=array("I", chain.from_iterable(spans)),
            flags=bytes(self.flags[number] for number in numbers),
            fingerprints=b"".join(self.fingerprint(number) for number in numbers),
            texts=b"".join(hash_at(self.texts, number) for number in numbers),
            shapes=b"".join(hash_at(self.shapes, number) for number in numbers),
            sizes=array("I", chain.from_iterable(zip((self.size(number) for number in numbers), ends, strict=True))),
            words=array("I", chain.from_iterable(bags)),
            vectors=b"",
        )

    def pack(self) -> bytes:
        """The bytes `unpack` reads, in the byte order of this machine."""
        texts = [*self.names, *(f"{line} {message}" for line, message in self.complaints)]
        hashes = (self.fingerprints, self.texts, self.shapes)
        likelihoods = (self.probabilities, self.reviews)
        columns = (self.positions, *likelihoods, self.flags, *hashes, self.sizes, self.words, self.vectors)
        lengths = (len(self), len(self.vectors), *map(len, likelihoods), len(self.sizes), len(self.words))
        marks = self.has_errors | self.is_guessed << 1 | self.is_generated << 2
        head = _HEAD.pack(_MARK, *lengths, marks)
        return b"".join((head, *columns, "\n".join(texts).encode("utf-8", "surrogatepass")))

    @classmethod
    def unpack(cls, content: bytes) -> Self:
        """Read what `pack` wrote.

        Raises:
            ValueError: it did not.
        """
        if len(content) < _HEAD.size or not content.startswith(_MARK):
            raise ValueError("not a record")
        _, count, vector_bytes, predicted, reviewed, sized, words, marks = _HEAD.unpack_from(content)
        pair_hashes = HASH_BYTES * count if sized else 0
        likelihoods = (8 * predicted, 8 * reviewed)
        sizes = (4 * _POSITION_FIELDS * count, *likelihoods, count, HASH_BYTES * count, pair_hashes, pair_hashes)
        columns, start = list[bytes](), _HEAD.size
        for size in (*sizes, 4 * sized, 4 * words, vector_bytes):
            columns.append(content[start : start + size])
            start += size
        text = content[start:].decode("utf-8", "surrogatepass")
        texts = text.split("\n") if text or count else []
        is_ragged = predicted % count if count else predicted
        if is_ragged or reviewed not in {0, count} or sized not in {0, 2 * count}:
            raise ValueError("a record with columns of unequal length")
        if start > len(content) or len(texts) < count:
            raise ValueError("a record of the wrong length")
        complaints = (text.partition(" ") for text in texts[count:])
        positions, probabilities, reviews, flags, fingerprints, text_hashes, shapes, numbers, bags, vectors = columns
        return cls(
            names=tuple(texts[:count]),
            positions=array("I", positions),
            probabilities=array("d", probabilities),
            flags=flags,
            fingerprints=fingerprints,
            texts=text_hashes,
            shapes=shapes,
            sizes=array("I", numbers),
            words=array("I", bags),
            vectors=vectors,
            has_errors=bool(marks & 1),
            is_guessed=bool(marks & 2),
            is_generated=bool(marks & 4),
            complaints=tuple((int(line), message) for line, _, message in complaints),
            reviews=array("d", reviews),
        )


def keeps_rows(task: Task) -> bool:
    """Whether records hold the probabilities of all labels, so that findings may be of any of them."""
    least = 2 if task.kind is Kind.MULTI_LABEL else 3  # of two labels that exclude each other one says both
    return least <= len(task.labels) <= MOST_LABELS_KEPT


def covered(spans: Iterable[tuple[int, int]]) -> int:
    """Number of lines in spans, both ends inclusive; those in several spans count once.

    >>> covered([(1, 5), (4, 6), (9, 9)])
    7
    """
    lines, last_line = 0, 0
    for first, last in sorted(spans):
        lines += max(0, last - max(first - 1, last_line))
        last_line = max(last_line, last)
    return lines


def hash_at(hashes: bytes, index: int) -> bytes:
    """One of the hashes that lie back to back."""
    return hashes[HASH_BYTES * index : HASH_BYTES * (index + 1)]


def text_fingerprint(text: str) -> bytes:
    """Hash of a text without white space."""
    return hashlib.blake2b("".join(text.split()).encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest()
