"""A task: what one item is, which labels exist, which of them is the alarm."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from codewren.core.errors import InputError, nearest

MOST_LABELS = 10_000
"""Each becomes a Python object of some kilobytes when a bundle is loaded."""


class Unit(StrEnum):
    """What the model judges: one function, or a pair of them."""

    FUNCTION = "function"
    PAIR = "pair"


@dataclass(frozen=True, slots=True)
class Task:
    """A classification of functions or pairs of functions.

    Column k of every logit or probability matrix belongs to `labels[k]`.

    Attributes:
        name: `vulnerability` or `clone`, which need no further key, or a name of your own.
        unit: what is judged at once.
        labels: two or more names; a number in a label column counts them from 0.
        positive: the label that is an alarm.
        language: of the functions, where something must parse them: `c`, `cpp`, `java` or `python`.
    """

    name: str
    unit: Unit
    labels: tuple[str, ...]
    positive: str
    language: str | None = None

    def __post_init__(self) -> None:
        if len(self.labels) < 2 or len(set(self.labels)) != len(self.labels):
            raise InputError(f"task {self.name!r}: labels {list(self.labels)} must be two or more distinct names")
        if len(self.labels) > MOST_LABELS:
            raise InputError(f"task {self.name!r}: {len(self.labels)} labels, at most {MOST_LABELS} are allowed")
        if self.positive not in self.labels:
            raise InputError(f"task {self.name!r}: positive label {self.positive!r} is not in {list(self.labels)}")

    @property
    def positive_index(self) -> int:
        """Column of the positive label."""
        return self.labels.index(self.positive)

    @property
    def functions_per_item(self) -> int:
        """1 for functions, 2 for pairs."""
        return 2 if self.unit is Unit.PAIR else 1

    def label_index(self, value: object) -> int:
        """Map a value of a label column to its index: a label name, or its number.

        Raises:
            InputError: the value names no label.
        """
        text = str(value).strip()
        if text in self.labels:
            return self.labels.index(text)
        if text in {"True", "true", "False", "false"}:
            text = str(int(text.lower() == "true"))
        if text.isdigit() and int(text) < len(self.labels):
            return int(text)
        raise InputError(
            f"label {value!r} is not one of {list(self.labels)} nor a number below {len(self.labels)}; "
            "declare the task's labels in the recipe"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "unit": str(self.unit), "labels": list(self.labels)}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(raw["name"], Unit(raw["unit"]), tuple(raw["labels"]), raw["positive"], raw.get("language"))


VULNERABILITY = Task("vulnerability", Unit.FUNCTION, ("safe", "vulnerable"), "vulnerable", "c")
CLONE = Task("clone", Unit.PAIR, ("different", "clone"), "clone", "java")
BUILT_IN = {task.name: task for task in (VULNERABILITY, CLONE)}


def built_in_task(name: str) -> Task:
    """Return a built-in task by name.

    Raises:
        InputError: no such task.
    """
    if name not in BUILT_IN:
        raise InputError(
            f"task {name!r} is not built in ({nearest(name, BUILT_IN)}); declare unit, labels and positive in [task]"
        )
    return BUILT_IN[name]
