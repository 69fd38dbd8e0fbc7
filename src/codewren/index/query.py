"""From a text to the functions of a tree that are like its functions."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from codewren.core.errors import InputError, nearest
from codewren.index.results import Answer, Match
from codewren.index.view import View
from codewren.scan.clones import SMALLEST_CLONE_TOKENS, SMALLEST_RENAMED_TOKENS, Member, kind_of
from codewren.scan.finding import CloneKind
from codewren.scan.infer import predict_text
from codewren.scan.record import Record
from codewren.scan.schedule import ScannedFile
from codewren.scan.source_files import SourceFile
from codewren.syntax.file_names import language_of
from codewren.syntax.grammars import LANGUAGES

if TYPE_CHECKING:
    from codewren.predict.similarity import Neighbour, SimilarityPredictor


RANKED_AGAIN = 16  # more candidates than are asked for: among them may be copies under other names


@dataclass(frozen=True, slots=True)
class Filters:
    """Which matches count.

    Attributes:
        threshold: the probability that they exceed.
        with_tests: whether functions in what looks like tests by its name are matches.
    """

    threshold: float = 0.5
    with_tests: bool = True


class Query(NamedTuple):
    """A text and what it is.

    Attributes:
        content: its bytes.
        language: one of `LANGUAGES`.
        path: the file of the tree that it is; "" for none.
        line: only the innermost function around this line is asked about; None for all.
    """

    content: bytes
    language: str
    path: str
    line: int | None

    @classmethod
    def of(cls, text: str | bytes, language: str | None, path: str | None, line: int | None) -> Self:
        """Check what is asked.

        Raises:
            InputError: the language is unknown, or neither stated nor told by the path.
        """
        language = language or (language_of(path, LANGUAGES) if path else None)
        if language is None:
            raise InputError(f"in which language is the text? name one of {', '.join(LANGUAGES)} (--language)")
        if language not in LANGUAGES:
            raise InputError(f"unknown language {language!r}; {nearest(language, LANGUAGES)}")
        content = text.encode("utf-8", "replace") if isinstance(text, str) else text
        return cls(content, language, path or "", line)


class Search(NamedTuple):
    """Where to search, with what, and what for."""

    view: View
    predictor: "SimilarityPredictor"
    k: int
    filters: Filters


def answers(query: Query, search: Search) -> list[Answer]:
    """What is like each function of the text, in the order of the text.

    Raises:
        InputError: it is no ordinary source text, there is no function at the line, or `k` is below 1.
        DamagedIndexError: a file of the index is damaged.
    """
    record = predict_text(query.content, query.language, search.predictor)
    numbers = range(len(record)) if query.line is None else [function_at(record, query.line)]
    own = _own_rows(query.path, record, search.view)
    source = ScannedFile(SourceFile(query.path, query.language), record)
    # More than are asked for: functions of the text's own file do not count, and copies rank before guesses.
    more = max((len(own[number]) for number in numbers), default=0) + RANKED_AGAIN
    nearest = _nearest(b"".join(record.vector(number) for number in numbers), search, search.k + more)
    return [
        _answer(Member(source, record, number), candidates, own[number], search)
        for number, candidates in zip(numbers, nearest, strict=True)
    ]


def function_at(record: Record, line: int) -> int:
    """The number of the innermost function around a line.

    Raises:
        InputError: there is none.
    """
    around = [number for number in range(len(record)) if record.lines(number)[0] <= line <= record.lines(number)[1]]
    if not around:
        starts = sorted(range(len(record)), key=lambda number: abs(record.lines(number)[0] - line))
        hint = f"; the nearest is {record.names[starts[0]]} at line {record.lines(starts[0])[0]}" if starts else ""
        raise InputError(f"no function at line {line}{hint}")
    return max(around, key=lambda number: record.span(number)[0])


def nearest_members(vectors: bytes, search: Search) -> list[list[tuple[Member, float]]]:
    """For each of some vectors the functions most like it, and the probability that they are clones.

    Raises:
        DamagedIndexError: a file of the index is damaged.
    """
    rows = _nearest(vectors, search, search.k)
    best = (sorted(candidates, key=_closest_first)[: search.k] for candidates in rows)
    return [[(search.view.member(number, near.index), near.probability) for number, near in row] for row in best]


def _nearest(vectors: bytes, search: Search, k: int) -> "list[list[tuple[int, Neighbour]]]":
    """For each vector, the segment and row of the `k` functions most like it in each segment."""
    nearest: list[list[tuple[int, Neighbour]]] = [[] for _ in range(len(vectors) // search.predictor.vector_bytes)]
    masks = search.view.wanted(with_tests=search.filters.with_tests)
    for segment_number, (segment, wanted) in enumerate(zip(search.view.segments, masks, strict=True)):
        if segment is None:
            continue
        rows = search.predictor.neighbours(
            vectors, segment.vectors, k, wanted=wanted, threshold=search.filters.threshold
        )
        for candidates, neighbours in zip(nearest, rows, strict=True):
            candidates += [(segment_number, neighbour) for neighbour in neighbours]
    return nearest


def _answer(
    asked: Member, candidates: "Sequence[tuple[int, Neighbour]]", own: Collection[tuple[int, int]], search: Search
) -> Answer:
    decision = search.predictor.bundle.decision
    alarm = decision.threshold if decision.alert_threshold is None else decision.alert_threshold
    best = sorted((near for near in candidates if (near[0], near[1].index) not in own), key=_closest_first)
    members = [(search.view.member(segment, near.index), near) for segment, near in best[: search.k + RANKED_AGAIN]]
    matches = _ranked(asked, [_match(asked, member, near, alarm) for member, near in members])[: search.k]
    record, number = asked.record, asked.number
    return Answer(record.names[number], *record.lines(number), tuple(matches), asked.size, asked.is_suppressed)


def _closest_first(candidate: "tuple[int, Neighbour]") -> float:
    return -candidate[1].similarity


def _ranked(asked: Member, matches: "Sequence[Match]") -> list[Match]:
    """Copies first, then by similarity: one shape is chance in functions that are small."""
    shape_counts = asked.size >= SMALLEST_RENAMED_TOKENS
    ranks: dict[CloneKind | None, int] = {CloneKind.EXACT: 0, CloneKind.RENAMED: 1 if shape_counts else 2}
    return sorted(
        matches, key=lambda match: (ranks.get(match.kind, 2), -match.similarity, match.path, match.start_line)
    )


def _match(asked: Member, member: Member, near: "Neighbour", alarm: float) -> Match:
    kind, share = kind_of(asked, member)
    source = member.file.source
    is_clone = kind is not CloneKind.SEMANTIC or near.probability > alarm
    return Match(
        source.path,
        *member.record.lines(member.number),
        member.record.names[member.number],
        source.language,
        min(near.similarity, 1.0),  # vectors are rounded to bytes: equal ones may have 1.009
        near.probability,
        kind if is_clone else None,
        share,
    )


def _own_rows(path: str, record: Record, view: View) -> list[set[tuple[int, int]]]:
    """For each function of a text its rows in the index: itself, as the file has it, and those inside or around it.

    A function is the same as before when it is the n-th one of its name in the file, as it was.
    """
    entry = view.entry(path) if path else None
    if entry is None:
        return [set() for _ in range(len(record))]
    before = view.record(entry)
    first = view.rows_of(entry).start
    numbers = {key: number for number, key in enumerate(_occurrences(before))}
    own = []
    for key in _occurrences(record):
        number = numbers.get(key)
        spans = [] if number is None else [other for other in range(len(before)) if _touch(before, number, other)]
        own.append({(entry.segment, first + other) for other in spans})
    return own


def _occurrences(record: Record) -> Iterator[tuple[str, int]]:
    """Each function's name, and how many of this name that are as large as those of an index come before it."""
    seen: Counter[str] = Counter()
    for number, name in enumerate(record.names):
        yield name, seen[name]
        seen[name] += record.size(number) >= SMALLEST_CLONE_TOKENS


def _touch(record: Record, first: int, second: int) -> bool:
    (start, end), (other_start, other_end) = record.span(first), record.span(second)
    return start < other_end and other_start < end
