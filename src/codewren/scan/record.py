"""What a model says of the functions of one file, packed: it crosses process borders and lies in the cache."""

import struct
from array import array
from dataclasses import dataclass
from typing import Self

from codewren.syntax.tokens import HASH_BYTES

_HEAD = struct.Struct("=4sIIIB3x")
_MARK = b"wr01"
_PLACE_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of every column for each function; n functions, vectors of H numbers.

    Attributes:
        names: qualified names.
        places: 4n numbers: first line, last line, first byte, end byte.
        probabilities: of the positive label; empty for a pair task.
        flags: bit 0 the positive label has the largest probability, bit 1 a comment suppresses findings.
        fingerprints: n hashes of the text without white space.
        texts: n hashes of the text without white space and comments; empty for a function task.
        shapes: n hashes of the tokens with names and literals blanked; empty for a function task.
        vectors: nH numbers, the first-token vectors; empty for a function task.
        has_errors: the parser met text it could not follow.
        is_guessed: the file's encoding is a guess.
    """

    names: tuple[str, ...]
    places: "array[int]"
    probabilities: "array[float]"
    flags: bytes
    fingerprints: bytes
    texts: bytes
    shapes: bytes
    vectors: bytes
    has_errors: bool
    is_guessed: bool = False

    def __len__(self) -> int:
        return len(self.names)

    def lines(self, index: int) -> tuple[int, int]:
        """First and last line of a function."""
        return self.places[_PLACE_FIELDS * index], self.places[_PLACE_FIELDS * index + 1]

    def span(self, index: int) -> tuple[int, int]:
        """First and end byte of a function."""
        return self.places[_PLACE_FIELDS * index + 2], self.places[_PLACE_FIELDS * index + 3]

    def wins(self, index: int) -> bool:
        """Whether the positive label has the largest probability."""
        return bool(self.flags[index] & 1)

    def is_suppressed(self, index: int) -> bool:
        """Whether a comment at the function asks for silence."""
        return bool(self.flags[index] & 2)

    def fingerprint(self, index: int) -> bytes:
        """Hash of the text without white space."""
        return hash_at(self.fingerprints, index)

    def pack(self) -> bytes:
        """The bytes `unpack` reads, in the byte order of this machine."""
        names = "\n".join(self.names).encode("utf-8", "surrogatepass")
        columns = (self.places.tobytes(), self.probabilities.tobytes(), self.flags, self.fingerprints)
        marks = self.has_errors | self.is_guessed << 1
        head = _HEAD.pack(_MARK, len(self), len(self.vectors), len(self.probabilities), marks)
        return b"".join((head, *columns, self.texts, self.shapes, self.vectors, names))

    @classmethod
    def unpack(cls, content: bytes) -> Self:
        """Read what `pack` wrote.

        Raises:
            ValueError: it did not.
        """
        if len(content) < _HEAD.size or not content.startswith(_MARK):
            raise ValueError("not a record")
        _, count, vector_bytes, judged, marks = _HEAD.unpack_from(content)
        pair_hashes = HASH_BYTES * count if vector_bytes else 0
        sizes = (4 * _PLACE_FIELDS * count, 8 * judged, count, HASH_BYTES * count, pair_hashes, pair_hashes)
        parts, start = [], _HEAD.size
        for size in (*sizes, vector_bytes):
            parts.append(content[start : start + size])
            start += size
        names = tuple(content[start:].decode("utf-8", "surrogatepass").split("\n")) if count else ()
        if start > len(content) or len(names) != count or judged not in {0, count}:
            raise ValueError("a record of the wrong length")
        places, probabilities = array("I", parts[0]), array("d", parts[1])
        _, _, flags, fingerprints, texts, shapes, vectors = parts
        return cls(
            names, places, probabilities, flags, fingerprints, texts, shapes, vectors, bool(marks & 1), bool(marks & 2)
        )


def hash_at(hashes: bytes, index: int) -> bytes:
    """One of the hashes that lie back to back."""
    return hashes[HASH_BYTES * index : HASH_BYTES * (index + 1)]
