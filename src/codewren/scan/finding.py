"""What a scan reports: a prediction, and the locations it is about."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from codewren.core.files import unicode_path
from codewren.predict.correspondence import LineRange
from codewren.predict.explanation import shown_weight

CHANCE_OVERLAP = 0.3  # of the words of two functions of one project, by reading classes below it


class CloneKind(StrEnum):
    """How alike two functions are, closest first."""

    EXACT = "exact"
    RENAMED = "renamed"
    EDITED = "edited"
    SEMANTIC = "semantic"


@dataclass(frozen=True, slots=True)
class Differences:
    """Lines of a function that the first one of its class does not have, and the other way round.

    Attributes:
        lines: number of lines that differ, in the longer of the two.
        shown: the first of them, each behind `-` (only the first function has it) or `+` (only this one).
    """

    lines: int
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TellingLine:
    """A line that speaks for a finding.

    Attributes:
        line: counted from 1 in the file.
        score: log-odds of the label that the line carries.
        text: the line, without white space around it.
        likelihood: that a security patch of the function changes the line, from models that learned it, else None.
    """

    line: int
    score: float
    text: str
    likelihood: float | None = None

    @property
    def weight(self) -> str:
        """What the line is shown with."""
        return shown_weight(self.score, self.likelihood)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        likelihood = None if self.likelihood is None else round(self.likelihood, 6)
        return {"line": self.line, "score": round(self.score, 6), "likelihood": likelihood, "text": self.text}


@dataclass(frozen=True, slots=True)
class FindingExplanation:
    """What a model read of a function, and what in it speaks for the label.

    Attributes:
        tokens_read: tokens of the function that the model read.
        tokens_total: tokens of the function.
        lines: those that speak most for the label, strongest first; None where they were not asked for.
        kind: of weakness, for models that tell kinds apart.
        evidence: one sentence.
    """

    tokens_read: int
    tokens_total: int
    lines: tuple[TellingLine, ...] | None = None
    kind: str | None = None
    evidence: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether the model did not read all of the function."""
        return self.tokens_read < self.tokens_total

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        lines = self.lines
        return {
            "tokens_read": self.tokens_read,
            "tokens_total": self.tokens_total,
            "weakness": self.kind,
            "evidence": self.evidence or None,
            "lines": lines and [line.to_dict() for line in lines],
        }


class Cell(NamedTuple):
    """Where a function begins in a notebook.

    Attributes:
        number: of the cell, from 1.
        line: in the cell, from 1.
        file_line: of the notebook's file, from 1.
    """

    number: int
    line: int
    file_line: int


@dataclass(frozen=True, slots=True)
class Location:
    """One function in one file.

    Attributes:
        path: the file, as it was named or found, relative to where the scan ran.
        start_line: first line, counted from 1.
        end_line: last line, inclusive.
        name: the function's name, qualified by what surrounds it.
        kind: in a class of clones, how this function relates to the first location of the class; None for the first.
        overlap: share of words it has in common with the first location, 1 for exact copies and for renamed ones of 50
            tokens or more.
        copies: in a semantic class, how many close copies of this function there are, which form a class of their own.
        differences: from the first location of the class, where they were asked for.
        correspondence: of its lines with those of the first location of the class, where it was asked for.
        span: first and end byte of the function in the file's text as UTF-8.
        cell: where it begins in a notebook; None elsewhere.
    """

    path: str
    start_line: int
    end_line: int
    name: str
    kind: CloneKind | None = None
    overlap: float = 1.0
    copies: int = 0
    differences: Differences | None = None
    correspondence: tuple[LineRange, ...] | None = None
    span: tuple[int, int] | None = field(default=None, compare=False)
    cell: Cell | None = None

    @property
    def lines(self) -> int:
        """Number of lines."""
        return self.end_line - self.start_line + 1

    @property
    def overlap_beyond_chance(self) -> float:
        """Share of words in common with the first location, beyond what functions of one project share anyway."""
        return max(0.0, self.overlap - CHANCE_OVERLAP) / (1 - CHANCE_OVERLAP)

    @property
    def file_lines(self) -> tuple[int, int]:
        """First and last line of the file; they differ from the others in notebooks without lines of their own."""
        if self.cell is None or self.cell.file_line == self.start_line:
            return self.start_line, self.end_line
        return self.cell.file_line, self.cell.file_line

    @property
    def line_text(self) -> str:
        """The first line for a person: its number, and in a notebook where that is."""
        return f"{self.start_line}" if self.cell is None else f"cell {self.cell.number}, line {self.cell.line}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        differences = self.differences
        return {
            "path": unicode_path(self.path),
            "start_line": self.start_line,
            "end_line": self.end_line,
            "name": self.name,
            "cell": self.cell and self.cell._asdict(),
            "kind": self.kind,
            "overlap": round(self.overlap, 3),
            "copies": self.copies,
            "differences": differences and {"lines": differences.lines, "shown": list(differences.shown)},
            "correspondence": None if self.correspondence is None else [one.to_dict() for one in self.correspondence],
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One alarm: a function that gets the positive label, or a class of clones.

    Attributes:
        label: the positive label of the task.
        probability: of that label; for a class of clones the mean over the pairs that hold it together.
        location: the function, or the first of the class.
        fingerprint: names the finding across runs; moving lines and white space does not change it.
        others: the other members of a class of clones.
        kind: the loosest relation inside a class of clones.
        members: fingerprint of each function of a class of clones, with those that a location stands for.
        review_first: likelihood that the function will need a security fix, from models that rank functions by it.
        explanation: of one function, where it was asked for.
        weight: what of the lines that a class of clones would save counts in an order; below 1 where a model's word
            alone makes the class, less for functions of one name that many types have, 0 in files that say that a
            program wrote them.
    """

    label: str
    probability: float
    location: Location
    fingerprint: str
    others: tuple[Location, ...] = ()
    kind: CloneKind | None = None
    members: tuple[str, ...] = ()
    review_first: float | None = None
    explanation: FindingExplanation | None = None
    weight: float = 1.0

    @property
    def locations(self) -> tuple[Location, ...]:
        """All locations, the first one first."""
        return (self.location, *self.others)

    @property
    def saved_lines(self) -> int:
        """About how many lines would go if one function of a class of clones served for all.

        Those of each other member, times the share of its words that is in the first one beyond what functions of one
        project share anyway.
        """
        shares = (location.overlap_beyond_chance for location in self.others)
        lines = (min(location.lines, self.location.lines) for location in self.others)
        return round(sum(share * line for share, line in zip(shares, lines, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, which is the same for one function and for a class of clones."""
        return {
            "label": self.label,
            "probability": round(self.probability, 6),
            "fingerprint": self.fingerprint,
            "kind": self.kind,
            "saved_lines": self.saved_lines,
            "review_first": None if self.review_first is None else round(self.review_first, 6),
            "explanation": self.explanation and self.explanation.to_dict(),
            "places": [location.to_dict() for location in self.locations],
        }
