"""Rows and logs of a run's files for the report; the files are a stranger's, so every figure is checked."""

import json
from pathlib import Path
from typing import Any

from codewren.core.errors import InputError
from codewren.measure.estimate import Measure
from codewren.measure.fields import Fields
from codewren.report.draw.training_plot import Epoch
from codewren.report.facts import ModelFacts, Role


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
    names = ("epoch", "loss", "score")
    return tuple(
        Epoch(line.count("epoch"), line.number("loss"), line.number("score"))
        for line in lines
        if all(line.has(name) for name in names)
    )


def _json_lines(path: Path) -> list[Any]:
    rows: list[Any] = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            rows.append(json.loads(line))  # noqa: PERF401  the error below says which line
    except (ValueError, OSError) as error:
        raise InputError(f"{path}, line {len(rows) + 1}: not JSON ({error}); make the file again") from None
    return rows
