"""What every predictor does with its items, labels and the errors of the native core."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from codewren import _native
from codewren.core.errors import BundleError, InputError
from codewren.core.task import Task, Unit

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


def label_enum(task: Task) -> type[IntEnum]:
    """The labels of a task in column order.

    Raises:
        BundleError: a label is no usable name.
    """
    try:
        return cast("type[IntEnum]", IntEnum("Label", [(name, index) for index, name in enumerate(task.labels)]))
    except (TypeError, ValueError) as error:
        raise BundleError(f"task {task.name!r}: labels {list(task.labels)!r:.60} are not usable ({error})") from None


def predicted_labels(
    rows: Sequence[Sequence[float]], task: Task, labels: type[IntEnum], threshold: float
) -> list[IntEnum]:
    """One label a row of probabilities: with two labels by the threshold, with more the most probable."""
    if len(task.labels) == 2:
        positive = task.positive_index
        return [labels(positive if row[positive] > threshold else 1 - positive) for row in rows]
    return [labels(list(row).index(max(row))) for row in rows]
