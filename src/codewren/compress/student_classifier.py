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
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, check_random_state

from codewren.compress.array_data import ArrayData, array_items, put_aside
from codewren.compress.path import compress
from codewren.compress.run import Run
from codewren.core.errors import InputError, RecipeError
from codewren.core.files import write_bytes
from codewren.core.recipe import Recipe
from codewren.core.recipe_files import merge_tables, read_recipe_toml
from codewren.core.run_folder import REPORT, STUDENT
from codewren.predict.predictor import AnyPredictor, load
from codewren.train.teachers.logits_file import are_probabilities

Floats = NDArray[np.float64]


class StudentClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A student as a scikit-learn classifier of functions, or of pairs of functions.

    `fit` writes the arrays and a recipe into a run's folder and goes the way of `codewren compress`, so that what comes
    out is the same file. An item is a text, or two texts for a task of pairs.

    Args:
        language: of the functions, where a scan is to read that language only.
        positive: the label that a scan reports; by default the last of `classes_`.
        classes: names of the columns of `y` where it holds logits; by default 0, 1, 2 ….
        epochs: passes over the items; by default enough for 400 steps, and at least 3.
        recipe: tables of a recipe, or the path of one, without `[data]` and `[teacher]`: sizes, search, budget.
        validation_fraction: share of the items that picks the epoch, where `fit` is given none for it.
        random_state: of the first weights, the batches, and the items put aside.
        out: folder of the run, which stays; None uses a temporary one.
        verbose: progress and warnings on standard error.

    Attributes:
        classes_: labels, sorted; the columns of `predict_proba`.
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
            y: n labels; or a teacher's logits, floating point of shape (n, C), before softmax.
            X_val: items that pick the epoch and are never learnt; by default a share of `X`.
            y_val: their labels or logits.

        Raises:
            InputError: an item that is no text, fewer than two labels, or probabilities in place of logits.
            ValueError: `y` has another length than `X`, or is neither labels nor finite logits.
            CodewrenError: a stage's own error.
        """
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        classes, data = self._data(X, y, X_val, y_val, seed=seed)
        if self.out is not None:
            self._compress(data, Path(self.out), seed)
        else:
            with tempfile.TemporaryDirectory(prefix="codewren-") as folder:
                self._compress(data, Path(folder), seed)
        self.classes_ = classes
        self._predictor = None
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """The label of each item, (n,), by the bundle's own threshold.

        Raises:
            NotFittedError: nothing is fitted yet.
            InputError: an item is not of the kind that was learnt.
        """
        check_is_fitted(self)
        labels = [int(label) for label in self.predictor.predict(_sources(X))]
        return self.classes_[np.asarray(labels, dtype=np.int64)]

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
        return tags

    def _data(
        self, X: Any, y: ArrayLike, X_val: Any, y_val: ArrayLike | None, *, seed: int
    ) -> tuple[NDArray[Any], ArrayData]:
        items = array_items(X)
        classes, targets, logits = self._targets(items, y)
        labels = tuple(str(name) for name in classes)
        if X_val is not None:
            valid = array_items(X_val, "X_val")
            known, judged, _ = self._targets(valid, y_val)
            places = {name: place for place, name in enumerate(labels)}
            if unknown := {str(name) for name in known} - set(places):
                raise InputError(f"y_val holds the labels {sorted(unknown)}, y only {list(labels)}; wanted the same")
            found = np.asarray([places[str(name)] for name in known[judged]], dtype=np.int64)
            return classes, ArrayData(labels, items, targets, logits, valid, found)
        aside = put_aside(items, targets, self.validation_fraction, seed)
        here = np.asarray([index for index in range(len(items)) if index not in aside])
        there = np.asarray(sorted(aside))
        shown = None if logits is None else logits[here]
        split = [[items[index] for index in indices] for indices in (here, there)]
        return classes, ArrayData(labels, split[0], targets[here], shown, split[1], targets[there])

    def _targets(
        self, items: Sequence[Any], y: ArrayLike | None
    ) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.float32] | None]:
        """Classes, the index of each item's label, and its logits where `y` holds those."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        values = np.asarray(y)
        check_consistent_length(items, values)
        if values.ndim == 2 and values.shape[1] > 1:
            logits = self._logits(values)
            classes = np.arange(logits.shape[1]) if self.classes is None else np.asarray(self.classes)
            return classes, logits.argmax(axis=1), logits
        check_classification_targets(values)
        classes, targets = np.unique(values.ravel(), return_inverse=True)
        return classes, targets, None

    def _logits(self, values: NDArray[Any]) -> NDArray[np.float32]:
        if values.dtype.kind != "f":
            raise InputError(
                f"y has shape {values.shape} and type {values.dtype}, wanted labels of shape (n,) or logits of a "
                "floating type; for several labels at once fit one classifier of each"
            )
        if self.classes is not None and len(self.classes) != values.shape[1]:
            raise InputError(f"y has {values.shape[1]} columns of logits, classes names {len(self.classes)}")
        logits: NDArray[np.float32] = check_array(values, dtype=np.float32, input_name="y")
        if are_probabilities(logits):
            raise InputError(
                "every row of y is positive and sums to 1, so these are probabilities, wanted logits; "
                "write numpy.log(numpy.clip(p, 1e-7, 1)) instead"
            )
        return logits

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
        positive = data.labels[-1] if self.positive is None else str(self.positive)
        unit = "function" if data.texts_per_item == 1 else "pair"
        task = {"name": "own", "unit": unit, "labels": list(data.labels), "positive": positive}
        task |= {"language": self.language} if self.language else {}
        given = {} if self.recipe is None else self.recipe
        own = dict(given) if isinstance(given, Mapping) else read_recipe_toml(Path(given))
        if taken := {"data", "teacher"} & set(own):
            raise RecipeError(f"recipe: [{min(taken)}] comes from the arrays that fit is given; leave it out")
        return merge_tables({"task": task, "search": {"seed": seed}, "distil": {"seed": seed}}, own)


def _sources(X: Any) -> list[Any]:
    """Items as a predictor takes them."""
    return [item[0] if len(item) == 1 else item for item in array_items(X)]
