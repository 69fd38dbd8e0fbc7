"""Figures out of JSON files that nobody vouches for: what is no finite number of the right kind is one clear error."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from codewren.core.errors import InputError
from codewren.core.files import read_json
from codewren.measure.estimate import NOTHING_KNOWN, Measure

Value = TypeVar("Value")
LARGEST = 1e100
"""No figure of a run comes near it, and plots can still compute with it."""


class Fields:
    """An object of a JSON file, with the way to it for error messages."""

    def __init__(self, raw: Any, where: str) -> None:
        """Take an object.

        Raises:
            InputError: it is none.
        """
        if not isinstance(raw, dict):
            raise InputError(f"{where} is {type(raw).__name__}, an object was wanted; make the file again")
        self.raw: Mapping[str, Any] = raw
        self.where = where

    @classmethod
    def read(cls, path: Path) -> "Fields | None":
        """The object in a file, None where there is no such file.

        Raises:
            InputError: the file is not JSON, or holds no object.
        """
        return cls(read_json(path), str(path)) if path.is_file() else None

    def has(self, name: str) -> bool:
        """Whether a field is there and not null."""
        return self.raw.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """A field that is a string.

        Raises:
            InputError: it is not.
        """
        value = self.raw.get(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, value, "text")
        return value

    def number(self, name: str) -> float:
        """A field that is a finite number.

        Raises:
            InputError: it is not.
        """
        value = self.raw.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
            raise self._wrong(name, value, "a finite number")
        return value

    def count(self, name: str) -> int:
        """A field that is a whole number, not negative.

        Raises:
            InputError: it is not.
        """
        value = self.number(name)
        if value < 0 or value != int(value):
            raise self._wrong(name, value, "a count")
        return int(value)

    def flag(self, name: str) -> bool:
        """A field that is true or false.

        Raises:
            InputError: it is neither.
        """
        value = self.raw.get(name)
        if not isinstance(value, bool):
            raise self._wrong(name, value, "true or false")
        return value

    def maybe(self, read: Callable[[str], Value], name: str) -> Value | None:
        """A field by the method that reads it, None where it is absent or null: `fields.maybe(fields.count, "n")`."""
        return read(name) if self.has(name) else None

    def numbers(self, name: str) -> tuple[float, ...]:
        """A field that is a list of finite numbers; absent is empty.

        Raises:
            InputError: it is not.
        """
        return tuple(self._items(name).number(index) for index in self._items(name).raw)

    def texts(self, name: str) -> tuple[str, ...]:
        """A field that is a list of strings; absent is empty.

        Raises:
            InputError: it is not.
        """
        return tuple(self._items(name).text(index) for index in self._items(name).raw)

    def within(self, name: str) -> "Fields":
        """A field that is an object.

        Raises:
            InputError: it is not.
        """
        return Fields(self.raw.get(name), f"{self.where}: {name}")

    def each(self, name: str) -> list["Fields"]:
        """A field that is a list of objects; absent is empty.

        Raises:
            InputError: it is not.
        """
        value = self.raw.get(name, [])
        if not isinstance(value, list):
            raise self._wrong(name, value, "a list")
        return [Fields(row, f"{self.where}: {name}[{index}]") for index, row in enumerate(value)]

    def measure(self, name: str) -> Measure:
        """A field that is a figure with its interval.

        Raises:
            InputError: it is not.
        """
        return as_measure(self.within(name), name)

    def _items(self, name: str) -> "Fields":
        values = self.raw.get(name) or []
        if not isinstance(values, list):
            raise self._wrong(name, values, "a list")
        return Fields({str(index): value for index, value in enumerate(values)}, f"{self.where}: {name}")

    def _wrong(self, name: str, value: Any, kind: str) -> InputError:
        return InputError(f"{self.where}: {name} is {value!r:.60}, wanted {kind}; make the file again")


def as_measure(fields: Fields, name: str) -> Measure:
    """A figure with its interval, by the name it gives itself, else by this one; of no items its numbers are null.

    Raises:
        InputError: it is incomplete, or one of its figures is no finite number.
    """
    count = fields.count("n")
    empty = count == 0 and not fields.has("value")
    value, low, high = NOTHING_KNOWN if empty else (fields.number(end) for end in ("value", "low", "high"))
    return Measure(fields.text("name", name), value, low, high, count)
