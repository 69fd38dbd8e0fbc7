"""What other tools report: their findings with all that names them, as one form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codewren.core.errors import InputError

MOST_FINDINGS = 200_000
LONGEST_TEXT = 2_000  # characters of anything that a report says
LONGEST_PATH = 4_096
LARGEST_LINE = 100_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of a file as a report names it; both ends inclusive, counted from 1."""

    path: str
    line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Reported:
    """One finding of another tool.

    Attributes:
        tool: that made it.
        rule: the tool's name of what it found.
        severity: in the tool's own words.
        weight: what the severity is worth, from 0 to 1: what the tool itself would order by.
        message: what the tool says.
        fingerprint: by which the tool knows it again; empty where it has none.
        places: where; two or more for code that is there twice, else one.
        is_duplicate: the places are copies of each other.
        index: run and number in a SARIF log, so that all else it says of the finding can be handed on.
    """

    tool: str
    rule: str
    severity: str
    weight: float
    message: str
    fingerprint: str
    places: tuple[Place, ...]
    is_duplicate: bool = False
    index: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A report that has been read.

    Attributes:
        form: of the file.
        findings: in the order of the report.
        left_out: how many of its entries name no line of a file.
        sarif: the log itself, where the report is one.
    """

    form: str
    findings: tuple[Reported, ...]
    left_out: int = 0
    sarif: Mapping[str, Any] | None = None


def text_of(value: object) -> str:
    """A text of a report, cut; empty for anything else."""
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""


def number_of(value: object) -> int:
    """A line of a report; 0 for what is none."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value if 0 < value <= LARGEST_LINE else 0
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= len(str(LARGEST_LINE)):
        return number_of(int(value))
    return 0


def place_of(path: object, line: object, end_line: object = None) -> Place | None:
    """A place of a report, or None where it names no line of a file."""
    start = number_of(line)
    if not isinstance(path, str) or not path or len(path) > LONGEST_PATH or "\0" in path or not start:
        return None
    return Place(path, start, max(start, number_of(end_line)))


def check_count(count: int) -> None:
    """Refuse a report that is longer than anybody reads.

    Raises:
        InputError: more than `MOST_FINDINGS` findings.
    """
    if count >= MOST_FINDINGS:
        raise InputError(f"the report holds more than {MOST_FINDINGS:,} findings; split it, or raise the tool's level")
