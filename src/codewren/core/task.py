"""A task: what one item is, which labels exist, how many an item has, which of them is the alarm."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from codewren.core.errors import InputError, nearest

MOST_LABELS = 10_000
"""Each becomes a Python object of some kilobytes when a bundle is loaded."""
MOST_LABELS_AT_ONCE = 62
"""Of a multi-label task: an item's labels are the bits of one 64-bit number."""


class Unit(StrEnum):
    """What the model judges: one function, or a pair of them."""

    FUNCTION = "function"
    PAIR = "pair"


class Kind(StrEnum):
    """How labels stand to each other: one an item, several at once or none, or one of an order."""

    SINGLE_LABEL = "single-label"
    MULTI_LABEL = "multi-label"
    ORDINAL = "ordinal"


@dataclass(frozen=True, slots=True)
class Task:
    """A classification of functions or pairs of functions.

    Column k of every logit or probability matrix belongs to `labels[k]`. An item's label is the number k; of a
    multi-label task it is the set of its labels as a number, 2^k for each of them.

    Attributes:
        name: `vulnerability` or `clone`, which need no further key, or a name of your own.
        unit: what is judged at once.
        labels: two or more names; a number in a label column counts them from 0.
        positive: the label that is an alarm; of an ordinal task the first of those that are.
        language: of the functions, where something must parse them: `c`, `cpp`, `java` or `python`.
        kind: `single-label`; `multi-label`, where an item has any number of labels, none too; or `ordinal`, where the
            labels are given in their order, from the least alarming to the most.
    """

    name: str
    unit: Unit
    labels: tuple[str, ...]
    positive: str
    language: str | None = None
    kind: Kind = Kind.SINGLE_LABEL

    def __post_init__(self) -> None:
        if len(self.labels) < 2 or len(set(self.labels)) != len(self.labels):
            raise InputError(f"task {self.name!r}: labels {list(self.labels)} must be two or more distinct names")
        if len(self.labels) > MOST_LABELS:
            raise InputError(f"task {self.name!r}: {len(self.labels)} labels, at most {MOST_LABELS} are allowed")
        if self.positive not in self.labels:
            raise InputError(f"task {self.name!r}: positive label {self.positive!r} is not in {list(self.labels)}")
        if self.kind is Kind.MULTI_LABEL:
            self._check_sets()

    def _check_sets(self) -> None:
        if self.unit is Unit.PAIR:
            raise InputError(f"task {self.name!r}: a multi-label task judges functions; make a task of pairs a label")
        if len(self.labels) > MOST_LABELS_AT_ONCE:
            raise InputError(
                f"task {self.name!r}: {len(self.labels)} labels, a multi-label task has at most {MOST_LABELS_AT_ONCE}"
            )

    @property
    def is_multi_label(self) -> bool:
        """Whether an item has any number of labels."""
        return self.kind is Kind.MULTI_LABEL

    @property
    def has_threshold(self) -> bool:
        """Whether labels are decided by thresholds: elsewhere the largest of several probabilities wins."""
        return len(self.labels) == 2 or self.kind is not Kind.SINGLE_LABEL

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
        if isinstance(value, list | dict):
            raise InputError(
                f"{value!r:.60} is no single label; state task.kind = 'multi-label' where an item has several at once"
            )
        text = str(value).strip()
        if text in self.labels:
            return self.labels.index(text)
        if text in {"True", "true", "False", "false"}:
            text = str(int(text.lower() == "true"))
        named_by_numbers = any(label.isdigit() for label in self.labels)
        if text.isdigit() and int(text) < len(self.labels) and not named_by_numbers:
            return int(text)
        number = "" if named_by_numbers else f" nor a number below {len(self.labels)}"
        raise InputError(
            f"label {value!r} is not one of {list(self.labels)}{number}; declare the task's labels in the recipe"
        )

    def label_set(self, value: object) -> int:
        """Map a value of a multi-label task's label column to its set: a list, as it is or as JSON, or `a;b` in a cell.

        >>> Task("calls", Unit.FUNCTION, ("files", "net", "time"), "net", kind=Kind.MULTI_LABEL).label_set("net;time")
        6

        Raises:
            InputError: it names a label that there is not, or one twice.
        """
        indices = [self.label_index(name) for name in names_in(value)]
        if len(set(indices)) < len(indices):
            raise InputError(f"labels {value!r:.60} name one twice; wanted a list of the labels that an item has")
        return sum(1 << index for index in indices)

    def in_words(self, label: int) -> str:
        """An item's label, or its set of labels, for people.

        >>> Task("calls", Unit.FUNCTION, ("files", "net", "time"), "net", kind=Kind.MULTI_LABEL).in_words(6)
        'net, time'
        """
        if not self.is_multi_label:
            return self.labels[label]
        return ", ".join(name for index, name in enumerate(self.labels) if label >> index & 1) or "none"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; without `kind` where an item has one label, as tasks always were."""
        plain = {**asdict(self), "unit": str(self.unit), "labels": list(self.labels), "kind": str(self.kind)}
        if self.kind is Kind.SINGLE_LABEL:
            plain.pop("kind")
        return plain

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a kind that there is not, or what a task cannot be.
        """
        kind = raw.get("kind", Kind.SINGLE_LABEL)
        if kind not in list(Kind):
            raise InputError(f"task: kind {kind!r:.40} is not one of {', '.join(Kind)}")
        unit, labels = Unit(raw["unit"]), tuple(raw["labels"])
        return cls(raw["name"], unit, labels, raw["positive"], raw.get("language"), Kind(kind))


def names_in(value: object) -> Iterable[object]:
    """The labels that a cell or a JSON value names."""
    if isinstance(value, str):
        text = value.strip()
        value = json.loads(text) if text.startswith("[") else [part for part in text.split(";") if part.strip()]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return value
    raise InputError(f"{value!r:.60} is no list of labels; wanted a JSON list, or names with ';' between them")


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
