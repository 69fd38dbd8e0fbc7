"""What a scan is asked for, and what it gives back."""

import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from codewren.core.errors import InputError
from codewren.core.project_settings import FolderSettings, Limits
from codewren.core.task import Task
from codewren.scan.finding import CloneKind, Finding
from codewren.scan.record import IS_NAMED
from codewren.scan.schedule import ScannedFile
from codewren.scan.source_files import MAX_FILE_BYTES, Note
from codewren.scan.source_lines import lines_in_file
from codewren.syntax.tokens import HASH_BYTES

if TYPE_CHECKING:
    from codewren.scan.changes import Changes

DOUBT = 10  # power of the probability: a semantic class of 0.93 counts half
SMALLEST_CLONE_LINES = 6  # as BigCloneBench counts clones


class Order(StrEnum):
    """What findings are sorted by.

    Where they are, their probability, the lines that clones would save, or what a reviewer should read first.
    """

    PATH = "path"
    PROBABILITY = "probability"
    SAVED = "saved"
    REVIEW = "review"

    def key(self, finding: Finding) -> tuple[float, str, int]:
        """What to sort by."""
        likelihood = finding.probability if finding.review_first is None else finding.review_first
        first = {
            Order.PATH: 0.0,
            Order.PROBABILITY: -finding.probability,
            Order.SAVED: -_expected_lines(finding),
            Order.REVIEW: -likelihood,
        }
        return first[self], finding.location.path, finding.location.start_line


def _expected_lines(finding: Finding) -> float:
    """Lines that a class of clones would save, less where it rests on the model's word alone."""
    is_semantic = finding.kind is CloneKind.SEMANTIC
    return finding.saved_lines * finding.weight * (finding.probability**DOUBT if is_semantic else 1.0)


class Complaint(NamedTuple):
    """A comment for the scan that does nothing: file, line and why."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What to scan and what to report.

    Attributes:
        threshold: probability a finding must exceed; None is the bundle's alert threshold, or else its decision.
        min_lines: shortest function reported; None is 1, and 6 for clones.
        min_tokens: smallest clones; None is `SMALLEST_CLONE_TOKENS` of `codewren.scan.clones`.
        labels: whose functions are findings; empty is the task's positive label.
        languages: to scan; None is the task's own language, or all where the task names none.
        exclude: patterns in the syntax of `.gitignore`.
        exclude_root: folder that they are relative to; None is the current one.
        folders: limits that hold below folders, the innermost first; paths are absolute.
        max_file_bytes: larger files are left out.
        jobs: processes; None is one for each core.
        cache: folder of the cache, None for no cache.
        changes: report only functions these lines touch.
        order: of findings; None is by path, by what could be saved for clones, and by what to review first for models
            that rank functions by it.
        all_clones: report also classes that rest on the model's word alone though their functions share few words, and
            those that would save few lines: mostly noise.
    """

    threshold: float | None = None
    min_lines: int | None = None
    min_tokens: int | None = None
    labels: tuple[str, ...] = ()
    languages: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    exclude_root: str | None = None
    folders: tuple[FolderSettings, ...] = ()
    max_file_bytes: int = MAX_FILE_BYTES
    jobs: int | None = None
    cache: Path | None = None
    changes: "Changes | None" = None
    order: Order | None = None
    all_clones: bool = False

    def __post_init__(self) -> None:
        for name in ("labels", "languages", "exclude"):
            if isinstance(getattr(self, name), str):  # its letters would each be one
                raise InputError(f"{name}: {getattr(self, name)!r} is a string; give a tuple of them")

    def limits_at(self, path: str) -> Limits:
        """What findings in a file have to exceed: of the innermost folder that says it, else of the whole scan."""
        if not self.folders:
            return Limits(self.threshold, self.min_lines, self.min_tokens)
        absolute = os.path.abspath(path)  # noqa: PTH100  as the walk does
        around = [folder for folder in self.folders if is_below(absolute, folder.path)]

        def first(name: str) -> Any:
            values = (getattr(limits, name) for limits in (*around, self))
            return next((value for value in values if value is not None), None)

        return Limits(first("threshold"), first("min_lines"), first("min_tokens"))


@dataclass(slots=True)
class ScanResult:
    """Findings in order, and how they came about.

    Attributes:
        task: what was judged.
        threshold: the probability that findings of the positive label exceed; None where the largest of several labels
            wins.
        findings: what is reported.
        notes: files and folders that were left out, and why.
        files: number of files judged.
        functions: number of functions in them.
        function_lines: by file, the lines inside its functions.
        cached_files: files whose results were known.
        unparsed: files with text the parser could not follow.
        guessed_files: files that are not UTF-8 and were read as Latin-1.
        suppressed: findings that a comment silences.
        complaints: comments that silence nothing.
        foreign: source files by language that were not scanned, and their paths.
        remarks: what else a person should know.
        revision: with what the code was compared; None where all findings count.
        unshown: findings beyond the number that was asked for.
        labels: whose functions are findings; empty is the positive label.
        gaps: what was asked for and could not be judged, where it is too much to call the scan done; else empty.
    """

    task: Task
    threshold: float | None
    findings: list[Finding] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    files: int = 0
    functions: int = 0
    function_lines: dict[str, int] = field(default_factory=dict)
    cached_files: int = 0
    unparsed: list[str] = field(default_factory=list)
    guessed_files: int = 0
    suppressed: int = 0
    complaints: list[Complaint] = field(default_factory=list)
    foreign: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    revision: str | None = None
    unshown: list[Finding] = field(default_factory=list)
    labels: tuple[str, ...] = ()

    @property
    def judged(self) -> str:
        """The label that findings have, or the labels, for a person."""
        *first, last = self.labels or (self.task.positive,)
        return f"{', '.join(first)} or {last}" if first else last


def is_below(absolute: str, folder: str) -> bool:
    """Whether an absolute path is a folder or lies inside it.

    >>> is_below("/a/b/c.py", "/a/b"), is_below("/a/bc.py", "/a/b")
    (True, False)
    """
    return absolute == folder or absolute.startswith(folder.rstrip(os.sep) + os.sep)


def fingerprint(label: str, hashes: Sequence[bytes]) -> str:
    """Name of a finding across runs: what is found, in which texts; neither locations nor white space count."""
    digest = hashlib.blake2b(label.encode(), digest_size=HASH_BYTES)
    for text_hash in sorted(hashes):
        digest.update(text_hash)
    return digest.hexdigest()


def is_wanted(file: ScannedFile, index: int, min_lines: int, changes: "Changes | None") -> bool:
    """Whether a function is long enough and touched by the changes that are asked about."""
    if file.record is None:
        return False
    first, last = file.record.lines(index)
    if last - first + 1 < min_lines:
        return False
    path = file.source.path
    return changes is None or (changes.has(path) and changes.touches(path, *lines_in_file(path, first, last)))


def unused(file: ScannedFile, needed: Collection[int], options: ScanOptions) -> Iterator[Complaint]:
    """Comments that name the task and silence nothing, where the scan looks at all there is to silence."""
    record = file.record
    if record is None or options.changes or options.threshold is not None or file.source.named:
        return
    for index, flags in enumerate(record.flags):
        if flags & IS_NAMED and index not in needed:
            line = record.lines(index)[0]
            yield Complaint(file.source.path, line, f"the comment at {record.names[index]} silences no finding")
