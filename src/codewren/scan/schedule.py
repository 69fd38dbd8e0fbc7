"""Judge many files: what the cache knows, then the rest in chunks on all cores."""

import os
import struct
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codewren.core.errors import InputError
from codewren.scan.infer import FilePredictions, predict_files
from codewren.scan.record import Record
from codewren.scan.source_files import SourceFile, read_bytes
from codewren.syntax.bindings import check_bindings

if TYPE_CHECKING:
    from codewren.predict.predictor import AnyPredictor
    from codewren.scan.cache import Cache

FORMAT = "6"  # part of every cache key: raise it when extraction, hashes or packing change
CHUNK_BYTES, CHUNK_FILES = 400_000, 64
PUT_TOGETHER = 500  # results of files; what is put survives an interruption
WORTH_CACHING_BYTES = 200_000  # below, opening the cache takes longer than judging
CRASHED = "the parser crashed or ran out of memory on it"
_OUTCOME = struct.Struct("=BIII")


class ScannedFile(NamedTuple):
    """One file and what the model says of its functions, or why it was left out."""

    source: SourceFile
    record: Record | None
    reason: str = ""
    unreadable: bool = False
    cached: bool = False


def is_cached(cache: Path | None, files: Sequence[SourceFile]) -> bool:
    """Whether results of these files go into the cache."""
    return cache is not None and sum(_size(file.path) for file in files) >= WORTH_CACHING_BYTES


class Schedule(NamedTuple):
    """How files are judged.

    Attributes:
        max_bytes: larger files are left out.
        jobs: processes.
        cache: folder of the cache; None for none.
        remark: told what goes wrong with the cache.
    """

    max_bytes: int
    jobs: int
    cache: Path | None
    remark: Callable[[str], None]


def default_cache_folder() -> Path | None:
    """`codewren` in the user's cache folder, or None where there is no home."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "codewren"  # noqa: PTH117
    except RuntimeError:
        return None


def predict_all(
    files: Sequence[SourceFile], predictor: "AnyPredictor", schedule: Schedule
) -> "Generator[ScannedFile, None, None]":
    """Judge all files, in no particular order; an exception in a worker process is raised here."""
    sizes = [_size(file.path) for file in files]
    if schedule.cache is None or sum(sizes) < WORTH_CACHING_BYTES:
        yield from (judged for judged, _ in _judge(files, sizes, predictor, schedule, key=lambda *_: b""))
        return
    from codewren.scan.cache import Cache, content_key

    model = predictor.bundle.record_key

    def key(content: bytes, language: str) -> bytes:
        return content_key(content, model, FORMAT, language)

    with Cache(schedule.cache, schedule.remark) as cache:
        unknown: list[int] = []
        for index, file in enumerate(files):
            record = _known(file, cache, key, schedule.max_bytes)
            if record is None:
                unknown.append(index)
            else:
                yield ScannedFile(file, record, cached=True)
        rest, rest_sizes = [files[index] for index in unknown], [sizes[index] for index in unknown]
        yield from _kept(_judge(rest, rest_sizes, predictor, schedule, key=key), cache)


def _kept(
    results: "Generator[tuple[ScannedFile, FilePredictions], None, None]", cache: "Cache"
) -> Iterator[ScannedFile]:
    """Put results into the cache as they pass; what is there when the scan stops is put too."""
    fresh: list[tuple[bytes, bytes]] = []
    try:
        for judged, outcome in results:
            if outcome.record:
                fresh.append((outcome.key, outcome.record))
            if len(fresh) == PUT_TOGETHER:
                cache.put(fresh)
                fresh.clear()
            yield judged
    finally:
        cache.put(fresh)
        results.close()


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return 0  # reading it will say why


def _known(file: SourceFile, cache: "Cache", key: Callable[[bytes, str], bytes], max_bytes: int) -> Record | None:
    try:
        packed = cache.get(key(read_bytes(file.path, max_bytes), file.language))
        return None if packed is None else Record.unpack(packed)
    except (OSError, InputError, ValueError):
        return None  # judged anew, which says what is wrong


def _judge(
    files: Sequence[SourceFile],
    sizes: Sequence[int],
    predictor: "AnyPredictor",
    schedule: Schedule,
    *,
    key: Callable[[bytes, str], bytes],
) -> "Generator[tuple[ScannedFile, FilePredictions], None, None]":
    def judge(chunk: Sequence[SourceFile]) -> list[FilePredictions]:
        return predict_files(chunk, predictor, max_bytes=schedule.max_bytes, key=key)

    def judge_in_child(chunk: Sequence[SourceFile]) -> list[FilePredictions]:
        predictor.threads = 1  # of the child only: each process is one thread
        return judge(chunk)

    if files:
        check_bindings()
    chunks = _chunks(files, sizes)
    forks = schedule.jobs > 1 and len(chunks) > 1 and hasattr(os, "fork")
    results = _forked(chunks, judge_in_child, schedule.jobs) if forks else _here(chunks, judge)
    for file, outcome in results:
        record = Record.unpack(outcome.record) if outcome.record else None
        yield ScannedFile(file, record, outcome.reason, outcome.unreadable), outcome


def _here(
    chunks: list[list[SourceFile]], judge: Callable[[Sequence[SourceFile]], list[FilePredictions]]
) -> Iterator[tuple[SourceFile, FilePredictions]]:
    for chunk in chunks:
        yield from zip(chunk, judge(chunk), strict=True)


def _chunks(files: Sequence[SourceFile], sizes: Sequence[int]) -> list[list[SourceFile]]:
    """Files in order, cut so that a chunk is small against the whole and large against the cost of handing it over."""
    chunks: list[list[SourceFile]] = []
    size = 0
    for file, file_bytes in zip(files, sizes, strict=True):
        if not chunks or size + file_bytes > CHUNK_BYTES or len(chunks[-1]) == CHUNK_FILES:
            chunks.append([])
            size = 0
        chunks[-1].append(file)
        size += file_bytes
    return chunks


def _forked(
    chunks: list[list[SourceFile]], judge: Callable[[Sequence[SourceFile]], list[FilePredictions]], jobs: int
) -> Iterator[tuple[SourceFile, FilePredictions]]:
    """Judge chunks in processes; the files of a chunk that kills its process are tried again one by one."""
    from codewren.scan.workers import run_forked

    lost: list[list[SourceFile]] = []
    for index, packed in run_forked(lambda index: _pack(judge(chunks[index])), len(chunks), jobs):
        if packed is None:
            lost += [[file] for file in chunks[index]]
        else:
            yield from zip(chunks[index], _unpack(packed), strict=True)
    for index, packed in run_forked(lambda index: _pack(judge(lost[index])), len(lost), jobs):
        yield lost[index][0], FilePredictions(b"", b"", CRASHED) if packed is None else next(_unpack(packed))


def _pack(outcomes: list[FilePredictions]) -> bytes:
    fields = []
    for key, record, reason, unreadable in outcomes:
        text = reason.encode("utf-8", "surrogatepass")
        fields += [_OUTCOME.pack(unreadable, len(key), len(record), len(text)), key, record, text]
    return b"".join(fields)


def _unpack(packed: bytes) -> Iterator[FilePredictions]:
    offset = 0
    while offset < len(packed):
        unreadable, *lengths = _OUTCOME.unpack_from(packed, offset)
        offset += _OUTCOME.size
        fields = []
        for length in lengths:
            fields.append(packed[offset : offset + length])
            offset += length
        yield FilePredictions(fields[0], fields[1], fields[2].decode("utf-8", "surrogatepass"), bool(unreadable))
