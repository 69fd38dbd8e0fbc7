"""Clones at the scale of a repository: every function is encoded once, all pairs are compared, pairs become classes.

Functions whose tokens are equal once names and literals are blanked are copies whatever the model says; one of them
stands for all. The model judges the pairs of these. Connected components of its pairs are no classes: with a few wrong
pairs among millions, chains of them join everything. Here the most probable pair comes first, and two classes become
one only if at least half of the pairs across them are clones (average linkage over the graph of pairs, in one pass).

A model that learned from as many clones as non-clones sees far too many in a repository, where one pair in thousands
is a clone. Unless a threshold is asked for, it is raised until few enough pairs are left (`PAIRS_EACH`).
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from codewren.core.errors import InputError
from codewren.predict.items import TooManyPairsError
from codewren.scan.finding import CloneKind, Finding, Place
from codewren.scan.record import Record, hash_at
from codewren.scan.result import SMALLEST_CLONE_LINES, ScanOptions, ScanResult, fingerprint, is_wanted
from codewren.scan.schedule import Judged
from codewren.scan.source_files import read_bytes
from codewren.scan.source_text import source_text
from codewren.syntax.tokens import overlap, tokens

if TYPE_CHECKING:
    from codewren.predict.predictor import Predictor

PAIR_LIMIT = 500_000
PAIRS_EACH, FEW_PAIRS = 10, 10_000
SAMPLE = 400
EDITED_OVERLAP = 0.7  # of tokens: what SourcererCC calls a clone of type 3
LINKAGE = 0.5  # part of the pairs across two classes that must be clones before they become one

Pair = tuple[int, int, float]


class Member(NamedTuple):
    """One function: its file, the record of the file, and its place in the record."""

    judged: Judged
    record: Record
    number: int

    @property
    def text(self) -> bytes:
        """Hash of its tokens."""
        return hash_at(self.record.texts, self.number)

    @property
    def shape(self) -> bytes:
        """Hash of its tokens with names and literals blanked."""
        return hash_at(self.record.shapes, self.number)

    @property
    def vector(self) -> bytes:
        """Its first-token vector, float32."""
        size = len(self.record.vectors) // len(self.record)
        return self.record.vectors[size * self.number : size * (self.number + 1)]

    def order(self) -> tuple[str, int, int]:
        """Sorts by place."""
        return (self.judged.file.path, *self.record.lines(self.number))


def clone_findings(
    judged: Sequence[Judged], predictor: "Predictor", options: ScanOptions, result: ScanResult
) -> list[Finding]:
    """Classes of clones; with changes, those that hold a changed function."""
    copies: defaultdict[bytes, list[Member]] = defaultdict(list)
    for member in _members(judged, options.min_lines or SMALLEST_CLONE_LINES, result):
        copies[member.shape].append(member)
    shapes = list(copies.values())
    pairs = _pairs([members[0] for members in shapes], predictor, options, result)
    findings = []
    for indices, probability in group(len(shapes), pairs):
        together = sorted((member for index in indices for member in shapes[index]), key=Member.order)
        if len(together) > 1 and any(is_wanted(one.judged, one.number, 0, options.changes) for one in together):
            findings.append(_finding(together, probability, result.task.positive))
    return findings


def group(count: int, pairs: Sequence[Pair]) -> list[tuple[list[int], float]]:
    """Partition functions 0 to `count` - 1 into classes, with the mean probability of the pairs inside each.

    Args:
        count: number of functions.
        pairs: (i, j, probability) of the pairs that are clones, each once.
    """
    home = list(range(count))
    classes = {index: [index] for index in home}
    links: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for i, j, _ in pairs:
        links[i][j] = links[j][i] = 1
    for i, j, _ in sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1])):
        a, b = home[i], home[j]
        if a != b and links[a][b] >= LINKAGE * len(classes[a]) * len(classes[b]):
            into, other = (a, b) if len(links[a]) + len(classes[a]) >= len(links[b]) + len(classes[b]) else (b, a)
            _merge(into, other, classes, links, home)
    inside: defaultdict[int, list[float]] = defaultdict(list)
    for i, j, probability in pairs:
        if home[i] == home[j]:
            inside[home[i]].append(probability)
    means = {name: sum(values) / len(values) for name, values in inside.items()}
    return [(members, means.get(name, 1.0)) for name, members in classes.items()]


def _merge(
    into: int, other: int, classes: dict[int, list[int]], links: dict[int, Counter[int]], home: list[int]
) -> None:
    members = classes.pop(other)
    classes[into] += members
    for member in members:
        home[member] = into
    for neighbour, count in links.pop(other).items():
        del links[neighbour][other]
        if neighbour != into:
            links[into][neighbour] += count
            links[neighbour][into] += count


def _members(judged: Sequence[Judged], min_lines: int, result: ScanResult) -> Iterator[Member]:
    for one in judged:
        for index in range(len(one.record or ())):
            if one.record is None or not is_wanted(one, index, min_lines, None):
                continue
            if one.record.is_suppressed(index):
                result.suppressed += 1
                continue
            yield Member(one, one.record, index)


def _pairs(members: Sequence[Member], predictor: "Predictor", options: ScanOptions, result: ScanResult) -> list[Pair]:
    """Pairs above the threshold; when they are too many, above one that leaves few enough."""
    if len(members) < 2:
        return []
    asked = predictor.bundle.decision.threshold if result.threshold is None else result.threshold
    limit = PAIR_LIMIT if options.threshold is not None else min(PAIR_LIMIT, max(FEW_PAIRS, PAIRS_EACH * len(members)))
    threshold = asked
    while True:
        try:
            pairs = predictor.pairs_above(_vectors(members, predictor), threshold, limit=limit)
            break
        except TooManyPairsError:
            if threshold >= 1:
                raise
            raised = (1 + threshold) / 2
            threshold = max(raised, _quantile(members, predictor, limit)) if threshold == asked else raised
    if threshold != asked:
        result.remarks.append(
            f"the model calls more than {limit} pairs of {len(members)} functions {result.task.positive}; "
            f"only those above {threshold:.6g} are reported (--threshold sets it)"
        )
    result.threshold = threshold
    return [(i, j, probability) for i, j, probability in pairs if not _overlap(members[i], members[j])]


def _quantile(members: Sequence[Member], predictor: "Predictor", limit: int) -> float:
    """The probability that about half of `limit` pairs exceed, judged from pairs of every n-th function."""
    sample = members[:: len(members) // SAMPLE + 1]
    every = predictor.pairs_above(_vectors(sample, predictor), 0.0, limit=len(sample) ** 2)
    probabilities = sorted((probability for *_, probability in every), reverse=True)
    share = 0.5 * limit / (len(members) * (len(members) - 1) / 2)
    return probabilities[int(share * len(probabilities))] if share < 1 and probabilities else 0.0


def _vectors(members: Sequence[Member], predictor: "Predictor") -> "memoryview[float]":
    packed = b"".join(member.vector for member in members)
    return memoryview(packed).cast("f", (len(members), predictor.config.hidden_size))


def _overlap(one: Member, other: Member) -> bool:
    """Whether one function is inside the other."""
    if one.judged is not other.judged:
        return False
    (start, end), (other_start, other_end) = one.record.span(one.number), other.record.span(other.number)
    return start < other_end and other_start < end


def _finding(members: Sequence[Member], probability: float, label: str) -> Finding:
    first = _Text(members[0])
    others = tuple(_place(member, _kind(first, member)) for member in members[1:])
    loosest = max((place.kind for place in others if place.kind), key=list(CloneKind).index)
    hashes = [member.record.fingerprint(member.number) for member in members]
    hexes = tuple(one.hex() for one in hashes)
    return Finding(label, probability, _place(members[0], None), fingerprint(label, hashes), others, loosest, hexes)


def _place(member: Member, kind: CloneKind | None) -> Place:
    record, number = member.record, member.number
    return Place(member.judged.file.path, *record.lines(number), record.names[number], kind)


class _Text:
    """A function whose tokens are read when they are asked for."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self._tokens: list[str] | None = None

    @property
    def tokens(self) -> list[str]:
        if self._tokens is None:
            start, end = self.member.record.span(self.member.number)
            file = self.member.judged.file
            try:
                source = source_text(read_bytes(file.path, sys.maxsize), file.language)[start:end]
            except (OSError, InputError):  # it was there a moment ago; the class stands, only its label is the widest
                source = b""
            self._tokens = tokens(source.decode("utf-8", "replace"), file.language)
        return self._tokens


def _kind(first: _Text, member: Member) -> CloneKind:
    if member.text == first.member.text:
        return CloneKind.EXACT
    if member.shape == first.member.shape:
        return CloneKind.RENAMED
    return CloneKind.EDITED if overlap(first.tokens, _Text(member).tokens) >= EDITED_OVERLAP else CloneKind.SEMANTIC
