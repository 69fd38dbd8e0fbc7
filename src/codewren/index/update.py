"""Bring an index up to date: what is known by stamp is not read, what is known by content is not encoded again."""
# One call for each of tens of thousands of paths: pathlib takes ten times as long as os.path.
# ruff: noqa: PTH116, PTH118

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codewren.core.errors import InputError
from codewren.index.catalog import DIGEST_BYTES, NO_SEGMENT, Catalog, Entry, Stamp
from codewren.index.index_folder import CATALOG, new_segment_name, segment_path, sweep
from codewren.index.merge import merged
from codewren.index.results import Update
from codewren.index.segment import PackedFile, Segment
from codewren.index.view import View
from codewren.scan.clones import SMALLEST_CLONE_TOKENS
from codewren.scan.schedule import ScannedFile, Schedule, predict_all
from codewren.scan.source_files import MAX_FILE_BYTES, Note, SourceFile, Walked, read_bytes, walk
from codewren.syntax.grammars import LANGUAGES

if TYPE_CHECKING:
    from codewren.predict.similarity import SimilarityPredictor

BATCH_ROWS = 8_192  # functions of a segment of a first build; what is written survives an interruption
TICK_NS, COARSE_TICK_NS = 20_000_000, 2_000_000_000  # of the clocks that file systems stamp with

Progress = Callable[[int, int], None]


class Tree(NamedTuple):
    """What is indexed, and where the index lies.

    Attributes:
        root: real path of the tree.
        exclude: patterns in the syntax of `.gitignore`.
        exclude_root: folder that they are relative to; None is the current one.
        folder: of the index.
    """

    root: Path
    exclude: tuple[str, ...]
    exclude_root: str | None
    folder: Path

    def relative(self, path: str) -> str:
        """The path of a file below the root, from the root."""
        return path.removeprefix(os.path.join(self.root, ""))


class Limits(NamedTuple):
    """What an update may do.

    Attributes:
        only: the files to look at; None is all of the tree.
        jobs: processes that parse and encode.
        most_files: more changed files than this are left for another time; None is all.
    """

    only: tuple[str, ...] | None = None
    jobs: int = 1
    most_files: int | None = None


class _Seen(NamedTuple):
    """A file of the tree as it is now, and the stamp to keep of it."""

    path: str
    source: SourceFile
    kept: Stamp


class Updater:
    """One update of an index, by the process that holds its lock.

    Attributes:
        view: the newest state, committed.
    """

    def __init__(self, tree: Tree, view: View, predictor: "SimilarityPredictor") -> None:
        self.view = view
        self._tree = tree
        self._predictor = predictor
        self._entries = dict(view.catalog.entries)
        self._live_rows = list(view.catalog.live_rows)
        self._prefix = os.path.join(tree.root, "")
        self._judged = self._removed = self._unchanged = 0
        self._notes: list[Note] = []

    def run(self, limits: Limits, progress: Progress) -> Update:
        """Follow the tree; an update that would be too large changes nothing.

        Raises:
            InputError: the tree is gone, or the index cannot be written.
        """
        real = None if limits.only is None else [os.path.realpath(path) for path in limits.only]
        walked = walk(
            [os.fspath(self._tree.root)],
            LANGUAGES,
            self._tree.exclude,
            exclude_root=self._tree.exclude_root,
            only=real,
        )
        self._notes += walked.notes
        changed = self._changed(walked, real)
        is_partial = limits.most_files is not None and len(changed) > limits.most_files
        if not is_partial:
            self._judge(self._stale(changed), limits.jobs, progress)
            if self._entries != self.view.catalog.entries:
                self._commit([], {})
        counts = (self._judged, self._removed, self._unchanged, self.view.functions)
        return Update(*counts, notes=tuple(self._notes), is_partial=is_partial)

    def _changed(self, walked: Walked, only: Sequence[str] | None) -> list[_Seen]:
        """Files whose stamp is new; those that are gone are forgotten."""
        seen: set[str] = set()
        changed = []
        for source in walked.files:
            stamp = _stamp(source.path)
            path = source.path.removeprefix(self._prefix)
            seen.add(path)
            entry = self._entries.get(path)
            if entry is None or entry.stamp != stamp or entry.language != source.language:
                changed.append(_Seen(path, source, _kept(Stamp(*stamp))))
            else:
                self._unchanged += 1
        looked_at = self._entries if only is None else [self._tree.relative(path) for path in only]
        for path in [path for path in looked_at if path not in seen and path in self._entries]:
            self._bury(self._entries.pop(path))
            self._removed += 1
        return changed

    def _stale(self, changed: Sequence[_Seen]) -> list[tuple[_Seen, bytes]]:
        """Changed files whose content is new, with its hash; a touched or moved file keeps its functions."""
        gone = self.view.catalog.entries.keys() - self._entries.keys()
        moved = {entry.content: entry for entry in map(self.view.catalog.entries.__getitem__, gone)}
        stale = []
        for file in changed:
            digest = _digest(file.source.path)
            content = digest, file.source.language
            known = self._entries.get(file.path)
            if known is None or known.content != content:
                known = moved.pop(content, None)
                if known is not None:
                    self._revive(known)
            if known is None:
                stale.append((file, digest))
            else:
                self._entries[file.path] = known._replace(stamp=file.kept)
                self._unchanged += 1
        return stale

    def _judge(self, stale: Sequence[tuple[_Seen, bytes]], jobs: int, progress: Progress) -> None:
        """Encode files and commit them batch by batch; what is done when it is stopped is committed too."""
        by_path = {file.source.path: (file, digest) for file, digest in stale}
        schedule = Schedule(MAX_FILE_BYTES, jobs, None, lambda _: None)
        batch: list[PackedFile] = []
        entries: dict[str, Entry] = {}
        try:
            with closing(predict_all([file.source for file, _ in stale], self._predictor, schedule)) as results:
                for done, judged in enumerate(results, 1):
                    file, digest = by_path[judged.source.path]
                    packed = self._packed(judged)
                    number = len(batch) if packed else NO_SEGMENT
                    entries[file.path] = Entry(file.kept, digest, judged.source.language, number, max(number, 0))
                    batch += [packed] if packed else []
                    if sum(len(packed.vectors) for packed in batch) >= BATCH_ROWS * self._predictor.vector_bytes:
                        self._commit(batch, entries)
                        batch, entries = [], {}
                    progress(done, len(stale))
        finally:
            if entries:
                self._commit(batch, entries)

    def _packed(self, judged: ScannedFile) -> PackedFile | None:
        """What the index keeps of a file; None where it has no function that is large enough."""
        self._judged += 1
        record = judged.record
        if record is None:
            self._notes.append(Note(self._tree.relative(judged.source.path), judged.reason))
            return None
        numbers = [number for number in range(len(record)) if record.size(number) >= SMALLEST_CLONE_TOKENS]
        vectors = b"".join(record.vector(number) for number in numbers)
        return PackedFile(vectors, record.selected(numbers).pack()) if numbers else None

    def _commit(self, batch: Sequence[PackedFile], entries: Mapping[str, Entry]) -> None:
        """Write what is new: readers see all of it or nothing."""
        folder, before = self._tree.folder, self.view.catalog.segments
        names = list(before)
        segments = {segment.name: segment for segment in self.view.segments if segment}
        if batch:
            name, place = new_segment_name(), names.index("") if "" in names else len(names)
            segments[name] = Segment.write(segment_path(folder, name), batch, self._predictor.vector_bytes)
            names[place : place + 1], self._live_rows[place : place + 1] = [name], [segments[name].rows]
            entries = {
                path: entry if entry.segment == NO_SEGMENT else entry._replace(segment=place)
                for path, entry in entries.items()
            }
        for path in entries:
            if path in self._entries:
                self._bury(self._entries[path])
        catalog = Catalog({**self._entries, **entries}, tuple(names), tuple(self._live_rows))
        view = merged(View(catalog, segments), folder)
        view.catalog.write(folder / CATALOG, os.fspath(self._tree.root))
        self.view, self._entries = view, dict(view.catalog.entries)
        self._live_rows = list(view.catalog.live_rows)
        sweep(folder, view.catalog.segments, {*before, *segments})

    def _bury(self, entry: Entry) -> None:
        """Count the rows of a file as dead."""
        if entry.segment != NO_SEGMENT:
            self._live_rows[entry.segment] -= len(self.view.rows_of(entry))

    def _revive(self, entry: Entry) -> None:
        """Count the rows of a file that has moved as live again."""
        if entry.segment != NO_SEGMENT:
            self._live_rows[entry.segment] += len(self.view.rows_of(entry))


def _stamp(path: str) -> tuple[int, int, int]:
    """A file's stamp, as the plain tuple that it equals: a class for each file of a tree would take longer."""
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0, 0  # reading it will say why
    return status.st_mtime_ns, status.st_size, status.st_ino


def _kept(stamp: Stamp) -> Stamp:
    """The stamp to keep: none where a write in the same tick of the clock would go unseen."""
    tick = TICK_NS if stamp.mtime_ns % 1_000_000_000 else COARSE_TICK_NS
    is_settled = time.time_ns() - stamp.mtime_ns > tick
    return stamp if is_settled else stamp._replace(mtime_ns=0)


def _digest(path: str) -> bytes:
    try:
        return hashlib.blake2b(read_bytes(path), digest_size=DIGEST_BYTES).digest()
    except (OSError, InputError):
        return bytes(DIGEST_BYTES)  # judging it says what is wrong
