"""From one file's bytes to a `Record`: extract the functions, ask the model."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from codewren.core.errors import InputError
from codewren.core.task import BUILT_IN, Task, Unit
from codewren.predict.checked_items import alarm_probability, is_alarm
from codewren.predict.explanation import ReviewRanker
from codewren.scan.record import IS_NAMED, IS_SUPPRESSED, Record, keeps_rows, text_fingerprint
from codewren.scan.source_files import SourceFile, read_bytes
from codewren.scan.source_text import is_generated, read_source
from codewren.scan.suppress import Marker, complaints, markers, silenced
from codewren.syntax.functions import Function, Parsed, extract
from codewren.syntax.tokens import SpanTokens, span_tokens

if TYPE_CHECKING:
    from codewren.predict.predictor import AnyPredictor


WHOLE = "(text)"


class FilePredictions(NamedTuple):
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


class Judge(Protocol):
    """What a scan asks of a predictor."""

    @property
    def task(self) -> Task:
        """What is judged."""

    def predict_proba(self, items: Sequence[str], *, languages: Sequence[str] | None = None) -> list[list[float]]:
        """Probabilities of single functions."""

    def encode(self, functions: Sequence[str], *, languages: Sequence[str] | None = None) -> "memoryview[Any] | bytes":
        """Vectors of functions."""


class _Text(NamedTuple):
    """What is known of a file once its tree is forgotten, which takes ten times its size."""

    key: bytes
    language: str
    functions: tuple[Function, ...]
    sources: list[str]
    flags: list[int]
    complaints: tuple[tuple[int, str], ...]
    tokens: list[SpanTokens]
    has_errors: bool
    is_generated: bool
    is_guessed: bool


def predict_files(
    files: Sequence[SourceFile], predictor: "AnyPredictor", *, max_bytes: int, key: Callable[[bytes, str], bytes]
) -> list[FilePredictions]:
    """Judge files together, so that the model runs once on all their functions; one outcome a file, in order.

    `key` makes the cache key of a file's bytes and language.
    """
    read = [_read(file, max_bytes, key, predictor.task) for file in files]
    texts = [text for text in read if isinstance(text, _Text)]
    records = _records(texts, predictor)
    return [FilePredictions(text.key, next(records)) if isinstance(text, _Text) else text for text in read]


def predict_text(content: bytes, language: str, predictor: "AnyPredictor") -> Record:
    """Judge a text that need not be a file; one in which there is no function is taken as one, named `WHOLE`.

    Raises:
        InputError: it is binary, in no known encoding, or no ordinary source text.
    """
    source, is_guessed = read_source(content, language)
    parsed = extract(source, language)
    if not parsed.functions and source.strip():
        parsed = parsed._replace(functions=(_whole(source),))
    text = _text(parsed, source, language, predictor.task)._replace(is_guessed=is_guessed)
    return Record.unpack(next(_records([text], predictor)))


def _read(
    file: SourceFile, max_bytes: int, key: Callable[[bytes, str], bytes], task: Task
) -> "_Text | FilePredictions":
    try:
        content = read_bytes(file.path, max_bytes)
        source, is_guessed = read_source(content, file.language)
        parsed = extract(source, file.language)
    except InputError as error:
        return FilePredictions(b"", b"", str(error))
    except OSError as error:
        return FilePredictions(b"", b"", f"cannot be read: {error.strerror or error}", unreadable=True)
    text = _text(parsed, source, file.language, task)
    return text._replace(key=key(content, file.language), is_guessed=is_guessed)


def predict_source(source: bytes, language: str, judges: Sequence[Judge]) -> list[Record]:
    """Judge the functions of a text, UTF-8, that is in no file yet; one record a judge.

    Raises:
        InputError: it is binary, or no text that a parser should be given.
    """
    if (offset := source.find(b"\0")) >= 0:
        raise InputError(f"binary (NUL byte at {offset})")
    parsed = extract(source, language)
    packed = (next(_records([_text(parsed, source, language, judge.task)], judge)) for judge in judges)
    return [Record.unpack(record) for record in packed]


def _text(parsed: Parsed, source: bytes, language: str, task: Task) -> _Text:
    functions, requests = parsed.functions, markers(parsed.root, source, parsed.functions, language)
    return _Text(
        b"",
        language,
        functions,
        [source[function.start_byte : function.end_byte].decode("utf-8", "replace") for function in functions],
        _flags(requests, len(functions), task.name),
        tuple(complaints(requests, {*BUILT_IN, task.name})) if requests else (),
        _tokens(parsed, source, language) if task.unit is Unit.PAIR else [],
        parsed.has_errors,
        is_generated(source),
        is_guessed=False,
    )


def _whole(source: bytes) -> Function:
    return Function(WHOLE, 1, 1, source.rstrip().count(b"\n") + 1, 0, len(source), 0)


def _flags(requests: Sequence[Marker], count: int, task: str) -> list[int]:
    silent = silenced(requests, count, task)
    named = silenced([marker for marker in requests if marker.tasks], count, task)
    return [IS_SUPPRESSED * is_silent | IS_NAMED * is_named for is_silent, is_named in zip(silent, named, strict=True)]


def _records(texts: list[_Text], predictor: Judge) -> Iterator[bytes]:
    sources = [source for text in texts for source in text.sources]
    languages = [text.language for text in texts for _ in text.functions]
    is_pair = predictor.task.unit is Unit.PAIR
    vectors = bytes(predictor.encode(sources, languages=languages)) if is_pair and sources else b""
    rows = [] if is_pair else predictor.predict_proba(sources, languages=languages)
    reviews = predictor.review_first(sources) if isinstance(predictor, ReviewRanker) else []
    width, first = len(vectors) // max(len(sources), 1), 0
    for text in texts:
        last = first + len(text.functions)
        record = _record(text, predictor.task, rows[first:last], vectors[width * first : width * last])
        yield replace(record, reviews=array("d", reviews[first:last])).pack()
        first = last


def _record(text: _Text, task: Task, rows: list[list[float]], vectors: bytes) -> Record:
    """The columns of one file; `rows` is empty for a pair task, `vectors` for a function task."""
    functions = text.functions
    wins = [is_alarm(row, task) for row in rows] or [False] * len(functions)
    spans = [(one.start_line, one.end_line, one.start_byte, one.end_byte) for one in functions]
    kept = chain.from_iterable(rows) if keeps_rows(task) else (alarm_probability(row, task) for row in rows)
    word_ends = accumulate(len(tokens.words) for tokens in text.tokens)
    return Record(
        names=tuple(function.name for function in functions),
        positions=array("I", chain.from_iterable(spans)),
        probabilities=array("d", kept),
        flags=bytes(won | flag for won, flag in zip(wins, text.flags, strict=True)),
        fingerprints=b"".join(text_fingerprint(source) for source in text.sources),
        texts=b"".join(tokens.text for tokens in text.tokens),
        shapes=b"".join(tokens.shape for tokens in text.tokens),
        sizes=array("I", chain.from_iterable(zip((tokens.size for tokens in text.tokens), word_ends, strict=True))),
        words=array("I", b"".join(tokens.words for tokens in text.tokens)),
        vectors=vectors,
        has_errors=text.has_errors,
        is_guessed=text.is_guessed,
        is_generated=text.is_generated,
        complaints=text.complaints,
    )


def _tokens(parsed: Parsed, source: bytes, language: str) -> list[SpanTokens]:
    spans = [(function.start_byte, function.end_byte) for function in parsed.functions]
    return span_tokens(source, spans, parsed.literals(), language)
