"""Clones at the scale of a repository: every function is encoded once, all pairs are compared, pairs become classes.

Three things make a pair, and none needs another's blessing: tokens that are equal once names and literals are blanked
(`exact`, `renamed`), words most of which are shared (`edited`), and the model's word (`semantic`). The first two make
close classes. What the model adds joins close classes to semantic ones, which name one function of each: copies are
not hidden behind a guess.

A model that learned from as many clones as non-clones sees far too many in a repository, where one pair in thousands
is a clone. Unless a threshold is asked for, it is raised until few enough pairs are left (`PAIRS_EACH`).
"""

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from codewren.predict.checked_items import TooManyPairsError
from codewren.scan.finding import CloneKind, Finding, Location
from codewren.scan.grouping import Pair, group
from codewren.scan.lexical import EDITED_OVERLAP, PAIR_LIMIT, Bag, families, overlap, overlapping, overlaps
from codewren.scan.namesakes import class_weight, owner_counts
from codewren.scan.record import Record, hash_at
from codewren.scan.result import SMALLEST_CLONE_LINES, ScanOptions, ScanResult, fingerprint, is_wanted, unused
from codewren.scan.schedule import ScannedFile

if TYPE_CHECKING:
    from codewren.predict.predictor import AnyPredictor

PAIRS_EACH, FEW_PAIRS = 30, 10_000
SAMPLE = 400
SEMANTIC_LINKAGE = 0.8  # what a model says of pairs of one vocabulary is no chain of evidence
SEMANTIC_OVERLAP = 0.55  # of words: below, what a model says of two functions of one project is noise, by reading
SEMANTIC_PROBABILITY = 0.98  # where no threshold is asked for: below, functions of one vocabulary, by reading
FEWEST_SAVED = 5  # lines: below, classes that are no copies are tests, constructors and guards alike by nature
SMALLEST_CLONE_TOKENS = 25  # below, even exact copies are one call or one guard
SMALLEST_RENAMED_TOKENS = 50  # of one shape: setters, guards and delegates are below, by reading
FAMILY = 50  # so many functions, any two of them edited copies, are compared with others as one


class Member(NamedTuple):
    """One function: its file, the record of the file, and its number in the record."""

    file: ScannedFile
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
    def size(self) -> int:
        """Number of tokens."""
        return self.record.size(self.number)

    @property
    def language(self) -> str:
        """Of its file."""
        return self.file.source.language

    @property
    def bag(self) -> "array[int]":
        """Its words."""
        return self.record.bag(self.number)

    @property
    def is_suppressed(self) -> bool:
        """Whether a comment asks for silence."""
        return self.record.is_suppressed(self.number)

    def order(self) -> tuple[str, int, int]:
        """Sorts by path and line."""
        return (self.file.source.path, *self.record.lines(self.number))

    def location(self, kind: CloneKind | None, share: float, copies: int) -> Location:
        """Where it is."""
        record, number = self.record, self.number
        return Location(self.file.source.path, *record.lines(number), record.names[number], kind, share, copies)


class CloneClass(NamedTuple):
    """Functions that are clones of each other, in order; a semantic class has several close ones, in order too."""

    groups: tuple[tuple[Member, ...], ...]
    probability: float

    @property
    def members(self) -> tuple[Member, ...]:
        """All functions."""
        return tuple(member for members in self.groups for member in members)


class _Pairs(NamedTuple):
    """Pairs that share most of their words, others that the model calls clones, and how many it does in vain."""

    close: list[Pair]
    far: list[Pair]
    left_out: int


def clone_findings(
    files: Sequence[ScannedFile], predictor: "AnyPredictor", options: ScanOptions, result: ScanResult
) -> list[Finding]:
    """Classes of clones; with changes, those that hold a changed function."""
    members = list(_members(files, options))
    units = _units(members)
    first = [unit[0] for unit in units]
    pairs = _pairs(first, predictor, options, result)
    apart = _apart(units)
    classes = []
    tight = group(len(units), pairs.close, apart=apart)
    for numbers, probability in tight:
        together = sorted((member for number in numbers for member in units[number]), key=Member.order)
        alone = _likeness(units[numbers[0]]) if len(numbers) == 1 else probability
        classes.append(CloneClass((tuple(together),), alone))
    start = [numbers for numbers, _ in tight]
    home = {number: index for index, numbers in enumerate(start) for number in numbers}
    for numbers, probability in group(len(units), pairs.far, start=start, apart=apart, linkage=SEMANTIC_LINKAGE):
        joined = {home[number]: None for number in numbers}
        if len(joined) > 1:
            groups = sorted((classes[index].members for index in joined), key=lambda members: members[0].order())
            classes.append(CloneClass(tuple(groups), probability))
    audible = _audible(classes, files, options, result)
    owners = owner_counts((member.file.source.path, member.record.names[member.number]) for member in members)
    findings = [
        _finding(clones, result.task.positive, owners)
        for clones in _outermost(audible)
        if _exceeds(clones, options)
        and any(is_wanted(member.file, member.number, 0, options.changes) for member in clones.members)
    ]
    return findings if options.all_clones else _worthwhile(findings, pairs.left_out, result)


def _worthwhile(findings: Sequence[Finding], left_out: int, result: ScanResult) -> list[Finding]:
    """Copies, and of the other classes those that would save some lines; what else there is, is said."""
    worth = [
        finding
        for finding in findings
        if finding.saved_lines >= FEWEST_SAVED or all(place.overlap == 1.0 for place in finding.others)
    ]
    small = len(findings) - len(worth)
    said = f"{small} class{'es' * (small != 1)} that would save fewer than {FEWEST_SAVED} lines" if small else ""
    if left_out:
        pairs = "1 pair that is" if left_out == 1 else f"{left_out} pairs that are"
        said += f"{', and ' * bool(said)}{pairs} too little alike"
    if said:
        result.remarks.append(f"not reported: {said} (--all-clones reports them)")
    return worth


def _members(files: Sequence[ScannedFile], options: ScanOptions) -> Iterator[Member]:
    for file in files:
        limits = options.limits_at(file.source.path)
        min_lines, min_tokens = limits.min_lines or SMALLEST_CLONE_LINES, limits.min_tokens or SMALLEST_CLONE_TOKENS
        for number in range(len(file.record or ())):
            if file.record and is_wanted(file, number, min_lines, None) and file.record.size(number) >= min_tokens:
                yield Member(file, file.record, number)


def _exceeds(clones: CloneClass, options: ScanOptions) -> bool:
    """Whether a semantic class exceeds what the folder of one of its members asks for; copies need no probability."""
    if len(clones.groups) == 1 or not options.folders:
        return True
    asked = [options.limits_at(member.file.source.path).threshold for member in clones.members]
    return any(threshold is None or clones.probability > threshold for threshold in asked)


def _units(members: Sequence[Member]) -> list[list[Member]]:
    """Functions that are copies whatever the model says; the first stands for all."""
    units: defaultdict[bytes, list[Member]] = defaultdict(list)
    for member in sorted(members, key=Member.order):
        units[member.shape if member.size >= SMALLEST_RENAMED_TOKENS else member.text].append(member)
    return _with_families(list(units.values()))


def _with_families(units: list[list[Member]]) -> list[list[Member]]:
    """Units; many that share their commonest words are one, for no list could hold their pairs."""
    found = families([unit[0].bag for unit in units], FAMILY)
    apart = _apart(units) if found else {}
    home = list(range(len(units)))
    for numbers in found:
        together: set[int] = set()
        for number in numbers:
            if together.isdisjoint(apart.get(number, ())):
                together.add(number)
                home[number] = numbers[0]
    wider: dict[int, list[Member]] = {}
    for unit, name in zip(units, home, strict=True):
        wider.setdefault(name, []).extend(unit)
    return list(wider.values())


def _likeness(unit: Sequence[Member]) -> float:
    """The mean share of words that the functions of a unit have in common with its first one; of copies 1."""
    shares = [kind_of(unit[0], member)[1] for member in unit[1:]]
    return sum(shares) / len(shares) if shares else 1.0


def _pairs(members: Sequence[Member], predictor: "AnyPredictor", options: ScanOptions, result: ScanResult) -> _Pairs:
    bags = [member.bag for member in members]
    shared = {(i, j): share for i, j, share in _edited(bags, result)}
    far, left_out = [], 0
    pairs = _model_pairs(members, predictor, options, result)
    likely = SEMANTIC_PROBABILITY if options.threshold is None else options.threshold
    for (i, j, probability), share in zip(pairs, overlaps(bags, [pair[:2] for pair in pairs]), strict=True):
        if share >= EDITED_OVERLAP:
            shared[i, j] = max(share, probability)
        elif options.all_clones or (
            probability >= likely and (share >= SEMANTIC_OVERLAP or members[i].language != members[j].language)
        ):
            far.append((i, j, probability))
        else:
            left_out += 1
    return _Pairs([(i, j, share) for (i, j), share in shared.items()], far, left_out)


def _edited(bags: Sequence[Bag], result: ScanResult) -> Sequence[Pair]:
    """Pairs that share most of their words; when they are too many, those that share still more."""
    least = EDITED_OVERLAP
    while True:
        try:
            pairs = list(overlapping(bags, least))
            break
        except OverflowError:
            least = (1 + least) / 2
    if least != EDITED_OVERLAP:
        result.remarks.append(
            f"more than {PAIR_LIMIT} pairs of {len(bags)} functions share {EDITED_OVERLAP:.0%} of their words; "
            f"only those that share {least:.2%} are reported as edited"
        )
    return pairs


def _model_pairs(
    members: Sequence[Member], predictor: "AnyPredictor", options: ScanOptions, result: ScanResult
) -> list[Pair]:
    """Pairs above the threshold; when they are too many, above one that leaves few enough."""
    if len(members) < 2:
        return []
    asked = predictor.bundle.decision.threshold if result.threshold is None else result.threshold
    limit = PAIR_LIMIT if options.threshold is not None else min(PAIR_LIMIT, max(FEW_PAIRS, PAIRS_EACH * len(members)))
    threshold = asked
    while True:
        try:
            pairs = predictor.pairs_above(_vectors(members), threshold, limit=limit)
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
    return pairs


def _quantile(members: Sequence[Member], predictor: "AnyPredictor", limit: int) -> float:
    """The probability that about half of `limit` pairs exceed, judged from pairs of every n-th function."""
    sample = members[:: len(members) // SAMPLE + 1]
    every = predictor.pairs_above(_vectors(sample), 0.0, limit=len(sample) ** 2)
    probabilities = sorted((probability for *_, probability in every), reverse=True)
    share = 0.5 * limit / (len(members) * (len(members) - 1) / 2)
    return probabilities[int(share * len(probabilities))] if share < 1 and probabilities else 0.0


def _vectors(members: Sequence[Member]) -> "memoryview[Any]":
    return memoryview(b"".join(member.record.vector(member.number) for member in members))


def _apart(units: Sequence[Sequence[Member]]) -> dict[int, list[int]]:
    """For each unit with a function that is inside one of another unit, or has one inside, the numbers of those."""
    by_file: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for number, unit in enumerate(units):
        for member in unit:
            start, end = member.record.span(member.number)
            by_file[id(member.file)].append((start, -end, number))
    apart: defaultdict[int, list[int]] = defaultdict(list)
    for spans in by_file.values():
        around: list[tuple[int, int]] = []
        for start, negative_end, number in sorted(spans):
            while around and around[-1][0] <= start:
                around.pop()
            for _, outer in around:
                apart[outer].append(number)
                apart[number].append(outer)
            around.append((-negative_end, number))
    return apart


def _audible(
    classes: Sequence[CloneClass], files: Sequence[ScannedFile], options: ScanOptions, result: ScanResult
) -> list[CloneClass]:
    """Classes without what comments silence; which comments had nothing to silence is told."""
    audible_classes = []
    silent: set[tuple[int, int]] = set()
    for clones in classes:
        if len(clones.members) < 2:
            continue
        silent |= {(id(member.file), member.number) for member in clones.members if member.is_suppressed}
        groups = (tuple(member for member in members if not member.is_suppressed) for members in clones.groups)
        audible = tuple(members for members in groups if members)
        is_class = len(audible) > 1 if len(clones.groups) > 1 else audible and len(audible[0]) > 1
        if is_class:
            audible_classes.append(CloneClass(audible, clones.probability))
    result.suppressed += len(silent)
    for file in files:
        needed = {number for name, number in silent if name == id(file)}
        result.complaints += unused(file, needed, options)
    return audible_classes


def _outermost(classes: Sequence[CloneClass]) -> Iterator[CloneClass]:
    """Without classes whose members lie inside different members of one close class: copies carry copies inside."""
    spans: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for number, clones in enumerate(classes):
        for member in clones.members if len(clones.groups) == 1 else ():  # a guess hides no copies
            spans[id(member.file)].append((*member.record.span(member.number), number))
    for members in spans.values():
        members.sort(key=lambda span: (span[0], -span[1]))
    for clones in classes:
        around = [_around(member, spans[id(member.file)]) for member in clones.members]
        shared = set.intersection(*({number for _, number in outer} for outer in around))
        distinct = {
            (id(member.file), start)
            for member, outer in zip(clones.members, around, strict=True)
            for start, number in outer
            if number in shared
        }
        if not shared or len(distinct) < len(clones.members):
            yield clones


def _around(member: Member, spans: Sequence[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """Start and class of each function in a class that is around another one."""
    start, end = member.record.span(member.number)
    last = bisect_right(spans, start, key=lambda span: span[0])
    return [(first, number) for first, stop, number in spans[:last] if stop >= end and (first, stop) != (start, end)]


def _finding(clones: CloneClass, label: str, owners: Mapping[str, int]) -> Finding:
    hashes = [member.record.fingerprint(member.number) for member in clones.members]
    is_semantic = len(clones.groups) > 1
    shown = [members[0] for members in clones.groups] if is_semantic else clones.members
    copies = [len(members) - 1 for members in clones.groups] if is_semantic else [0] * len(shown)
    first = shown[0]
    others = tuple(_location(first, member, also) for member, also in zip(shown[1:], copies[1:], strict=True))
    loosest = max((location.kind for location in others if location.kind), key=list(CloneKind).index)
    name = fingerprint(label, hashes)
    hexes = tuple(fingerprint_.hex() for fingerprint_ in hashes)
    location = first.location(None, 1.0, copies[0])
    by_hand = sum(not member.record.is_generated for member in shown) / len(shown)
    weight = by_hand * (class_weight((location, *others), owners) if loosest is CloneKind.SEMANTIC else 1.0)
    return Finding(label, clones.probability, location, name, others, loosest, hexes, weight=weight)


def _location(first: Member, member: Member, copies: int) -> Location:
    kind, share = kind_of(first, member)
    return member.location(kind, share, copies)


def kind_of(first: Member, member: Member) -> tuple[CloneKind, float]:
    """How alike two functions are, and the share of their words that they have in common; one shape counts as all."""
    if member.text == first.text:
        return CloneKind.EXACT, 1.0
    if member.shape == first.shape and member.size >= SMALLEST_RENAMED_TOKENS:
        return CloneKind.RENAMED, 1.0
    share = overlap(first.bag, member.bag)
    if member.shape == first.shape:
        return CloneKind.RENAMED, share
    return CloneKind.EDITED if share >= EDITED_OVERLAP else CloneKind.SEMANTIC, share
