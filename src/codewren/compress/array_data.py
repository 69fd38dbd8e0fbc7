"""A task given as arrays: checked, split, and written as the files and the recipe of an ordinary run."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.compress.few_labels import LEAST_STEPS, MARGIN, STUDENT
from codewren.core.errors import InputError
from codewren.core.files import atomic_write, write_bytes
from codewren.core.task import Task
from codewren.measure.label_sets import bits

Item = tuple[str, ...]
"""One text, or the two of a pair."""
TEXT_COLUMNS = ("func", "func2")
ARRAYS = "arrays"
"""Folder of the data below that of the run."""


@dataclass(frozen=True, slots=True, eq=False)
class ArrayData:
    """Items to learn from, and others that pick the epoch.

    Attributes:
        task: what is judged; its labels are in the order of the columns.
        items: to learn from.
        targets: the label of each as the task counts it, an index or a set; where there are logits, what they say.
        logits: (n, C) of a teacher, or None where labels teach.
        valid: items that pick the epoch.
        valid_targets: the label of each.
    """

    task: Task
    items: Sequence[Item]
    targets: NDArray[np.int64]
    logits: NDArray[np.float32] | None
    valid: Sequence[Item]
    valid_targets: NDArray[np.int64]

    @property
    def texts_per_item(self) -> int:
        """1 for functions, 2 for pairs."""
        return len(self.items[0])

    def write(self, folder: Path) -> dict[str, Any]:
        """Write the items and the logits below a run's folder; the tables of the recipe that reads them."""
        taught = "labelled" if self.logits is None else "unlabelled"
        data = folder / ARRAYS
        _write_items(data / f"{taught}.jsonl", self.items, self._named(self.targets))
        _write_items(data / "valid.jsonl", self.valid, self._named(self.valid_targets))
        teacher: dict[str, Any] = {"kind": "logits", "path": "logits.npy"}
        if self.logits is None:
            teacher["label_margin"] = MARGIN  # the other labels' logits are so much lower: there is no file
        else:
            with atomic_write(data / teacher["path"]) as stream:
                np.save(stream, self.logits)
        columns = {"text2": TEXT_COLUMNS[1]} if self.texts_per_item == 2 else {}
        sources = {split: {"path": f"{split}.jsonl", **columns} for split in (taught, "valid")}
        return {
            "data": {"root": str(data.resolve()), **sources},
            "teacher": teacher,
            "search": {"strategy": "fixed"},
            "student": {**STUDENT, "pair_head": "symmetric"},
            "distil": {"train_on": [taught]},
        }

    def _named(self, targets: NDArray[np.int64]) -> list[str | list[str]]:
        """Labels by name, as a file of items has them."""
        names = self.task.labels
        if not self.task.is_multi_label:
            return [names[target] for target in targets]
        return [[names[k] for k in np.flatnonzero(there)] for there in bits(targets, len(names))]

    def epochs(self, batch_size: int) -> int:
        """Passes over the items that make steps enough."""
        return max(3, -(-LEAST_STEPS // -(-len(self.items) // batch_size)))


def array_items(X: Any, name: str = "X") -> list[Item]:
    """The items of an array, a list, or a column or two of a data frame.

    Raises:
        InputError: one that is neither a text nor a pair of texts, or items of both kinds.
    """
    if isinstance(X, str | Mapping):
        raise InputError(f"{name} is a {type(X).__name__}, wanted a list or an array of texts, or of pairs of texts")
    values = X.to_numpy() if hasattr(X, "to_numpy") else X
    items = [_item(value, f"{name}[{index}]") for index, value in enumerate(values)]
    if len({len(item) for item in items}) > 1:
        raise InputError(f"{name} holds texts and pairs of texts; wanted one kind")
    return items


def _item(value: Any, place: str) -> Item:
    texts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple | np.ndarray) else ()
    if len(texts) not in (1, 2) or not all(isinstance(text, str) for text in texts):
        raise InputError(f"{place} is {value!r:.60}, wanted a text or a pair of texts")
    if not all(text.strip() for text in texts):
        raise InputError(f"{place} is empty, wanted source text; drop it")
    return tuple(str(text) for text in texts)


def put_aside(items: Sequence[Item], targets: NDArray[np.int64], fraction: float, seed: int) -> set[int]:
    """Indices of a share of the items, of each label alike; equal items are put aside together.

    Raises:
        InputError: the share is none, or leaves a side without items.
    """
    if not 0 < fraction < 1:
        raise InputError(f"validation_fraction is {fraction}, wanted above 0 and below 1")
    copies: dict[Item, list[int]] = {}
    for index, item in enumerate(items):
        copies.setdefault(item, []).append(index)
    firsts = sorted(copies.values(), key=lambda places: (targets[places[0]], _draw(items[places[0]], seed)))
    every = [int((place + 0.5) * fraction) < int((place + 1.5) * fraction) for place in range(len(firsts))]
    aside = {index for places, taken in zip(firsts, every, strict=True) if taken for index in places}
    if not 0 < len(aside) < len(items):
        raise InputError(f"validation_fraction {fraction} puts {len(aside)} of {len(items)} items aside; give X_val")
    return aside


def _draw(item: Item, seed: int) -> bytes:
    return hashlib.sha256(repr((seed, item)).encode("utf-8", "surrogatepass")).digest()


def _write_items(path: Path, items: Sequence[Item], labels: Sequence[str | list[str]]) -> None:
    lines = (
        json.dumps({**dict(zip(TEXT_COLUMNS, item, strict=False)), "label": label})
        for item, label in zip(items, labels, strict=True)
    )
    write_bytes(path, "".join(line + "\n" for line in lines).encode())
