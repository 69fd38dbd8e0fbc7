"""From one file's bytes to a `Record`: extract the functions, ask the model, pack."""

import hashlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from codewren.core.errors import InputError
from codewren.core.task import Task, Unit
from codewren.scan.record import Record
from codewren.scan.source_files import SourceFile, read_bytes
from codewren.scan.source_text import read_source
from codewren.scan.suppress import markers, silenced
from codewren.syntax.functions import Function, Parsed, extract
from codewren.syntax.tokens import HASH_BYTES

if TYPE_CHECKING:
    from codewren.predict.predictor import Predictor


class Outcome(NamedTuple):
    """What became of one file.

    Attributes:
        key: of the bytes that were judged, in the cache.
        record: what the model said, packed; empty when the file was left out.
        reason: why it was left out.
        unreadable: it could not even be read.
    """

    key: bytes
    record: bytes
    reason: str = ""
    unreadable: bool = False


class _Text(NamedTuple):
    """What is known of a file once its tree is forgotten, which takes ten times its size."""

    key: bytes
    language: str
    functions: tuple[Function, ...]
    sources: list[str]
    silent: list[bool]
    hashes: tuple[bytes, bytes]
    has_errors: bool
    is_guessed: bool


def judge_files(
    files: Sequence[SourceFile], predictor: "Predictor", *, max_bytes: int, key: Callable[[bytes, str], bytes]
) -> list[Outcome]:
    """Judge files together, so that the model runs once on all their functions; one outcome a file, in order.

    `key` makes the cache key of a file's bytes and language.
    """
    read = [_read(file, max_bytes, key, predictor.task) for file in files]
    texts = [text for text in read if isinstance(text, _Text)]
    records = _records(texts, predictor)
    return [Outcome(text.key, next(records)) if isinstance(text, _Text) else text for text in read]


def _read(file: SourceFile, max_bytes: int, key: Callable[[bytes, str], bytes], task: Task) -> "_Text | Outcome":
    try:
        content = read_bytes(file.path, max_bytes)
        source, is_guessed = read_source(content, file.language)
        parsed = extract(source, file.language)
    except InputError as error:
        return Outcome(b"", b"", str(error))
    except OSError as error:
        return Outcome(b"", b"", f"cannot be read: {error.strerror or error}", unreadable=True)
    functions = parsed.functions
    return _Text(
        key(content, file.language),
        file.language,
        functions,
        [source[one.start_byte : one.end_byte].decode("utf-8", "replace") for one in functions],
        silenced(markers(parsed.root, source, functions, file.language), len(functions), task.name),
        _pair_hashes(parsed, source, file.language) if task.unit is Unit.PAIR else (b"", b""),
        parsed.has_errors,
        is_guessed,
    )


def _records(texts: list[_Text], predictor: "Predictor") -> Iterator[bytes]:
    sources = [source for text in texts for source in text.sources]
    languages = [text.language for text in texts for _ in text.functions]
    is_pair = predictor.task.unit is Unit.PAIR
    vectors = bytes(predictor.encode(sources, languages=languages)) if is_pair and sources else b""
    rows = [] if is_pair else predictor.predict_proba(sources, languages=languages)
    width, first = len(vectors) // max(len(sources), 1), 0
    for text in texts:
        last = first + len(text.functions)
        yield _record(text, predictor.task, rows[first:last], vectors[width * first : width * last]).pack()
        first = last


def _record(text: _Text, task: Task, rows: list[list[float]], vectors: bytes) -> Record:
    """The columns of one file; `rows` is empty for a pair task, `vectors` for a function task."""
    positive, functions = task.positive_index, text.functions
    wins = [row[positive] == max(row) for row in rows] or [False] * len(functions)
    flags = bytes(won | silent << 1 for won, silent in zip(wins, text.silent, strict=True))
    texts, shapes = text.hashes
    return Record(
        names=tuple(one.name for one in functions),
        places=array(
            "I", [n for one in functions for n in (one.start_line, one.end_line, one.start_byte, one.end_byte)]
        ),
        probabilities=array("d", [row[positive] for row in rows]),
        flags=flags,
        fingerprints=b"".join(_fingerprint(source) for source in text.sources),
        texts=texts,
        shapes=shapes,
        vectors=vectors,
        has_errors=text.has_errors,
        is_guessed=text.is_guessed,
    )


def _pair_hashes(parsed: Parsed, source: bytes, language: str) -> tuple[bytes, bytes]:
    from codewren.syntax.tokens import span_hashes

    spans = [(function.start_byte, function.end_byte) for function in parsed.functions]
    hashes = span_hashes(source, spans, parsed.literals(), language)
    return b"".join(text for text, _ in hashes), b"".join(shape for _, shape in hashes)


def _fingerprint(source: str) -> bytes:
    return hashlib.blake2b("".join(source.split()).encode(), digest_size=HASH_BYTES).digest()
