"""Items of a task: every function once, items as indices into the functions."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from codewren.core.errors import InputError
from codewren.core.task import Task


@dataclass(frozen=True, slots=True)
class Dataset:
    """One split of a task.

    Attributes:
        task: what is judged.
        split: `labelled`, `unlabelled`, `valid` or `test`.
        functions: distinct entries of source text; function ids in `function_ids`, same order.
        items: for each item its one or two indices into `functions`.
        labels: for each item its label index, or None where unknown.
        ids: for each item a name that survives shuffling.
    """

    task: Task
    split: str
    functions: tuple[str, ...]
    function_ids: tuple[str, ...]
    items: tuple[tuple[int, ...], ...]
    labels: tuple[int | None, ...]
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.items)

    def texts(self, index: int) -> tuple[str, ...]:
        """Source texts of one item: one function, or a pair."""
        return tuple(self.functions[i] for i in self.items[index])

    def sources(self) -> list[str] | list[tuple[str, str]]:
        """All items in the form `Predictor.predict` takes: strings, or pairs of strings."""
        if self.task.functions_per_item == 1:
            return [self.functions[i] for (i,) in self.items]
        return [(self.functions[i], self.functions[j]) for i, j in self.items]

    def subset(self, indices: Iterable[int], split: str | None = None) -> Self:
        """Items at `indices`, in that order, with only the functions they use."""
        chosen = list(indices)
        used = sorted({i for index in chosen for i in self.items[index]})
        index_of = {old: new for new, old in enumerate(used)}
        return replace(
            self,
            split=split or self.split,
            functions=tuple(self.functions[i] for i in used),
            function_ids=tuple(self.function_ids[i] for i in used),
            items=tuple(tuple(index_of[i] for i in self.items[index]) for index in chosen),
            labels=tuple(self.labels[index] for index in chosen),
            ids=tuple(self.ids[index] for index in chosen),
        )

    def known_labels(self) -> list[int]:
        """Label indices, all known.

        Raises:
            InputError: an item has no label.
        """
        missing = sum(label is None for label in self.labels)
        if missing:
            raise InputError(f"split {self.split!r}: {missing} of {len(self)} items have no label; this verb needs all")
        return [label for label in self.labels if label is not None]

    def sha256(self) -> str:
        """Hash of the texts in item order: what a logits file is aligned with (labels do not enter)."""
        digest = hashlib.sha256()
        for text in self.functions:
            digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
        for item in self.items:
            digest.update(repr(item).encode())
        return digest.hexdigest()


def collapse_whitespace(code: str) -> str:
    r"""Join all runs of white space to one space: how both papers feed code to every tokenizer.

    Source: Compressor `utils.py`; SPEC 1.8.

    >>> collapse_whitespace("int  f( ) {\n\n  return 1; }")
    'int f( ) { return 1; }'
    """
    return " ".join(code.split())
