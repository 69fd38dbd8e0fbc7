"""What every predictor does with its items, labels and the errors of the native core."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum, IntFlag
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from codewren import _native
from codewren.bundle.container import Decision
from codewren.core.errors import BundleError, InputError
from codewren.core.task import Kind, Task, Unit

PAIR_LIMIT = 1_000_000
Items = Sequence[str] | Sequence[Sequence[str]]
Languages = Sequence[str] | None
if TYPE_CHECKING:
    Vectors = memoryview[Any] | bytes | bytearray  # what `encode` gave, or its bytes


class TooManyPairsError(InputError):
    """More pairs lie above the threshold than the limit allows."""


class Damage:
    """Turns what the core says of impossible weights into the error a user sees."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _native.DamagedError):
            raise BundleError(f"{self.path}: {error}; fetch or export it again") from None
        if isinstance(error, MemoryError):
            raise BundleError(f"{self.path}: the model needs more memory than there is; try a smaller one") from None
        if isinstance(error, UnicodeEncodeError):
            raise InputError("a text holds half a surrogate pair; decode the file with errors='replace'") from None


@contextmanager
def too_many_above(threshold: float, limit: int) -> Iterator[None]:
    """Say of more pairs than the core may return what a user can do."""
    try:
        yield
    except OverflowError:
        raise TooManyPairsError(
            f"more than {limit} pairs lie above {threshold}; raise the threshold or the limit"
        ) from None


@contextmanager
def foreign_vectors() -> Iterator[None]:
    """Say of vectors that the core refuses which it takes."""
    try:
        yield
    except ValueError as error:
        raise InputError(f"{error}; give what encode() of the same predictor returned") from None


def checked_items(items: Any, task: Task | None) -> list[tuple[str, ...]]:
    """Items as tuples of one or two strings; None stands for single functions.

    Raises:
        InputError: anything else.
    """
    pair = task is not None and task.unit is Unit.PAIR
    expected = "pairs of strings, such as [(a, b)]" if pair else "source strings, such as [code]"
    if isinstance(items, str | bytes) or not isinstance(items, Sequence):
        raise InputError(f"items are of type {type(items).__name__}; wanted: a list of {expected}")
    checked: list[tuple[Any, ...]] = [
        tuple(item) if pair and isinstance(item, tuple | list) else (item,) for item in items
    ]
    for index, item in enumerate(checked):
        if len(item) != 1 + pair or not all(isinstance(text, str) for text in item):
            raise InputError(f"item {index} is {_described(items[index])}; wanted: a list of {expected}")
    return checked


def languages_of(languages: Languages, items: int, functions_per_item: int) -> list[str | None]:
    """The language of every function, None for the task's own.

    Raises:
        InputError: not one an item.
    """
    if languages is None:
        return [None] * (items * functions_per_item)
    if len(languages) != items:
        raise InputError(f"{len(languages)} languages for {items} items; give one for each")
    return [language for language in languages for _ in range(functions_per_item)]


def _described(item: object) -> str:
    if isinstance(item, tuple | list):
        return f"a {type(item).__name__} of ({', '.join(type(text).__name__ for text in item[:4])})"
    return f"of type {type(item).__name__}"


def label_enum(task: Task) -> type[IntEnum] | type[IntFlag]:
    """The labels of a task in column order; of a multi-label task flags, whose unions are its answers.

    Raises:
        BundleError: a label is no usable name.
    """
    try:
        if task.is_multi_label:
            return cast(
                "type[IntFlag]", IntFlag("Label", [(name, 1 << index) for index, name in enumerate(task.labels)])
            )
        return cast("type[IntEnum]", IntEnum("Label", [(name, index) for index, name in enumerate(task.labels)]))
    except (TypeError, ValueError) as error:
        raise BundleError(f"task {task.name!r}: labels {list(task.labels)!r:.60} are not usable ({error})") from None


def predicted_labels(
    rows: Sequence[Sequence[float]], task: Task, labels: type[IntEnum] | type[IntFlag], decision: Decision
) -> list[IntEnum | IntFlag]:
    """One label a row of probabilities, by the rule of the bundle format; of a multi-label task their union."""
    return [labels(predicted_label(row, task, decision)) for row in rows]


def predicted_label(row: Sequence[float], task: Task, decision: Decision) -> int:
    """The label of one row of probabilities as a number, or the set of them.

    >>> from codewren.core.task import Kind
    >>> rising = Task("urgency", Unit.FUNCTION, ("low", "middle", "high"), "high", kind=Kind.ORDINAL)
    >>> predicted_label([0.45, 0.25, 0.3], rising, Decision(0.5, 1.0))
    1
    """
    if task.kind is Kind.MULTI_LABEL:
        thresholds = decision.thresholds or (decision.threshold,) * len(row)
        return sum(1 << k for k, (p, least) in enumerate(zip(row, thresholds, strict=True)) if p > least)
    if task.kind is Kind.ORDINAL:
        return sum(p > decision.threshold for p in list(accumulate(reversed(row)))[:-1])
    if len(row) == 2:
        positive = task.positive_index
        return positive if row[positive] > decision.threshold else 1 - positive
    return list(row).index(max(row))


def alarm_probability(row: Sequence[float], task: Task) -> float:
    """The probability of the positive label; of an ordinal task of it or one beyond."""
    positive = task.positive_index
    return min(1.0, math.fsum(row[positive:])) if task.kind is Kind.ORDINAL else row[positive]


def is_alarm(row: Sequence[float], task: Task) -> bool:
    """Whether the positive label, or in an order one beyond it, is the likeliest outcome."""
    if task.kind is Kind.SINGLE_LABEL:
        return row[task.positive_index] == max(row)
    return alarm_probability(row, task) > 0.5
