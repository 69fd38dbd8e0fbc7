"""A segment of an index: vectors and records of the functions of some files. It is written once and never changed.

A head, the vectors row by row, a table of four numbers a file, and the packed records of the files. The file is mapped
into memory: vectors are compared where they lie, and a record is read when one of its functions is shown. Numbers are
little-endian.
"""

import mmap
import struct
import sys
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from codewren.core.files import atomic_write
from codewren.index.damage import DamagedIndexError
from codewren.scan.record import Record

_MARK = b"wrenseg1"
_HEAD = struct.Struct("<8sIIQQI12x")  # mark, vector bytes, files, rows, bytes of the file, checksum of head and table
_FIELDS = 4  # of a file in the table: its first row, start and bytes of its record, checksum of record and vectors
_FIELD_BYTES = 8
MOST_FILES = 1 << 24


class PackedFile(NamedTuple):
    """What a segment holds of one file: the vectors of its functions, and its record without them."""

    vectors: bytes
    record: bytes


class Segment:
    """A segment that is mapped and checked.

    Attributes:
        name: of its file, without the suffix.
        vector_bytes: of one row.
        files: number of files.
        rows: number of functions.
        vectors: all rows, in the mapped file.
    """

    def __init__(self, path: Path, vector_bytes: int) -> None:
        """Map a segment whose rows have `vector_bytes` each.

        Raises:
            DamagedIndexError: it is no whole segment of such rows.
            FileNotFoundError: it is not there.
        """
        self.name = path.stem
        self.vector_bytes = vector_bytes
        self._path = path
        self._mapped = _mapped(path)
        if len(self._mapped) < _HEAD.size:
            raise self._damaged("shorter than its head")
        mark, width, self.files, self.rows, size, checksum = _HEAD.unpack_from(self._mapped)
        table = _HEAD.size + width * self.rows
        end = table + _FIELDS * _FIELD_BYTES * self.files
        if mark != _MARK or width != vector_bytes:
            raise self._damaged("not a segment of this model")
        if self.files > MOST_FILES or size != len(self._mapped) or end > size:
            raise self._damaged("truncated")
        self._table = _numbers(self._mapped[table:end])
        if zlib.crc32(self._table.tobytes(), zlib.crc32(self._mapped[: _HEAD.size - 16])) != checksum:
            raise self._damaged("a wrong checksum")
        self.vectors = self._mapped[_HEAD.size : table]
        self.first_rows = self._table[::_FIELDS]
        bounds = [0, *self.first_rows, self.rows]
        if bounds != sorted(bounds):
            raise self._damaged("rows out of order")

    def rows_of(self, file: int) -> range:
        """The rows of a file's functions.

        Raises:
            DamagedIndexError: there is no such file.
        """
        if not 0 <= file < self.files:
            raise self._damaged(f"no file {file}")
        return range(self.first_rows[file], self.first_rows[file + 1] if file + 1 < self.files else self.rows)

    def file_of(self, row: int) -> int:
        """The file that a row belongs to."""
        return bisect_right(self.first_rows, row) - 1

    def packed(self, file: int) -> PackedFile:
        """The bytes of a file.

        Raises:
            DamagedIndexError: they are not those that were written.
        """
        rows = self.rows_of(file)
        _, start, size, checksum = self._table[_FIELDS * file : _FIELDS * (file + 1)]
        vectors = bytes(self.vectors[rows.start * self.vector_bytes : rows.stop * self.vector_bytes])
        record = bytes(self._mapped[start : start + size])
        if len(record) != size or zlib.crc32(record, zlib.crc32(vectors)) != checksum:
            raise self._damaged("a wrong checksum")
        return PackedFile(vectors, record)

    def check(self) -> None:
        """Look at the checksum of every file.

        Raises:
            DamagedIndexError: one is wrong.
        """
        for file in range(self.files):
            self.packed(file)

    def record(self, file: int) -> Record:
        """What is known of the functions of a file, without their vectors.

        Raises:
            DamagedIndexError: it is not what was written.
        """
        try:
            record = Record.unpack(self.packed(file).record)
        except ValueError as error:
            raise self._damaged(str(error)) from None
        if len(record) != len(self.rows_of(file)):
            raise self._damaged("a record of other functions")
        return record

    def _damaged(self, reason: str) -> DamagedIndexError:
        return DamagedIndexError(f"{self._path}: {reason}")

    @classmethod
    def write(cls, path: Path, files: Sequence[PackedFile], vector_bytes: int) -> Self:
        """Write a segment and map it.

        Raises:
            InputError: the disk is full or the folder cannot be written.
        """
        rows, table = 0, array("Q")
        start = _HEAD.size + sum(len(file.vectors) for file in files) + _FIELDS * _FIELD_BYTES * len(files)
        for file in files:
            table.extend((rows, start, len(file.record), zlib.crc32(file.record, zlib.crc32(file.vectors))))
            rows += len(file.vectors) // vector_bytes
            start += len(file.record)
        head = _HEAD.pack(_MARK, vector_bytes, len(files), rows, start, 0)[:-16]
        packed_table = _little(table).tobytes()
        with atomic_write(path) as stream:
            stream.write(head + struct.pack("<I12x", zlib.crc32(packed_table, zlib.crc32(head))))
            stream.writelines(file.vectors for file in files)
            stream.write(packed_table)
            stream.writelines(file.record for file in files)
        return cls(path, vector_bytes)


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as stream:
        try:
            return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError:  # of no bytes
            return memoryview(b"")


def _numbers(packed: memoryview) -> "array[int]":
    numbers = array("Q")
    numbers.frombytes(packed)
    return _little(numbers)


def _little(numbers: "array[int]") -> "array[int]":
    """Little-endian numbers as those of this machine, or the other way round."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers
