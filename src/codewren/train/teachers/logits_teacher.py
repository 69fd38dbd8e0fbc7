"""A teacher whose logits lie in files already, and true labels in their place where it has none."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codewren.core.dataset import Dataset
from codewren.core.files import file_sha256
from codewren.data.load import SPLITS
from codewren.measure.label_sets import bits
from codewren.train.teachers.judgements import read_judgements
from codewren.train.teachers.logits_file import Logits, read_logits

SPLIT_MARK = "{split}"
TAUGHT = "unlabelled"
"""The split that a file of logits without `{split}` in its name is of, where labels teach the others."""


@dataclass(frozen=True, slots=True)
class FileTeacher:
    """Logits that other models left behind, averaged; labels where they left none.

    Attributes:
        paths: the files; `{split}` in one stands for the split's name.
        train_on: the splits they cover when no path has `{split}`.
        label_margin: if not 0, the files are of `unlabelled`, and the other splits to learn from teach their labels.
        confidence: if not 0, the files hold judgements, and this is what one counts that states no confidence.
        cut: splits of which the recipe takes the first rows only (`limit`), and of the files likewise.
    """

    paths: tuple[Path, ...]
    train_on: tuple[str, ...]
    label_margin: float = 0.0
    confidence: float = 0.0
    cut: tuple[str, ...] = ()

    def files(self, split: str) -> list[Path]:
        """The files of a split."""
        return [Path(str(path).replace(SPLIT_MARK, split)) for path in self.paths]

    @property
    def sha256(self) -> str:
        """Of the files of all splits that it covers."""
        splits = dict.fromkeys((*self.train_on, *(split for split in SPLITS if self.covers(split))))
        files = [file for split in splits for file in self.files(split)]
        known = [file_sha256(file) for file in files if file.is_file()]
        known.append(f"label_margin {self.label_margin}")
        known += [f"confidence {self.confidence}"] if self.confidence else []
        return hashlib.sha256("".join(known).encode()).hexdigest()

    def sha256_for(self, dataset: Dataset) -> str:
        """Of everything that the logits of a data set depend on: rows are found by id, and labels may teach."""
        uses = (self.sha256, dataset.task.labels, dataset.ids, dataset.labels if self.label_margin else None)
        return hashlib.sha256(repr(uses).encode()).hexdigest()

    def covers(self, split: str) -> bool:
        """A split to learn from; others only where their own files exist."""
        own = any(SPLIT_MARK in str(path) for path in self.paths)
        return split in self.train_on or (own and all(file.is_file() for file in self.files(split)))

    def logits(self, dataset: Dataset, *, partial: Path | None = None, quiet: bool = True) -> Logits:
        """Read and check the files, or turn labels into logits."""
        if self.label_margin and dataset.split != TAUGHT and dataset.split in self.train_on:
            return label_logits(dataset, self.label_margin)
        read = [self._read(file, dataset) for file in self.files(dataset.split)]
        return np.asarray(np.mean(read, axis=0), dtype=np.float32)

    def _read(self, file: Path, dataset: Dataset) -> Logits:
        if self.confidence:
            return read_judgements(file, dataset, confidence=self.confidence, cut=dataset.split in self.cut)
        return read_logits(file, dataset, cut=dataset.split in self.cut)


def label_logits(dataset: Dataset, margin: float) -> Logits:
    """Logits (n, C), those of the item's label or labels `margin` above the others."""
    logits = np.full((len(dataset), len(dataset.task.labels)), -margin / 2, dtype=np.float32)
    labels = np.asarray(dataset.known_labels())
    if dataset.task.is_multi_label:
        logits[bits(labels, logits.shape[1])] = margin / 2
    else:
        logits[np.arange(len(dataset)), labels] = margin / 2
    return logits
