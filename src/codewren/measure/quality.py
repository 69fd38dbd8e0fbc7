"""The whole picture of one predictor on one split: every metric with its interval, and the baseline it must beat."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from codewren.measure import metrics
from codewren.measure.estimate import NO_ITEMS
from codewren.measure.intervals import RESAMPLES, Floats, Ints, Measure, binomial_tail, bootstrap, proportion, summary
from codewren.measure.ordinal import ordinal_measures


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of one predictor on one split.

    Attributes:
        n: items.
        measures: `accuracy`; with two labels `precision`, `recall`, `f1` of the positive one; `precision_macro`,
            `recall_macro`, `f1_macro`, `mcc`, `auc`, `ece`, `brier`, and `agreement` where a teacher was given; of an
            ordinal task also `mae` and `kappa_quadratic`, of a multi-label one what `label_sets.set_quality` says.
        undefined: measures without a value, and why.
        confusion: rows are true labels, columns predictions; empty where items have several labels.
        majority: share of the commonest label, the accuracy of saying it always.
        p_majority: chance of this accuracy or better at that rate (exact binomial test, one-sided).
    """

    n: int
    measures: tuple[Measure, ...]
    undefined: tuple[tuple[str, str], ...]
    confusion: tuple[tuple[int, ...], ...]
    majority: Measure
    p_majority: float

    def __getitem__(self, name: str) -> Measure:
        """A measure by name.

        Raises:
            KeyError: it is undefined here, or no measure of this task.
        """
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(dict(self.undefined).get(name, f"{name!r} is not one of {[m.name for m in self.measures]}"))

    def selected(self, metric: str) -> Measure:
        """The measure that `distil.selection` means: F1 is the macro mean where no label is the positive one of two.

        Raises:
            KeyError: it is undefined here.
        """
        names = {measure.name for measure in self.measures}
        return self["f1_macro" if metric == "f1" and "f1" not in names else metric]

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Lines of a table: name, value, 95 % interval, n."""
        lines = [
            (m.name, f"{m.value:.4f}", f"{m.low:.4f} to {m.high:.4f}", str(m.n))
            if m.n
            else (m.name, "-", NO_ITEMS, "0")
            for m in (*self.measures, self.majority)
        ]
        lines += [(name, "undefined", reason, "0") for name, reason in self.undefined]
        chance = f"{self.p_majority:.2g}" if self.p_majority > 0 else "below 1e-300"
        return [*lines, ("p (majority)", chance, "exact binomial, one-sided", str(self.n))]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "n": self.n,
            "measures": {measure.name: measure.to_dict() for measure in self.measures},
            "undefined": dict(self.undefined),
            "confusion": [list(row) for row in self.confusion],
            "majority": asdict(self.majority),
            "p_majority": self.p_majority,
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(
            n=raw["n"],
            measures=tuple(Measure.from_dict(measure) for measure in raw["measures"].values()),
            undefined=tuple(raw["undefined"].items()),
            confusion=tuple(tuple(row) for row in raw["confusion"]),
            majority=Measure.from_dict(raw["majority"]),
            p_majority=raw["p_majority"],
        )


def quality(
    labels: Ints,
    probabilities: Floats,
    *,
    positive: int,
    predictions: Ints | None = None,
    teacher: Ints | None = None,
    ordinal: bool = False,
    seed: int = 0,
) -> Quality:
    """Measure one predictor: exact intervals for proportions, percentile bootstrap for the rest.

    A bootstrap interval cannot leave what the sample shows: where nothing is wrong it has no width, the exact one of
    the accuracy does.

    Args:
        labels: true label indices.
        probabilities: of each label, calibrated if they are to be.
        positive: index of the positive label.
        predictions: predicted label indices; None decides at threshold 0.5.
        teacher: the teacher's predicted label indices, for `agreement`.
        ordinal: the labels have an order, so that `mae` and `kappa_quadratic` mean something.
        seed: of the bootstrap.

    Raises:
        InputError: shapes that do not fit, labels out of range, values that are not finite.
    """
    metrics.check(labels, probabilities)
    predictions = metrics.decide(probabilities, positive=positive) if predictions is None else predictions
    matrix = metrics.confusion(labels, predictions, classes=probabilities.shape[1])
    rng = np.random.default_rng(seed)
    graded, undefined = _graded(labels, probabilities, positive, rng)
    agreement = () if teacher is None else (share("agreement", predictions == teacher),)
    steps = ordinal_measures(labels, predictions, classes=len(matrix), rng=rng) if ordinal else []
    n, right = len(labels), int(np.trace(matrix))
    commonest = int(matrix.sum(axis=1).max())
    return Quality(
        n=n,
        measures=(*_counted(matrix, positive, rng), *steps, *graded, *agreement),
        undefined=undefined,
        confusion=tuple(tuple(int(cell) for cell in row) for row in matrix),
        majority=proportion("majority", commonest, n),
        p_majority=binomial_tail(right, n, commonest / n),
    )


def share(name: str, hits_N: np.ndarray[Any, np.dtype[np.bool_]]) -> Measure:
    """The share of items (N,) that are hits."""
    return proportion(name, int(hits_N.sum()), len(hits_N))


def _counted(matrix: Ints, positive: int, rng: np.random.Generator) -> list[Measure]:
    """Measures of the confusion matrix. Resampling items is drawing its cells from a multinomial."""
    n, classes = int(matrix.sum()), len(matrix)
    draws = rng.multinomial(n, matrix.ravel() / n, RESAMPLES).reshape(-1, classes, classes)
    hits = int(matrix[positive, positive])
    measures = [proportion("accuracy", int(np.trace(matrix)), n)]
    if classes == 2:
        measures += [
            proportion("precision", hits, int(matrix[:, positive].sum())),
            proportion("recall", hits, int(matrix[positive].sum())),
            summary("f1", float(metrics.f1(matrix)[positive]), metrics.f1(draws)[:, positive], n),
        ]
    for name, metric in (("precision", metrics.precision), ("recall", metrics.recall), ("f1", metrics.f1)):
        value, values = metrics.macro(metric, matrix), metrics.macro(metric, draws)
        measures.append(summary(f"{name}_macro", float(value), values, n))
    return [*measures, summary("mcc", float(metrics.mcc(matrix)), metrics.mcc(draws), n)]


def _graded(
    labels: Ints, probabilities: Floats, positive: int, rng: np.random.Generator
) -> tuple[list[Measure], tuple[tuple[str, str], ...]]:
    """Measures of the probabilities, and those that have no value here."""
    n, absent = len(labels), probabilities.shape[1] - len(np.unique(labels))
    measures = [
        bootstrap("ece", metrics.ece_statistic(labels, probabilities), n, rng=rng),
        bootstrap("brier", metrics.brier_statistic(labels, probabilities), n, rng=rng),
    ]
    if absent:
        return measures, (("auc", f"{absent} of the task's labels do not occur in this split"),)
    auc = metrics.auc_statistic(labels, probabilities, positive=positive)
    return [bootstrap("auc", auc, n, rng=rng), *measures], ()
