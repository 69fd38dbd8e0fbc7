"""Figures out of JSON files that nobody vouches for: what is no finite number of the right kind is one clear error."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codewren.core.errors import InputError
from codewren.core.files import read_json
from codewren.measure.estimate import Measure
from codewren.report.draw.training_plot import Epoch
from codewren.report.facts import ModelFacts, Role

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
        return [Fields(one, f"{self.where}: {name}[{index}]") for index, one in enumerate(value)]

    def measure(self, name: str) -> Measure:
        """A field that is a figure with its interval.

        Raises:
            InputError: it is not.
        """
        return as_measure(self.within(name), name)

    def measure_of(self, name: str, *, n: str) -> Measure:
        """A figure whose interval and count stand beside it, as fields of the same object.

        Raises:
            InputError: a part of it is missing or no finite number.
        """
        return Measure(name, self.number(name), self.number("low"), self.number("high"), self.count(n))

    def _wrong(self, name: str, value: Any, wanted: str) -> InputError:
        return InputError(f"{self.where}: {name} is {value!r:.60}, wanted {wanted}; make the file again")


def as_measure(fields: Fields, name: str) -> Measure:
    """A figure with its interval.

    Raises:
        InputError: a part of it is missing or no finite number.
    """
    value, low, high = (fields.number(part) for part in ("value", "low", "high"))
    return Measure(name, value, low, high, fields.count("n"))


def measures(quality: Fields) -> dict[str, Measure]:
    """The figures of a quality, by name.

    Raises:
        InputError: one is malformed.
    """
    inside = quality.within("measures")
    return {str(name): inside.measure(name) for name in inside.raw}


def model_facts(row: Fields, *, role: Role, name: str, how: str) -> ModelFacts:
    """A row of `evaluation.json`.

    Raises:
        InputError: it is malformed.
    """
    quality = row.within("quality") if row.has("quality") else None
    latency = row.within("latency") if row.has("latency") else None
    return ModelFacts(
        name,
        role,
        how,
        measures=measures(quality) if quality else {},
        size_bytes=row.count("size_bytes") if row.has("size_bytes") else None,
        latency_s=latency.measure("median_s") if latency else None,
        timed_in="codewren evaluate" if latency else "",
        majority=quality.measure("majority") if quality and quality.has("majority") else None,
        undefined=_texts(quality.within("undefined")) if quality and quality.has("undefined") else {},
    )


def _texts(fields: Fields) -> dict[str, str]:
    return {name: fields.text(name) for name in fields.raw}


def training_log(path: Path) -> tuple[Epoch, ...]:
    """Epochs of a student's `log.jsonl`; lines of another kind are passed over. No file is no epochs.

    Raises:
        InputError: a line is not JSON, or a figure is not finite.
    """
    if not path.is_file():
        return ()
    lines = [Fields(raw, f"{path}, line {number}") for number, raw in enumerate(_json_lines(path), start=1)]
    wanted = ("epoch", "loss", "score")
    return tuple(
        Epoch(one.count("epoch"), one.number("loss"), one.number("score"))
        for one in lines
        if all(one.has(name) for name in wanted)
    )


def _json_lines(path: Path) -> list[Any]:
    found: list[Any] = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            found.append(json.loads(line))  # noqa: PERF401  the error below says which line
    except (ValueError, OSError) as error:
        raise InputError(f"{path}, line {len(found) + 1}: not JSON ({error}); make the file again") from None
    return found
