"""What the predictors of all forms of bundle share."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from codewren.bundle.open import AnyBundle
from codewren.core.task import Task
from codewren.predict.checked_items import Items, Languages, label_enum, predicted_labels
from codewren.predict.copies import pickled, reopened

AnyBundleT = TypeVar("AnyBundleT", bound=AnyBundle)


class BasePredictor(ABC, Generic[AnyBundleT]):
    """A bundle that is ready to judge source code.

    An item is a string for a function task, and two strings (a tuple or list) for a pair task.

    Attributes:
        bundle: the checked file.
        labels: an `IntEnum` of the task's labels in column order: `labels(1)`, `labels["clone"]`; an `IntFlag` where
            an item has several at once.
        threads: how many functions, or blocks of pairs, are worked on at once; results do not depend on it.
    """

    def __init__(self, bundle: AnyBundleT, *, threads: int | None = None, target: str = "") -> None:
        """`target` names an instruction set; the subclass hands it to the native core."""
        self.bundle = bundle
        self.threads = threads or os.cpu_count() or 1
        self.labels = label_enum(bundle.task)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Another predictor of the same bundle."""
        return type(self)(self.bundle, threads=self.threads, target=self.target)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as `codewren.predict.copies` says."""
        return reopened, (type(self), *pickled(self.bundle, self.threads))

    @property
    @abstractmethod
    def target(self) -> str:
        """The instruction set in use."""

    @property
    def path(self) -> Path:
        """Where the bundle was read."""
        return self.bundle.path

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The bundle's manifest."""
        return self.bundle.manifest

    @property
    def task(self) -> Task:
        """What is judged."""
        return self.bundle.task

    def predict(self, items: Items, *, languages: Languages = None) -> list[IntEnum | IntFlag]:
        """One label an item; members compare equal to the label numbers of data files and carry a `name`.

        Of a multi-label task an item's labels as one flag, which can be iterated over: `Label.files | Label.network`.

        `languages` names one for each item: a student that reads data flow needs it where it is not the task's own,
        an encoder guesses it otherwise.

        Raises:
            InputError: an item is not what the task judges.
        """
        rows = self.predict_proba(items, languages=languages)
        return predicted_labels(rows, self.task, self.labels, self.bundle.decision)

    @abstractmethod
    def predict_proba(self, items: Items, *, languages: Languages = None) -> list[list[float]]:
        """Probabilities, one row an item, columns in the order of `task.labels`; `languages` as in `predict`.

        Raises:
            InputError: an item is not what the task judges.
        """
