"""A teacher of words and word pairs: TF-IDF and logistic regression, in minutes and without a pretrained model.

On noisy labels such as Devign's it is a stronger teacher than a fine-tuned encoder of 22 M parameters (docs/log.md).
What it says of the items it learns from is out of fold, so that a student is taught judgement, not memory.

Source: Wang and Manning, Baselines and Bigrams, ACL 2012; stacking out of fold: Wolpert 1992.
"""

import hashlib
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.core.dataset import Dataset
from codewren.core.errors import TeacherError
from codewren.core.progress import Bar
from codewren.core.recipe import Recipe
from codewren.core.task import Kind, Unit
from codewren.data.load import load_split
from codewren.train.teachers.logits_file import Logits
from codewren.train.teachers.word_regression import WordRegression

FOLDS = 5
LEAST_DOCUMENTS = 3
"""Words and pairs in fewer functions are left out."""
STRENGTH = 1.0
"""Inverse of the ridge penalty."""
ALGORITHM = 1  # raise it when the same data would give other logits
TOKEN = re.compile(r"[A-Za-z_]\w*|\d+|[^\s\w]")

Floats = NDArray[np.float64]


@dataclass(eq=False)
class NgramTeacher:
    """Learns from the labels of every split in `distil.train_on`; fitted when it is first asked.

    Two labels are one regression, more of them one of all (multinomial), several at once one each. Of an order words
    learn the labels only: their probabilities, of which the median is taken.

    Raises:
        TeacherError: pairs, or items without labels.
    """

    recipe: Recipe
    _fitted: "_Fitted | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        task = self.recipe.task
        if task.unit is not Unit.FUNCTION:
            raise TeacherError(
                f"teacher.kind 'ngrams' judges single functions, task {task.name!r} judges pairs; finetune an encoder"
            )

    @property
    def sha256(self) -> str:
        """Hash of the texts, the labels and this algorithm's numbers."""
        task = self.recipe.task
        numbers = (ALGORITHM, FOLDS, LEAST_DOCUMENTS, STRENGTH, task.labels, task.positive)
        kind = () if task.kind is Kind.SINGLE_LABEL else (str(task.kind),)
        digest = hashlib.sha256(repr((*numbers, *kind)).encode())
        for dataset in self._training_splits():
            digest.update(f"{dataset.sha256()} {dataset.labels}".encode())
        return digest.hexdigest()

    def covers(self, split: str) -> bool:
        """Any split."""
        return True

    def logits(self, dataset: Dataset, *, partial: Path | None = None, quiet: bool = True) -> Logits:
        """Logits (n, C): out of fold for what was learnt from, else by the model of all."""
        if self._fitted is None:
            self._fitted = _fit(self._training_splits(), quiet=quiet)
        return self._fitted.logits(dataset).astype(np.float32)

    def _training_splits(self) -> list[Dataset]:
        return [load_split(self.recipe, split) for split in self.recipe.distil.train_on]


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """The model of all items, and what models that had not seen them say of the items it learnt from."""

    vectorizer: Any
    model: WordRegression
    out_of_fold: dict[str, Floats]

    def logits(self, dataset: Dataset) -> Floats:
        """Logits (n, C)."""
        known = self.out_of_fold.get(dataset.split)
        if known is not None:
            if len(known) != len(dataset):
                raise TeacherError(
                    f"{len(dataset)} items of split {dataset.split!r}, learnt from {len(known)}; give all"
                )
            return known
        return self.model.logits(self.vectorizer.transform(_words(dataset)))


def _fit(splits: list[Dataset], *, quiet: bool) -> _Fitted:
    from sklearn.feature_extraction.text import TfidfVectorizer

    task = splits[0].task
    vectorizer = TfidfVectorizer(
        token_pattern=r"\S+", ngram_range=(1, 2), min_df=LEAST_DOCUMENTS, sublinear_tf=True, binary=True
    )
    regression = partial(_regression, "liblinear" if len(task.labels) == 2 or task.is_multi_label else "lbfgs")
    with Bar("teacher of n-grams", FOLDS + 2, quiet=quiet) as bar:
        features = vectorizer.fit_transform([text for split in splits for text in _words(split)])
        bar.advance()
        labels_N = _known_labels(splits)
        fold_N = _folds(splits)
        model = WordRegression.fit(features, labels_N, task, regression)
        bar.advance()
        logits_NC = np.empty((len(labels_N), len(task.labels)))
        for fold in range(FOLDS):
            held_out = fold_N == fold
            without_fold = WordRegression.fit(features[~held_out], labels_N[~held_out], task, regression)
            logits_NC[held_out] = without_fold.logits(features[held_out])
            bar.advance()
    ends = np.cumsum([len(split) for split in splits])[:-1]
    parts = np.split(logits_NC, ends)
    return _Fitted(vectorizer, model, {split.split: part for split, part in zip(splits, parts, strict=True)})


def _regression(solver: str) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=STRENGTH, solver=solver, max_iter=200, random_state=0)


def _words(dataset: Dataset) -> list[str]:
    """Identifiers, numbers and signs of each item, apart; layout does not enter."""
    texts = [" ".join(TOKEN.findall(text)) for text in dataset.functions]
    return [texts[index] for (index,) in dataset.items]


def _known_labels(splits: list[Dataset]) -> NDArray[np.int64]:
    """Labels (N,), or sets of them."""
    labels = [label for split in splits for label in split.known_labels()]
    if len(set(labels)) < 2:
        raise TeacherError(f"all {len(labels)} items to learn from have one label; a teacher needs two or more")
    return np.asarray(labels, dtype=np.int64)


def _folds(splits: list[Dataset]) -> NDArray[np.int64]:
    """Fold of each item by the hash of its text: copies of a function are never on both sides."""
    texts = (split.functions[index] for split in splits for (index,) in split.items)
    digests = (hashlib.sha256("".join(text.split()).encode("utf-8", "surrogatepass")).digest() for text in texts)
    return np.asarray([int.from_bytes(digest[:8], "big") % FOLDS for digest in digests])
