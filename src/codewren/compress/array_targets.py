"""What an array `y` says of items: one label each, several at once, one of an order, or a teacher's logits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array

from codewren.core.errors import InputError, nearest
from codewren.core.task import Kind
from codewren.measure.label_sets import sets
from codewren.train.teachers.logits_file import are_probabilities

SEVERAL = "several labels at once are an indicator: sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y)"


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Labels of items (n,).

    Attributes:
        kind: how labels stand to each other.
        classes: labels (C,), as the user has them.
        labels: the index of each item's label, or its set as a number.
        logits: (n, C) of a teacher, or None.
    """

    kind: Kind
    classes: NDArray[Any]
    labels: NDArray[np.int64]
    logits: NDArray[np.float32] | None = None

    @classmethod
    def read(cls, y: ArrayLike | None, *, kind: str | None, classes: Sequence[Any] | None) -> Self:
        """What `y` says.

        Raises:
            InputError: lists of labels, probabilities, a kind that there is not or that does not fit, foreign names.
            ValueError: `y` is neither labels nor finite logits.
        """
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        if kind is not None and kind not in list(Kind):
            raise InputError(f"kind is {kind!r}, wanted {', '.join(Kind)} ({nearest(str(kind), list(Kind))})")
        values = _array(y)
        if values.ndim == 2 and values.shape[1] > 1:
            several = values.dtype.kind in "biuf" and bool(np.isin(values, (0, 1)).all())  # -3 and 3 are logits
            known = np.arange(values.shape[1]) if classes is None else np.asarray(classes)
            if len(known) != values.shape[1]:
                raise InputError(f"y has {values.shape[1]} columns, classes names {len(known)}")
            if several and kind in (None, Kind.MULTI_LABEL):
                return cls(Kind.MULTI_LABEL, known, sets(values.astype(bool)))
            logits = _logits(values, several=kind == Kind.MULTI_LABEL)
            decided = (
                sets(logits > 0) if kind == Kind.MULTI_LABEL else np.asarray(logits.argmax(axis=1), dtype=np.int64)
            )
            return cls(Kind(kind or Kind.SINGLE_LABEL), known, decided, logits)
        if kind == Kind.MULTI_LABEL:
            raise InputError(f"y has shape {values.shape}, wanted (n, C) for kind='multi-label'; {SEVERAL}")
        return cls._of_column(values, kind, classes)

    @classmethod
    def _of_column(cls, values: NDArray[Any], kind: str | None, classes: Sequence[Any] | None) -> Self:
        """One label an item; an order is that of `classes`, or of numbers."""
        if values.dtype == object and any(
            isinstance(value, list | tuple | set | frozenset) for value in values.ravel()
        ):
            raise InputError(f"y holds lists of labels; {SEVERAL}")
        check_classification_targets(values)
        distinct, labels = np.unique(values.ravel(), return_inverse=True)
        if kind != Kind.ORDINAL:
            return cls(Kind.SINGLE_LABEL, distinct, labels)
        if classes is None and distinct.dtype.kind not in "iufb":
            raise InputError(
                f"labels {distinct.tolist()[:6]} have no order; name it, the most alarming last: classes=[…]"
            )
        order = list(distinct if classes is None else classes)
        if foreign := [name for name in distinct.tolist() if name not in order]:
            raise InputError(f"y holds {foreign[:6]}, which classes does not name: {order}")
        return cls(
            Kind.ORDINAL, np.asarray(order), np.asarray([order.index(distinct[k]) for k in labels], dtype=np.int64)
        )

    def among(self, taught: "Targets") -> NDArray[np.int64]:
        """The labels, counted as those that were taught.

        Raises:
            InputError: one that was not.
        """
        places = {str(name): place for place, name in enumerate(taught.classes)}
        unknown = [str(name) for name in self.classes if str(name) not in places]
        if unknown or self.kind != taught.kind:
            held = f"the labels {unknown}" if unknown else f"{self.kind} labels"
            raise InputError(f"y_val holds {held}, y only {list(places)}; wanted the same")
        if self.kind is Kind.MULTI_LABEL:
            return self.labels
        return np.asarray([places[str(self.classes[label])] for label in self.labels], dtype=np.int64)


def _array(y: ArrayLike) -> NDArray[Any]:
    plain: Any = y.toarray() if hasattr(y, "toarray") else y  # a sparse indicator
    try:
        return np.asarray(plain)
    except ValueError:
        raise InputError(f"y holds lists of unlike length; {SEVERAL}") from None


def _logits(values: NDArray[Any], *, several: bool) -> NDArray[np.float32]:
    if values.dtype.kind != "f":
        raise InputError(
            f"y has shape {values.shape} and type {values.dtype}, wanted labels of shape (n,), an indicator of 0 and "
            "1, or logits of a floating type"
        )
    logits: NDArray[np.float32] = check_array(values, dtype=np.float32, input_name="y")
    if are_probabilities(logits, several=several):
        meant = "numpy.log(p / (1 - p)) of clipped p" if several else "numpy.log(numpy.clip(p, 1e-7, 1))"
        found = "every number of y lies between 0 and 1" if several else "every row of y is positive and sums to 1"
        raise InputError(f"{found}, so these are probabilities, wanted logits; write {meant} instead")
    return logits
