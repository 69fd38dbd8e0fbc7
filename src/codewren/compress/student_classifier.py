"""The main path behind scikit-learn's interface, for those who have arrays: `fit(X, y)`, `predict`, `save`."""

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, check_random_state

from codewren.compress.array_data import ArrayData, array_items, put_aside
from codewren.compress.array_targets import Targets
from codewren.compress.path import compress
from codewren.compress.run import Run
from codewren.core.errors import RecipeError
from codewren.core.files import write_bytes
from codewren.core.recipe import Recipe
from codewren.core.recipe_files import merge_tables, read_recipe_toml
from codewren.core.run_folder import REPORT, STUDENT
from codewren.core.task import Task, Unit
from codewren.measure.label_sets import bits
from codewren.predict.predictor import AnyPredictor, load

Floats = NDArray[np.float64]


class StudentClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A student as a scikit-learn classifier of functions, or of pairs of functions.

    `fit` writes the arrays and a recipe into a run's folder and goes the way of `codewren compress`, so that what comes
    out is the same file. An item is a text, or two texts for a task of pairs.

    Args:
        language: of the functions, where a scan is to read that language only.
        positive: the label that a scan reports; by default the last of `classes_`.
        classes: names of the columns of `y` where it holds logits or an indicator, by default 0, 1, 2 …; of an order
            the labels, from the least alarming to the most.
        kind: `single-label`, `multi-label` or `ordinal`; by default several labels at once where `y` is an indicator,
            else one. An order is never guessed.
        epochs: passes over the items; by default enough for 400 steps, and at least 3.
        recipe: tables of a recipe, or the path of one, without `[data]` and `[teacher]`: sizes, search, budget.
        validation_fraction: share of the items that picks the epoch, where `fit` is given none for it.
        random_state: of the first weights, the batches, and the items put aside.
        out: folder of the run, which stays; None uses a temporary one.
        verbose: progress and warnings on standard error.

    Attributes:
        classes_: labels, sorted, or in their order; the columns of `predict_proba`.
        bundle_: bytes of the `*.wren` file.
        report_: the table of what came out, on the items that picked the epoch.

    >>> StudentClassifier(epochs=5)
    StudentClassifier(epochs=5)
    """

    classes_: NDArray[Any]
    bundle_: bytes
    report_: str
    _predictor: AnyPredictor | None

    def __init__(
        self,
        *,
        language: str | None = None,
        positive: Any = None,
        classes: Sequence[Any] | None = None,
        kind: str | None = None,
        epochs: int | None = None,
        recipe: Mapping[str, Any] | str | Path | None = None,
        validation_fraction: float = 0.2,
        random_state: Any = None,
        out: str | Path | None = None,
        verbose: bool = False,
    ) -> None:
        self.language = language
        self.positive = positive
        self.classes = classes
        self.kind = kind
        self.epochs = epochs
        self.recipe = recipe
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.out = out
        self.verbose = verbose

    def fit(self, X: Any, y: ArrayLike, *, X_val: Any = None, y_val: ArrayLike | None = None) -> Self:
        """Train a student.

        Args:
            X: n texts, or n pairs of texts: a list, an array, one or two columns of a data frame.
            y: n labels; an indicator of several labels at once, 0 or 1 of shape (n, C); or a teacher's logits, floating
                point of shape (n, C), before softmax or sigmoid.
            X_val: items that pick the epoch and are never learnt; by default a share of `X`.
            y_val: their labels or logits.

        Raises:
            InputError: an item that is no text, fewer than two labels, or probabilities in place of logits.
            ValueError: `y` has another length than `X`, or is neither labels nor finite logits.
            CodewrenError: a stage's own error.
        """
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        data, classes = self._data(X, y, X_val, y_val, seed=seed)
        if self.out is not None:
            self._compress(data, Path(self.out), seed)
        else:
            with tempfile.TemporaryDirectory(prefix="codewren-") as folder:
                self._compress(data, Path(folder), seed)
        self.classes_ = classes
        self._predictor = None
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """The label of each item, (n,), by the bundle's own threshold; of several at once an indicator, (n, C).

        Raises:
            NotFittedError: nothing is fitted yet.
            InputError: an item is not of the kind that was learnt.
        """
        check_is_fitted(self)
        labels = np.asarray([int(label) for label in self.predictor.predict(_sources(X))], dtype=np.int64)
        if self.predictor.task.is_multi_label:
            return bits(labels, len(self.classes_)).astype(np.int64)
        return self.classes_[labels]

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities (n, C), columns as `classes_`.

        Raises:
            NotFittedError, InputError: as `predict`.
        """
        check_is_fitted(self)
        rows = self.predictor.predict_proba(_sources(X))
        return np.asarray(rows, dtype=np.float64).reshape(len(rows), len(self.classes_))

    def save(self, path: str | Path) -> Path:
        """Write the `*.wren` file, which `codewren.load` and `codewren scan --model` read without scikit-learn.

        Raises:
            NotFittedError: nothing is fitted yet.
            InputError: the file cannot be written.
        """
        check_is_fitted(self)
        write_bytes(Path(path), self.bundle_)
        return Path(path)

    @property
    def predictor(self) -> AnyPredictor:
        """The loaded bundle, as `codewren.load` gives it."""
        check_is_fitted(self)
        if self._predictor is None:
            folder = tempfile.mkdtemp(prefix="codewren-")  # goes when the estimator does
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self._predictor = load(self.save(Path(folder) / STUDENT))
        return self._predictor

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle keeps: the bundle's bytes, and no place on this machine."""
        state: dict[str, Any] = super().__getstate__()
        return {**state, "_predictor": None} if "_predictor" in state else state

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a bundle."""
        return hasattr(self, "bundle_")

    def __sklearn_tags__(self) -> Any:
        """Texts go in, not numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, True, False
        tags.classifier_tags.multi_label = True
        return tags

    def _data(
        self, X: Any, y: ArrayLike, X_val: Any, y_val: ArrayLike | None, *, seed: int
    ) -> tuple[ArrayData, NDArray[Any]]:
        items, taught = array_items(X), Targets.read(y, kind=self.kind, classes=self.classes)
        check_consistent_length(items, taught.labels)
        unit = Unit.FUNCTION if len(items[0]) == 1 else Unit.PAIR
        names = tuple(str(name) for name in taught.classes)
        positive = names[-1] if self.positive is None else str(self.positive)
        task = Task("own", unit, names, positive, self.language, taught.kind)
        if X_val is not None:
            valid, judged = array_items(X_val, "X_val"), Targets.read(y_val, kind=self.kind, classes=self.classes)
            check_consistent_length(valid, judged.labels)
            found = judged.among(taught)
            return ArrayData(task, items, taught.labels, taught.logits, valid, found), taught.classes
        aside = put_aside(items, taught.labels, self.validation_fraction, seed)
        here = np.asarray([index for index in range(len(items)) if index not in aside])
        there = np.asarray(sorted(aside))
        shown = None if taught.logits is None else taught.logits[here]
        split = [[items[index] for index in indices] for indices in (here, there)]
        return ArrayData(task, split[0], taught.labels[here], shown, split[1], taught.labels[there]), taught.classes

    def _compress(self, data: ArrayData, out: Path, seed: int) -> None:
        tables = merge_tables(data.write(out), self._own_tables(data, seed))
        batch_size = int(tables["student"]["batch_size"])
        tables["distil"].setdefault("epochs", data.epochs(batch_size) if self.epochs is None else self.epochs)
        run = Run.start(Recipe.from_dict(tables, out), out, quiet=not self.verbose)
        compress(run)
        self.report_ = run.path(REPORT).read_text(encoding="utf-8").rpartition("; the bundle is")[0]
        self.bundle_ = run.path(STUDENT).read_bytes()

    def _own_tables(self, data: ArrayData, seed: int) -> dict[str, Any]:
        """What holds beside the data: the task, the seeds, and the user's own tables over them."""
        task = {name: value for name, value in data.task.to_dict().items() if value is not None}
        given = {} if self.recipe is None else self.recipe
        own = dict(given) if isinstance(given, Mapping) else read_recipe_toml(Path(given))
        if taken := {"data", "teacher"} & set(own):
            raise RecipeError(f"recipe: [{min(taken)}] comes from the arrays that fit is given; leave it out")
        return merge_tables({"task": task, "search": {"seed": seed}, "distil": {"seed": seed}}, own)


def _sources(X: Any) -> list[Any]:
    """Items as a predictor takes them."""
    return [item[0] if len(item) == 1 else item for item in array_items(X)]
