"""From rows to items: labels to indices, ids to functions, one data set for each of the three layouts."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from codewren.core.dataset import Dataset
from codewren.core.errors import InputError
from codewren.core.recipe_sections import Source
from codewren.core.task import Task
from codewren.data.readers import Row, spelling

DEFAULTS = Source("")
UNKNOWN_LABELS = ("", "-1", "nan")  # -1 is how the papers' own files say it


def unique_names(rows: list[Row], column: str) -> tuple[str, ...]:
    """Ids of rows.

    Raises:
        InputError: a missing, empty or repeated id.
    """
    names = tuple(row.name(column) for row in rows)
    first: dict[str, Row] = {}
    repeated = [(name, row) for name, row in zip(names, rows, strict=True) if first.setdefault(name, row) is not row]
    if repeated:
        name, row = repeated[0]
        raise InputError(
            f"{row.position}: {column!r} {name!r} was already used at {first[name].position.rpartition(', ')[2]} "
            f"({len(repeated)} repeated ids in all); name a column without repeats as id"
        )
    return names


def _item_ids(source: Source, rows: list[Row]) -> tuple[str, ...]:
    if source.id == DEFAULTS.id and source.id not in rows[0].values:
        return tuple(row.position.rpartition(" ")[2] for row in rows)  # its line or row number
    return unique_names(rows, source.id)


def _labels(task: Task, source: Source, rows: list[Row]) -> tuple[int | None, ...]:
    if source.label != DEFAULTS.label:
        rows[0].value(source.label)  # a column that the recipe names must be there; the default one need not
    elif task.is_multi_label and source.label not in rows[0].values and set(task.labels) <= rows[0].values.keys():
        return tuple(_indicated(task, row) for row in rows)
    known: dict[str, int | None] = {text: None for text in UNKNOWN_LABELS if text not in task.labels}
    labels = []
    for row in rows:
        value = row.values.get(source.label)
        text = repr(value) if isinstance(value, list | dict) else _label_text(task, value)
        if text not in known:
            try:
                known[text] = _label(task, value, text)
            except (InputError, ValueError) as error:
                raise InputError(f"{row.position}, column {source.label!r}: {error}") from None
        labels.append(known[text])
    return tuple(labels)


THERE = {"1": True, "true": True, "0": False, "false": False}
"""What a cell of a label's own column says."""


def _indicated(task: Task, row: Row) -> int | None:
    """The set of labels whose own column holds 1; None where all of them are empty."""
    cells = {name: spelling(row.value(name)) for name in task.labels}
    if set(cells.values()) <= set(UNKNOWN_LABELS):
        return None
    for name, text in cells.items():
        if text not in THERE:
            raise InputError(
                f"{row.position}, column {name!r}: {text!r:.40} does not say whether the label is there; wanted 1 or 0"
            )
    return sum(1 << index for index, name in enumerate(task.labels) if THERE[cells[name]])


def _label(task: Task, value: Any, text: str) -> int:
    if task.is_multi_label:
        return task.label_set(value if isinstance(value, list | dict) else text)
    return task.label_index(value if isinstance(value, list | dict) else text)


def _label_text(task: Task, value: Any) -> str:
    own = str(value).strip()
    return own if own in task.labels else spelling(value)


def function_items(task: Task, split: str, source: Source, rows: list[Row]) -> Dataset:
    """One function a row.

    Raises:
        InputError: missing column, text that is none, unknown label, repeated id.
    """
    ids = _item_ids(source, rows)
    return Dataset(
        task=task,
        split=split,
        functions=tuple(row.text(source.text) for row in rows),
        function_ids=ids,
        items=tuple((index,) for index in range(len(rows))),
        labels=_labels(task, source, rows),
        ids=ids,
    )


def inline_pairs(task: Task, split: str, source: Source, rows: list[Row]) -> Dataset:
    """Both functions of a pair in one row; equal texts become one function.

    Raises:
        InputError: as `function_items`.
    """
    pairs = [(row.text(source.text), row.text(source.text2 or "")) for row in rows]
    index_of = _first_use(pairs)
    return Dataset(
        task=task,
        split=split,
        functions=tuple(index_of),
        function_ids=tuple(sha256(text.encode()).hexdigest()[:16] for text in index_of),
        items=tuple((index_of[left], index_of[right]) for left, right in pairs),
        labels=_labels(task, source, rows),
        ids=_item_ids(source, rows),
    )


def listed_pairs(task: Task, split: str, source: Source, rows: list[Row], *, functions: Mapping[str, str]) -> Dataset:
    """Two function ids a row; only the functions that are used come along.

    Raises:
        InputError: as `function_items`, or ids that are not in `functions`.
    """
    pairs = [(row.name(source.left), row.name(source.right)) for row in rows]
    _check_known(pairs, rows, functions)
    index_of = _first_use(pairs)
    return Dataset(
        task=task,
        split=split,
        functions=tuple(functions[name] for name in index_of),
        function_ids=tuple(index_of),
        items=tuple((index_of[left], index_of[right]) for left, right in pairs),
        labels=_labels(task, source, rows),
        ids=_item_ids(source, rows),
    )


def _first_use(pairs: list[tuple[str, str]]) -> dict[str, int]:
    """Functions numbered by first use, so that a data set's hash depends on its items alone."""
    index_of: dict[str, int] = {}
    for pair in pairs:
        for name in pair:
            index_of.setdefault(name, len(index_of))
    return index_of


def _check_known(pairs: list[tuple[str, str]], rows: list[Row], functions: Mapping[str, str]) -> None:
    unknown = [(name, row) for pair, row in zip(pairs, rows, strict=True) for name in pair if name not in functions]
    if unknown:
        name, row = unknown[0]
        raise InputError(
            f"{row.position}: function id {name!r} is not in the functions file ({len({n for n, _ in unknown})} of "
            f"{len({n for pair in pairs for n in pair})} ids are missing); check data.functions and its id column"
        )
