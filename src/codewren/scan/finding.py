"""What a scan reports: a judgement, and the places it is about."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from codewren.core.files import unicode_path


class CloneKind(StrEnum):
    """How alike two functions are, closest first."""

    EXACT = "exact"
    RENAMED = "renamed"
    EDITED = "edited"
    SEMANTIC = "semantic"


@dataclass(frozen=True, slots=True)
class Place:
    """One function in one file.

    Attributes:
        path: the file, as it was named or found, relative to where the scan ran.
        start_line: first line, counted from 1.
        end_line: last line, inclusive.
        name: the function's name, qualified by what surrounds it.
        kind: in a class of clones, how this function relates to the first place of the class; None for the first.
    """

    path: str
    start_line: int
    end_line: int
    name: str
    kind: CloneKind | None = None

    @property
    def lines(self) -> int:
        """Number of lines."""
        return self.end_line - self.start_line + 1

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "path": unicode_path(self.path)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One alarm: a function that gets the positive label, or a class of clones.

    Attributes:
        label: the positive label of the task.
        probability: of that label; for a class of clones the mean over the pairs that hold it together.
        place: the function, or the first of the class.
        fingerprint: names the finding across runs; moving lines and white space does not change it.
        others: the other members of a class of clones.
        kind: the loosest relation inside a class of clones.
        members: fingerprint of each place of a class of clones, in the order of `places`.
    """

    label: str
    probability: float
    place: Place
    fingerprint: str
    others: tuple[Place, ...] = ()
    kind: CloneKind | None = None
    members: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[Place, ...]:
        """All places, the first one first."""
        return (self.place, *self.others)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, which is the same for one function and for a class of clones."""
        return {
            "label": self.label,
            "probability": round(self.probability, 6),
            "fingerprint": self.fingerprint,
            "kind": self.kind,
            "places": [place.to_dict() for place in self.places],
        }
