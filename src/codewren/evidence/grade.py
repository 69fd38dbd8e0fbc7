"""What evidence amounts to, and how often findings of such evidence were worth a reviewer's time."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """Kinds of evidence; what is harmless is known to be, as far as the text of the files shows."""

    HARMLESS = "harmless"
    PRESUMED = "harmless if what it relies on is as declared"
    OVERFLOW = "overflow"  # the known size exceeds the target
    LARGE_NUMBERS = "large numbers"
    UNBOUNDED_OUTSIDE = "unbounded, from outside"
    UNBOUNDED_PARAMETER = "unbounded, from a parameter"
    UNBOUNDED_OTHER = "unbounded, from elsewhere"
    UNKNOWN_TARGET = "unbounded, target of unknown size"
    SIZED = "target sized for it"
    CONSTANT_SIZE = "constant size"
    CHECKED = "compared before"
    SIZE_OUTSIDE = "size from outside"
    SIZE_PARAMETER = "size from a parameter"
    SIZE_OTHER = "size from elsewhere"
    UNENDED = "not ended"
    FORMAT_VARIABLE = "format from a variable"
    FORMAT_PASSED = "format passed on"
    COMMAND_VARIABLE = "command from a variable"
    PATH_VARIABLE = "path that may be exchanged"
    PATH_TESTED = "path tested before it is used"
    TEMPORARY = "name that can be guessed"
    NUMBER_UNCHECKED = "number not compared"
    NUMBER_USED = "number as a size or index, not compared"
    NUMBER_ARGUMENT = "number from the command line"
    NUMBER_CHECKED = "number compared"
    LENGTH_INDEX = "length as an index"
    LENGTH_ADDED = "length added up"
    ARRAY_PASSED = "array handed on"
    ARRAY_INDEXED = "array written by index"
    PLAIN = "nothing to say"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the text around a call shows.

    Attributes:
        call: the function or array that it is about.
        grade: what it amounts to.
        sentence: for people.
    """

    call: str
    grade: Grade
    sentence: str

    def to_dict(self) -> dict[str, str | float]:
        """Return the JSON form."""
        return {"call": self.call, "grade": self.grade.value, "worth": self.worth, "sentence": self.sentence}

    @property
    def worth(self) -> float:
        """How often findings of this grade were worth a reviewer's time, smoothed."""
        return WORTH[self.grade]

    @property
    def is_harmless(self) -> bool:
        """Whether nothing can go wrong here, as far as the text shows."""
        return self.grade is Grade.HARMLESS


# Counted on findings of flawfinder that were read by hand in 17 projects (`benchmarks/verify_precision.py --grades`),
# with four findings more of a share guessed beforehand; what is harmless is 0.
WORTH = {
    Grade.HARMLESS: 0.00,
    Grade.PRESUMED: 0.00,
    Grade.OVERFLOW: 0.48,
    Grade.LARGE_NUMBERS: 0.03,
    Grade.UNBOUNDED_OUTSIDE: 0.87,
    Grade.UNBOUNDED_PARAMETER: 0.66,
    Grade.UNBOUNDED_OTHER: 0.21,
    Grade.UNKNOWN_TARGET: 0.18,
    Grade.SIZED: 0.02,
    Grade.CONSTANT_SIZE: 0.09,
    Grade.CHECKED: 0.21,
    Grade.SIZE_OUTSIDE: 0.48,
    Grade.SIZE_PARAMETER: 0.22,
    Grade.SIZE_OTHER: 0.08,
    Grade.UNENDED: 0.61,
    Grade.FORMAT_VARIABLE: 0.25,
    Grade.FORMAT_PASSED: 0.05,
    Grade.COMMAND_VARIABLE: 0.82,
    Grade.PATH_VARIABLE: 0.71,
    Grade.PATH_TESTED: 0.30,
    Grade.TEMPORARY: 0.73,
    Grade.NUMBER_UNCHECKED: 0.31,
    Grade.NUMBER_USED: 0.60,
    Grade.NUMBER_ARGUMENT: 0.05,
    Grade.NUMBER_CHECKED: 0.03,
    Grade.LENGTH_INDEX: 0.63,
    Grade.LENGTH_ADDED: 0.64,
    Grade.ARRAY_PASSED: 0.00,
    Grade.ARRAY_INDEXED: 0.12,
    Grade.PLAIN: 0.01,
}
UNKNOWN_WORTH = 0.1  # of a finding without evidence, among findings that have some
