"""The catalogue of an index: which files it covers, as they were when they were read, and where their functions lie.

It is one small file that is replaced as a whole: a reader sees the tree before an update or after it. Numbers are
little-endian.
"""

import json
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from codewren.core.files import write_bytes
from codewren.index.damage import DamagedIndexError
from codewren.syntax.grammars import LANGUAGES

DIGEST_BYTES = 16
NO_SEGMENT = -1
_MARK = b"wrencat1"
_HEAD = struct.Struct("<8sIII")  # mark, checksum of what follows it, bytes of the JSON, number of files
_ROW = struct.Struct(f"<QQQ{DIGEST_BYTES}sIiI")
_SEGMENT_NAME = re.compile(r"[0-9a-f]{16}")


class Stamp(NamedTuple):
    """What tells without reading a file that it is the one that was read."""

    mtime_ns: int
    size_bytes: int
    inode: int


class Entry(NamedTuple):
    """One file of the tree.

    Attributes:
        stamp: when it was read.
        digest: hash of its bytes.
        language: one of `LANGUAGES`.
        segment: index into the catalogue's segments; `NO_SEGMENT` for a file without functions, or not readable.
        number: of the file in the segment.
    """

    stamp: Stamp
    digest: bytes
    language: str
    segment: int
    number: int

    @property
    def content(self) -> tuple[bytes, str]:
        """What its functions depend on."""
        return self.digest, self.language


@dataclass(frozen=True, slots=True)
class Catalog:
    """The files of a tree, and the segments that hold their functions.

    Attributes:
        entries: files by path, relative to the tree.
        segments: names; "" where one was merged into another, so that entries need not be numbered anew.
        live_rows: of each segment, how many rows belong to a file.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    segments: tuple[str, ...] = ()
    live_rows: tuple[int, ...] = ()

    def write(self, path: Path, tree: str) -> None:
        """Replace the file; `tree` is there for people.

        Raises:
            InputError: the disk is full or the folder cannot be written.
        """
        described = json.dumps(
            {"tree": tree, "segments": self.segments, "live_rows": self.live_rows, "languages": LANGUAGES}
        ).encode()
        numbers = {language: number for number, language in enumerate(LANGUAGES)}
        rows = [
            _ROW.pack(*entry.stamp, entry.digest, numbers[entry.language], entry.segment, entry.number)
            for entry in self.entries.values()
        ]
        names = "\0".join(self.entries).encode("utf-8", "surrogateescape")
        body = b"".join((described, *rows, names))
        checksum = zlib.crc32(struct.pack("<II", len(described), len(rows)) + body)
        write_bytes(path, _HEAD.pack(_MARK, checksum, len(described), len(rows)) + body)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote.

        Raises:
            DamagedIndexError: it did not.
            FileNotFoundError: it is not there.
        """
        content = path.read_bytes()
        try:
            return cls._unpacked(content)
        except (ValueError, KeyError, TypeError, IndexError, struct.error, RecursionError) as error:
            raise DamagedIndexError(f"{path}: {error}") from None

    @classmethod
    def _unpacked(cls, content: bytes) -> Self:
        mark, checksum, described_bytes, count = _HEAD.unpack_from(content)
        start = _HEAD.size + described_bytes
        end = start + _ROW.size * count
        if mark != _MARK or end > len(content) or zlib.crc32(memoryview(content)[12:]) != checksum:
            raise ValueError("truncated, altered, or no catalogue")
        described = json.loads(content[_HEAD.size : start])
        segments, live_rows = tuple(described["segments"]), tuple(described["live_rows"])
        languages = [str(language) for language in described["languages"]]
        names = content[end:].decode("utf-8", "surrogateescape").split("\0") if count else []
        rows = _ROW.iter_unpack(content[start:end])
        entries = {
            name: Entry(Stamp(mtime_ns, size_bytes, inode), digest, languages[language], segment, number)
            for name, (mtime_ns, size_bytes, inode, digest, language, segment, number) in zip(names, rows, strict=True)
        }
        _check_segments(segments, live_rows)
        _check(entries, segments)
        return cls(entries, segments, live_rows)


def _check_segments(segments: tuple[str, ...], live_rows: tuple[int, ...]) -> None:
    if not all(isinstance(name, str) and (not name or _SEGMENT_NAME.fullmatch(name)) for name in segments):
        raise ValueError("a segment that is none")
    if len(live_rows) != len(segments) or not all(isinstance(rows, int) and rows >= 0 for rows in live_rows):
        raise ValueError("segments and their sizes do not fit")


def _check(entries: Mapping[str, Entry], segments: tuple[str, ...]) -> None:
    """Refuse paths that lead out of the tree, and places that are none: a catalogue may come from a stranger."""
    if not {entry.language for entry in entries.values()} <= {*LANGUAGES}:
        raise ValueError("a language that is not known")
    places = {entry.segment for entry in entries.values()}
    if not all(place == NO_SEGMENT or (0 <= place < len(segments) and segments[place]) for place in places):
        raise ValueError("a segment that is not there")
    for path in entries:
        if path.startswith(("/", "\\")) or ".." in path or ":" in path[:2]:
            _check_inside(path)


def _check_inside(path: str) -> None:
    components = path.replace("\\", "/").split("/")
    if not components[0] or ".." in components or components[0][1:2] == ":":
        raise ValueError("a path outside the tree")
