"""One state of an index, which never changes: queries go on in it while an update makes the next one."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from codewren.index.catalog import NO_SEGMENT, Catalog, Entry
from codewren.index.damage import DamagedIndexError
from codewren.index.index_folder import CATALOG, segment_path
from codewren.index.segment import Segment
from codewren.scan.clones import Member
from codewren.scan.record import Record
from codewren.scan.schedule import ScannedFile
from codewren.scan.source_files import TESTS, SourceFile

_RECORDS_IN_MEMORY = 256
_ATTEMPTS = 5


class FileRows(NamedTuple):
    """The rows of one file of the tree in one segment."""

    path: str
    entry: Entry
    rows: range


class View:
    """A catalogue with its segments mapped.

    Attributes:
        catalog: the files of the tree.
        segments: where their functions are, in the order of the catalogue; None where that has a gap.
        functions: how many there are.
    """

    def __init__(self, catalog: Catalog, segments: Mapping[str, Segment]) -> None:
        """Put a catalogue and its segments together."""
        self.catalog = catalog
        self.segments = tuple(segments.get(name) for name in catalog.segments)
        self.functions = sum(catalog.live_rows)
        self._records: dict[tuple[int, int], Record] = {}
        self._masks: dict[bool, list[bytes]] = {}
        self._files: list[dict[int, FileRows]] | None = None

    @classmethod
    def open(cls, folder: Path, vector_bytes: int, known: Mapping[str, Segment]) -> "View":
        """Read the catalogue of a folder and map its segments, but for those that are `known`.

        Raises:
            DamagedIndexError: a file is damaged, or missing for good.
            FileNotFoundError: there is no catalogue.
        """
        for attempt in range(_ATTEMPTS):
            catalog = Catalog.read(folder / CATALOG)
            try:
                segments = {
                    name: known.get(name) or Segment(segment_path(folder, name), vector_bytes)
                    for name in catalog.segments
                    if name
                }
            except FileNotFoundError as error:  # replaced since the catalogue was read
                if attempt + 1 < _ATTEMPTS:
                    continue
                raise DamagedIndexError(f"{error.filename}: missing") from None
            return cls(catalog, segments)
        raise AssertionError("the last attempt returns or raises")

    def segment(self, number: int) -> Segment:
        """A segment that is there.

        Raises:
            DamagedIndexError: it is not.
        """
        segment = self.segments[number]
        if segment is None:
            raise DamagedIndexError(f"segment {number} is a gap")
        return segment

    def check(self) -> None:
        """Look at the checksums of all vectors and records.

        Raises:
            DamagedIndexError: one is wrong.
        """
        for segment in self.segments:
            if segment is not None:
                segment.check()

    def rows_of(self, entry: Entry) -> range:
        """The rows of a file's functions in its segment.

        Raises:
            DamagedIndexError: the file lies outside its segment.
        """
        return range(0) if entry.segment == NO_SEGMENT else self.segment(entry.segment).rows_of(entry.number)

    def files_in(self, number: int) -> dict[int, FileRows]:
        """The files of a segment by their numbers in it.

        Raises:
            DamagedIndexError: a file lies outside its segment.
        """
        if self._files is None:
            self._files = self._files_by_segment()
        return self._files[number]

    def member(self, number: int, row: int) -> Member:
        """The function of a row of a segment.

        Raises:
            DamagedIndexError: its record is damaged.
        """
        file = self.files_in(number)[self.segment(number).file_of(row)]
        source = SourceFile(file.path, file.entry.language)
        record = self.record(file.entry)
        return Member(ScannedFile(source, record), record, row - file.rows.start)

    def entry(self, path: str) -> Entry | None:
        """The entry of a file that has functions here."""
        entry = self.catalog.entries.get(path)
        return None if entry is None or entry.segment == NO_SEGMENT else entry

    def record(self, entry: Entry) -> Record:
        """What is known of the functions of a file.

        Raises:
            DamagedIndexError: it is damaged.
        """
        key = (entry.segment, entry.number)
        record = self._records.get(key)
        if record is None:
            record = self.segment(entry.segment).record(entry.number)
            if len(self._records) >= _RECORDS_IN_MEMORY:
                self._records.clear()
            self._records[key] = record
        return record

    def wanted(self, *, with_tests: bool) -> list[bytes]:
        """For each segment one byte a row: 1 where it belongs to a file, and not to a test unless they are wanted."""
        if with_tests not in self._masks:
            self._masks[with_tests] = self._made_masks(with_tests=with_tests)
        return self._masks[with_tests]

    def _files_by_segment(self) -> list[dict[int, FileRows]]:
        files: list[dict[int, FileRows]] = [{} for _ in self.segments]
        for path, entry in self.catalog.entries.items():
            if entry.segment != NO_SEGMENT:
                files[entry.segment][entry.number] = FileRows(path, entry, self.rows_of(entry))
        return files

    def _made_masks(self, *, with_tests: bool) -> list[bytes]:
        masks = []
        for number, segment in enumerate(self.segments):
            mask = bytearray(segment.rows if segment else 0)
            for file in self.files_in(number).values():
                if with_tests or not is_test(file.path):
                    mask[file.rows.start : file.rows.stop] = b"\1" * len(file.rows)
            masks.append(bytes(mask))
        return masks


def is_test(path: str) -> bool:
    """Whether a path of the tree looks like a test by its name.

    >>> is_test("a/tests/b.c"), is_test("test_x.py"), is_test("latest/x.py")
    (True, True, False)
    """
    return _TEST_NAMES.search(path.replace("\\", "/")) is not None


def _test_names() -> re.Pattern[str]:
    patterns = [re.escape(pattern).replace(r"\*", "[^/]*") for pattern in TESTS]
    folders = "|".join(pattern for pattern in patterns if pattern.endswith("/"))
    files = "|".join(pattern for pattern in patterns if not pattern.endswith("/"))
    return re.compile(rf"(?:^|/)(?:{folders}|(?:{files})$)")


_TEST_NAMES = _test_names()
