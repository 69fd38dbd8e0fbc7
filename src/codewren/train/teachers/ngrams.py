"""A teacher of words and word pairs: TF-IDF and logistic regression, in minutes and without a pretrained model.

On noisy labels such as Devign's it is a stronger teacher than a fine-tuned encoder of 22 M parameters (docs/log.md).
What it says of the items it learns from is out of fold, so that a student is taught judgement, not memory.

Source: Wang and Manning, Baselines and Bigrams, ACL 2012; stacking out of fold: Wolpert 1992.
"""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.core.dataset import Dataset
from codewren.core.errors import TeacherError
from codewren.core.progress import Bar
from codewren.core.recipe import Recipe
from codewren.core.task import Unit
from codewren.data.load import load_split
from codewren.train.teachers.logits_file import Logits

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

    Raises:
        TeacherError: pairs, more than two labels, or items without labels.
    """

    recipe: Recipe
    _fitted: "_Fitted | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        task = self.recipe.task
        if task.unit is not Unit.FUNCTION or len(task.labels) != 2:
            raise TeacherError(
                f"teacher.kind 'ngrams' judges single functions with two labels, task {task.name!r} has "
                f"{task.unit} items and {len(task.labels)} labels; finetune an encoder instead"
            )

    @property
    def sha256(self) -> str:
        """Hash of the texts, the labels and this algorithm's numbers."""
        task = self.recipe.task
        numbers = (ALGORITHM, FOLDS, LEAST_DOCUMENTS, STRENGTH, task.labels, task.positive)
        digest = hashlib.sha256(repr(numbers).encode())
        for dataset in self._training_splits():
            digest.update(f"{dataset.sha256()} {dataset.labels}".encode())
        return digest.hexdigest()

    def covers(self, split: str) -> bool:
        """Any split."""
        return True

    def logits(self, dataset: Dataset, *, partial: Path | None = None, quiet: bool = True) -> Logits:
        """Logits (n, 2): out of fold for what was learnt from, else by the model of all."""
        if self._fitted is None:
            self._fitted = _fit(self._training_splits(), quiet=quiet)
        margin_N = self._fitted.margins(dataset)
        sign = 1 if self.recipe.task.positive_index == 1 else -1
        return np.stack([-margin_N * sign / 2, margin_N * sign / 2], axis=1).astype(np.float32)

    def _training_splits(self) -> list[Dataset]:
        return [load_split(self.recipe, split) for split in self.recipe.distil.train_on]


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """The model of all items, and what models that had not seen them say of the items it learnt from."""

    vectorizer: Any
    model: Any
    out_of_fold: dict[str, Floats]

    def margins(self, dataset: Dataset) -> Floats:
        """Log-odds (n,) of the positive label."""
        known = self.out_of_fold.get(dataset.split)
        if known is not None:
            if len(known) != len(dataset):
                raise TeacherError(
                    f"{len(dataset)} items of split {dataset.split!r}, learnt from {len(known)}; give all"
                )
            return known
        margins: Floats = self.model.decision_function(self.vectorizer.transform(_words(dataset)))
        return margins


def _fit(splits: list[Dataset], *, quiet: bool) -> _Fitted:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        token_pattern=r"\S+", ngram_range=(1, 2), min_df=LEAST_DOCUMENTS, sublinear_tf=True, binary=True
    )
    with Bar("teacher of n-grams", FOLDS + 2, quiet=quiet) as bar:
        features = vectorizer.fit_transform([text for split in splits for text in _words(split)])
        bar.advance()
        positive_N = _positive(splits)
        fold_N = _folds(splits)
        model = _regression().fit(features, positive_N)
        bar.advance()
        margin_N = np.empty(len(positive_N))
        for fold in range(FOLDS):
            held_out = fold_N == fold
            margin_N[held_out] = (
                _regression().fit(features[~held_out], positive_N[~held_out]).decision_function(features[held_out])
            )
            bar.advance()
    ends = np.cumsum([len(split) for split in splits])[:-1]
    margins = np.split(margin_N, ends)
    return _Fitted(vectorizer, model, {split.split: margin for split, margin in zip(splits, margins, strict=True)})


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=200, random_state=0)


def _words(dataset: Dataset) -> list[str]:
    """Identifiers, numbers and signs of each item, apart; layout does not enter."""
    texts = [" ".join(TOKEN.findall(text)) for text in dataset.functions]
    return [texts[index] for (index,) in dataset.items]


def _positive(splits: list[Dataset]) -> NDArray[np.int64]:
    labels = [label for split in splits for label in split.known_labels()]
    positive_N: NDArray[np.int64] = (np.asarray(labels) == splits[0].task.positive_index).astype(np.int64)
    if len(set(positive_N.tolist())) < 2:
        raise TeacherError(f"all {len(positive_N)} items to learn from have one label; a teacher needs both")
    return positive_N


def _folds(splits: list[Dataset]) -> NDArray[np.int64]:
    """Fold of each item by the hash of its text: copies of a function are never on both sides."""
    texts = (split.functions[index] for split in splits for (index,) in split.items)
    digests = (hashlib.sha256("".join(text.split()).encode("utf-8", "surrogatepass")).digest() for text in texts)
    return np.asarray([int.from_bytes(digest[:8], "big") % FOLDS for digest in digests])
