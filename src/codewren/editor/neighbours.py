"""Functions of a workspace that a function might be a clone of.

Copies are found by the hashes of their tokens; edited copies, and what the model alone calls clones, among the nearest
vectors.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from codewren.predict.similarity import SimilarityPredictor
from codewren.scan.clones import SMALLEST_CLONE_TOKENS, SMALLEST_RENAMED_TOKENS, Member, kind_of
from codewren.scan.finding import CloneKind
from codewren.scan.lexical import FEWEST_WORDS, word_count
from codewren.scan.record import Record
from codewren.scan.result import SMALLEST_CLONE_LINES
from codewren.scan.schedule import ScannedFile
from codewren.scan.source_files import SourceFile

NEAREST = 10
"""Vectors looked at for each function."""
MOST_REMEMBERED = 20_000
"""Functions whose neighbours in the workspace are kept."""
MOST_RELATIONS = 200_000
"""Pairs of texts whose relation is kept, in about 40 MB."""

Candidate = tuple[Member, float]
"""A function, and the probability that it is a clone."""


class Neighbour(NamedTuple):
    """A function that another one is a clone of, how alike they are, and how sure that is."""

    member: Member
    kind: CloneKind
    share: float
    probability: float


class CandidateSource(Protocol):
    """Functions on disk; all that is asked of it, is asked in one thread."""

    def candidates(self, members: Sequence[Member]) -> list[list[Candidate]]:
        """For each function those it might be a clone of, with absolute paths."""

    def refresh(self, path: str) -> None:
        """Follow one file."""

    def catch_up(self) -> None:
        """Follow what could not be followed while the folder was read."""


class FunctionSet:
    """Functions of some open files, searched by tokens and by vectors; never changed once made."""

    def __init__(self, files: Iterable[ScannedFile], predictor: SimilarityPredictor) -> None:
        self.members = [
            member
            for file in files
            if file.record is not None
            for number in range(len(file.record))
            if is_comparable(member := Member(file, file.record, number))
        ]
        self._predictor = predictor
        self._by_text: defaultdict[bytes, list[Member]] = defaultdict(list)
        self._by_shape: defaultdict[bytes, list[Member]] = defaultdict(list)
        for member in self.members:
            self._by_text[member.text].append(member)
            if member.size >= SMALLEST_RENAMED_TOKENS:
                self._by_shape[member.shape].append(member)
        self._vectors = b"".join(map(_vector, self.members))

    def candidates(self, members: Sequence[Member]) -> list[list[Candidate]]:
        """For each function those with the same tokens or shape, and those with the nearest vectors."""
        near = self._nearest(members)
        return [
            [*row, *((copy, 1.0) for copy in self._copies(member))] for member, row in zip(members, near, strict=True)
        ]

    def _copies(self, member: Member) -> Iterator[Member]:
        yield from self._by_text.get(member.text, ())
        if member.size >= SMALLEST_RENAMED_TOKENS:
            yield from self._by_shape.get(member.shape, ())

    def _nearest(self, members: Sequence[Member]) -> list[list[Candidate]]:
        if not self.members or not members:
            return [[] for _ in members]
        queries = b"".join(map(_vector, members))
        rows = self._predictor.neighbours(queries, self._vectors, min(NEAREST, len(self.members)))
        return [[(self.members[near.index], near.probability) for near in row] for row in rows]


class Neighbourhood:
    """The functions of a workspace, with those of open files as the editor has them."""

    def __init__(self, predictor: SimilarityPredictor) -> None:
        self.predictor = predictor
        self._workspace: tuple[CandidateSource, ...] = ()
        self._open: dict[str, FunctionSet] = {}
        self._remembered: dict[bytes, list[Candidate]] = {}
        self._relations: dict[tuple[bytes, bytes], tuple[CloneKind, float]] = {}

    def set_workspace(self, sources: Iterable[CandidateSource]) -> None:
        """Take the functions of the workspace's folders."""
        self._workspace = tuple(sources)
        self._remembered = {}

    def refresh(self, path: str) -> None:
        """Follow a file that has changed on disk, is new, or is gone."""
        for source in self._workspace:
            source.refresh(path)
        self._remembered = {}

    def catch_up(self) -> None:
        """Follow what changed on disk while the workspace was read."""
        for source in self._workspace:
            source.catch_up()
        self._remembered = {}

    def set_file(self, path: str, record: Record) -> None:
        """Take what an open file holds now."""
        self._open[path] = FunctionSet([ScannedFile(SourceFile(path, ""), record)], self.predictor)

    def set_closed(self, path: str) -> None:
        """From now on the file on disk counts."""
        self._open.pop(path, None)

    def neighbours(self, path: str, threshold: float) -> Mapping[int, list[Neighbour]]:
        """For each function of an open file its clones, closest first, by the function's number in its record.

        `threshold` is what the probability of a semantic clone exceeds.
        """
        members, opened = self._open[path].members, dict(self._open)
        rows = [
            [candidate for candidate in row if candidate[0].file.source.path not in opened]
            for row in self._in_workspace(members)
        ]
        for functions in opened.values():
            for row, more in zip(rows, functions.candidates(members), strict=True):
                row.extend(more)
        clones = (self._clones(member, row, threshold) for member, row in zip(members, rows, strict=True))
        return {member.number: row for member, row in zip(members, clones, strict=True) if row}

    def _in_workspace(self, members: Sequence[Member]) -> list[list[Candidate]]:
        """Candidates in files on disk, looked for once for each function."""
        known = self._remembered
        keys = [member.text + _vector(member) for member in members]
        new = {key: member for key, member in zip(keys, members, strict=True) if key not in known}
        if len(known) + len(new) > MOST_REMEMBERED:
            known = {}
            new = dict(zip(keys, members, strict=True))
        if new:
            rows: list[list[Candidate]] = [[] for _ in new]
            for source in self._workspace:
                for row, more in zip(rows, source.candidates(list(new.values())), strict=True):
                    row.extend(more)
            known = self._remembered = known | dict(zip(new, rows, strict=True))
        return [known[key] for key in keys]

    def _clones(self, member: Member, candidates: Iterable[Candidate], threshold: float) -> list[Neighbour]:
        """Those candidates that are clones and neither the function itself nor around it or inside it."""
        clones: dict[tuple[str, int], Neighbour] = {}
        for other, probability in candidates:
            kind, share = self._relation(member, other)
            is_semantic = kind is CloneKind.SEMANTIC
            if (not is_semantic or probability > threshold) and not _overlaps(member, other):
                key = other.file.source.path, other.record.span(other.number)[0]
                clones[key] = Neighbour(other, kind, share, probability if is_semantic else share)
        kinds = list(CloneKind)
        return sorted(
            clones.values(), key=lambda clone: (kinds.index(clone.kind), -clone.probability, clone.member.order())
        )

    def _relation(self, member: Member, other: Member) -> tuple[CloneKind, float]:
        """As `kind_of`, once for each two texts: counting the words they share takes longest of all."""
        key = (member.text, other.text)
        if key not in self._relations:
            if len(self._relations) >= MOST_RELATIONS:
                self._relations.clear()
            kind, share = kind_of(member, other)
            if kind is CloneKind.EDITED and min(_words(member), _words(other)) < FEWEST_WORDS:
                kind = CloneKind.SEMANTIC
            self._relations[key] = kind, share
        return self._relations[key]


def _words(member: Member) -> int:
    return word_count(member.record.bag(member.number))


def is_comparable(member: Member) -> bool:
    """Whether a function is large enough to be called a clone."""
    first, last = member.record.lines(member.number)
    return last - first + 1 >= SMALLEST_CLONE_LINES and member.size >= SMALLEST_CLONE_TOKENS


def _vector(member: Member) -> bytes:
    return member.record.vector(member.number)


def _overlaps(member: Member, other: Member) -> bool:
    if member.file.source.path != other.file.source.path:
        return False
    (start, end), (other_start, other_end) = member.record.span(member.number), other.record.span(other.number)
    return start < other_end and other_start < end
