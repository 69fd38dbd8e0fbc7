"""Judgements of some items, spread over all: words learn what judges opinions, and answer for what nobody judged.

An item with a sure judgement keeps it. Where a split has items without one, words learn all sure judgements of
`labelled` and `unlabelled` (`soft_words.py`) and answer the others, those of "unsure" and of judges who contradict each
other too. A student of few judgements learns far more from such answers on further functions than from the judgements
alone (docs/ablations.md).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codewren.core.dataset import Dataset
from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.data.load import HALVES, available_splits, load_split
from codewren.train.teachers.judgements import Floats, Opinions, check_all_judged, read_opinions
from codewren.train.teachers.logits_file import Logits
from codewren.train.teachers.logits_teacher import SPLIT_MARK, FileTeacher
from codewren.train.teachers.soft_words import ALGORITHM, FOLDS, SoftFit, fit_soft_words

LEAST_JUDGED = 2 * FOLDS
"""Each fold of a cross-validation then has two."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What the words are worth that answer for unjudged items.

    Attributes:
        judged: items whose sure judgements they learnt.
        hits: of these (of a multi-label task of their labels), how many words without the item's fold judge alike.
        common: how many the commonest answer alone would.
        of: how many there are.
        agreement: of pairs of judges on one item, how many agree, and how many pairs there are.
        temperature: by which their logits were divided.
        shares: of each split to learn from, its items and how many of them words answer.
    """

    judged: int
    hits: int
    common: int
    of: int
    agreement: tuple[int, int]
    temperature: float
    shares: dict[str, tuple[int, int]]


@dataclass(eq=False)
class SpreadTeacher:
    """Judgements of functions, and words that learnt them where there are none; fitted when it is first asked.

    Attributes:
        recipe: task, splits and `teacher.spread`.
        files: the judgements.
    """

    recipe: Recipe
    files: FileTeacher
    _opinions: dict[tuple[str, tuple[str, ...]], Opinions] = field(default_factory=dict, repr=False)
    _fitted: SoftFit | None = field(default=None, repr=False)

    @property
    def sha256(self) -> str:
        """Hash of the judgements, of what they are of, and of the way that words learn them."""
        return hashlib.sha256(repr(self._uses()).encode()).hexdigest()

    def sha256_for(self, dataset: Dataset) -> str:
        """The same with the ids of a data set, by which its own judgements are found."""
        return hashlib.sha256(repr((*self._uses(), dataset.split, dataset.ids)).encode()).hexdigest()

    def _uses(self) -> tuple[object, ...]:
        learnt = [(split.split, split.sha256(), split.ids) for split in self._splits]
        return (ALGORITHM, self.files.sha256, self.recipe.teacher.spread, self.recipe.task.labels, learnt)

    def covers(self, split: str) -> bool:
        """Any split, where words answer; else those that are judged."""
        return self.spreads or self.files.covers(split)

    @cached_property
    def spreads(self) -> bool:
        """Whether words answer for some items."""
        wanted = self.recipe.teacher.spread
        return wanted is not False and (
            wanted is True or any(not self._of(other).judged.all() for other in self._taught)
        )

    @property
    def left_out(self) -> list[str]:
        """Splits with judgements that the student does not learn from."""
        taught = self.recipe.distil.train_on
        return [other.split for other in self._splits if other.split not in taught and self._of(other).judged.any()]

    def logits(self, dataset: Dataset, *, partial: Path | None = None, quiet: bool = True) -> Logits:
        """Logits (n, C): of sure judgements their own, of all other items those of words."""
        opinions, multi_label = self._of(dataset), dataset.task.is_multi_label
        if not self.spreads:
            check_all_judged(self.files.files(dataset.split)[0], opinions, dataset)
            return opinions.logits(multi_label=multi_label)
        logits, ask = opinions.logits(multi_label=multi_label), np.flatnonzero(~opinions.sure(multi_label=multi_label))
        if len(ask):
            words = self._fit(quiet).words
            logits[ask] = words.logits([dataset.functions[dataset.items[at][0]] for at in ask])
        return logits

    def spread(self, *, quiet: bool = True) -> Spread:
        """How far words agree, out of fold, with the judgements that they learnt."""
        fit, multi_label = self._fit(quiet), self.recipe.task.is_multi_label
        _, probabilities = self._judged()
        if multi_label:
            alike, truth = (fit.out_of_fold > 0) == (probabilities > 0.5), probabilities > 0.5
            common = int(np.maximum(truth.sum(axis=0), (~truth).sum(axis=0)).sum())
        else:
            truth = probabilities.argmax(axis=1)
            alike, common = fit.out_of_fold.argmax(axis=1) == truth, int(np.bincount(truth).max())
        pairs = [self._of(split).agreement for split in self._splits]
        shares = {split.split: (len(split), int((~self._sure(split)).sum())) for split in self._taught}
        agreement = (sum(same for same, _ in pairs), sum(count for _, count in pairs))
        return Spread(
            len(probabilities), int(alike.sum()), common, alike.size, agreement, fit.words.temperature, shares
        )

    @cached_property
    def _splits(self) -> tuple[Dataset, ...]:
        """All that judgements may be learnt from, whether or not the student learns from it."""
        return tuple(load_split(self.recipe, split) for split in available_splits(self.recipe) if split in HALVES)

    @property
    def _taught(self) -> list[Dataset]:
        return [split for split in self._splits if split.split in self.recipe.distil.train_on]

    def _sure(self, dataset: Dataset) -> NDArray[np.bool_]:
        return self._of(dataset).sure(multi_label=dataset.task.is_multi_label)

    def _of(self, dataset: Dataset) -> Opinions:
        key = (dataset.split, dataset.ids)
        if key not in self._opinions:
            self._opinions[key] = self._read(dataset)
        return self._opinions[key]

    def _read(self, dataset: Dataset) -> Opinions:
        """What the files say of a split; one whose name has no `{split}` says it of all splits to learn from."""
        opinions = []
        for path, file in zip(self.files.paths, self.files.files(dataset.split), strict=True):
            named = SPLIT_MARK in str(path)
            must = dataset.split in self.recipe.distil.train_on and self.recipe.teacher.spread is False
            if (must or file.is_file()) if named else self._speaks_of(dataset):
                opinions.append(
                    read_opinions(
                        file,
                        dataset,
                        confidence=self.files.confidence,
                        cut=dataset.split in self.files.cut,
                        elsewhere=frozenset() if named else self._other_ids(dataset),
                    )
                )
        return pooled(opinions, dataset)

    def _speaks_of(self, dataset: Dataset) -> bool:
        """Whether a file without `{split}` means this split: it is learnt from, or half of the data with its own ids.

        Raises:
            TeacherError: two splits to learn from share an id, so that nobody knows which item is meant.
        """
        taught = [other for other in self._taught if other.split != dataset.split]
        shared = [(other, name) for other in taught for name in sorted(set(other.ids) & set(dataset.ids))]
        if not self.files.covers(dataset.split):
            return dataset.split in HALVES and not shared
        if shared:
            other, name = shared[0]
            raise TeacherError(
                f"{self.files.paths[0]}: {len(shared)} ids are of items of both {dataset.split!r} and {other.split!r}, "
                f"{name!r} the first; give ids that differ, or a file of each split (judgements-{SPLIT_MARK}.jsonl)"
            )
        return True

    def _other_ids(self, dataset: Dataset) -> frozenset[str]:
        """Ids of the other splits, which the same file may judge."""
        splits = [other for other in self._splits if other.split != dataset.split]
        if "valid" in available_splits(self.recipe):
            splits.append(load_split(self.recipe, "valid"))
        return frozenset(name for split in splits for name in split.ids)

    def _judged(self) -> tuple[list[str], Floats]:
        """Texts and probabilities of all sure judgements."""
        texts, rows = list[str](), []
        for split in self._splits:
            sure = np.flatnonzero(self._sure(split))
            texts += [split.functions[split.items[at][0]] for at in sure]
            rows.append(self._of(split).probabilities[sure])
        return texts, np.concatenate(rows) if rows else np.zeros((0, len(self.recipe.task.labels)))

    def _fit(self, quiet: bool) -> SoftFit:
        """The words, fitted once.

        Raises:
            TeacherError: too few sure judgements, or all alike.
        """
        if self._fitted is None:
            texts, probabilities = self._judged()
            self._check(probabilities)
            multi_label = self.recipe.task.is_multi_label
            self._fitted = fit_soft_words(texts, probabilities, multi_label=multi_label, quiet=quiet)
        return self._fitted

    def _check(self, probabilities: Floats) -> None:
        path, opinions = self.files.paths[0], [self._of(split) for split in self._splits]
        if not any(split.judged.any() for split in opinions):
            raise TeacherError(
                f"{path}: no item of {', '.join(HALVES)} is judged; name the file of judgements there is"
            )
        if len(probabilities) < LEAST_JUDGED:
            raise TeacherError(
                f"{path}: {len(probabilities)} of {sum(int(split.judged.sum()) for split in opinions):,} judged items "
                f"have a sure answer, the others are 'unsure' or their judges contradict each other; wanted "
                f"{LEAST_JUDGED} or more, judge further ones"
            )
        answers = probabilities > 0.5 if self.recipe.task.is_multi_label else probabilities.argmax(axis=1)[:, None]
        if len(np.unique(answers, axis=0)) == 1:
            only = "the same" if self.recipe.task.is_multi_label else repr(self.recipe.task.labels[answers[0, 0]])
            raise TeacherError(
                f"{path}: all {len(probabilities):,} sure judgements say {only}; nothing tells labels apart, judge "
                "items of other labels too"
            )


def pooled(opinions: Sequence[Opinions], dataset: Dataset) -> Opinions:
    """Several files' judgements of a split as one: of each item the mean of those that judge it."""
    even = 0.5 if dataset.task.is_multi_label else 1 / len(dataset.task.labels)
    count = np.sum([file.judged for file in opinions], axis=0) if opinions else np.zeros(len(dataset))
    total = np.full((len(dataset), len(dataset.task.labels)), 0.0)
    for file in opinions:
        total += file.probabilities * file.judged[:, None]
    judged = np.asarray(count > 0)
    probabilities = np.where(judged[:, None], total / np.maximum(count, 1)[:, None], even)
    agree, pairs = (sum(file.agreement[part] for file in opinions) for part in (0, 1))
    return Opinions(probabilities, judged, (agree, pairs))
