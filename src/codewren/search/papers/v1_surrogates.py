"""The regressions that the second paper's first version compared, from five sizes to effectiveness.

Source: Avatar history deb9c39; SPEC 2.5.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu
from sklearn.cluster import KMeans
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from codewren.search.surrogate import fitted_quietly

Matrix: TypeAlias = NDArray[np.float64]
Vector: TypeAlias = NDArray[np.float64]
SPLITS = 20
SHARE_SHOWN = 0.8


class Regression(Protocol):
    """A fitted regression."""

    def predict(self, rows: Matrix) -> Vector:
        """Predicted effectiveness of rows, shape (n,)."""


@dataclass(frozen=True, slots=True)
class RadialNetwork:
    """Ten Gaussian bumps, their centres, widths and heights trained by Adam on the mean absolute error.

    Attributes:
        parameters: centres (k, f), log widths (k,), heights (k,), offset (1,).
    """

    parameters: tuple[Matrix, Vector, Vector, Vector]

    @classmethod
    def fit(cls, rows: Matrix, target: Vector, *, seed: int, centres: int = 10, epochs: int = 1000) -> Self:
        """Train in batches of 8."""
        rng = np.random.default_rng(seed)
        start = KMeans(min(centres, len(rows)), n_init=1, random_state=seed).fit(rows).cluster_centers_
        count = len(start)
        values = [start, np.zeros(count), np.zeros(count), np.array([float(np.median(target))])]
        first, second = ([np.zeros_like(value) for value in values] for _ in range(2))
        step = 0
        for _ in range(epochs):
            for batch in np.array_split(rng.permutation(len(rows)), max(1, len(rows) // 8)):
                step += 1
                for i, slope in enumerate(_slopes(values, rows[batch], target[batch])):
                    first[i] = 0.9 * first[i] + 0.1 * slope
                    second[i] = 0.999 * second[i] + 0.001 * slope**2
                    mean, scale = first[i] / (1 - 0.9**step), np.sqrt(second[i] / (1 - 0.999**step))
                    values[i] = values[i] - 1e-3 * mean / (scale + 1e-8)
        return cls((values[0], values[1], values[2], values[3]))

    def predict(self, rows: Matrix) -> Vector:
        """Predicted effectiveness of rows, shape (n,)."""
        _, bumps = _bumps(self.parameters[0], self.parameters[1], rows)
        return np.asarray(bumps @ self.parameters[2] + self.parameters[3])


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Several regressions as one: the greatest prediction, or the mean with weights."""

    members: tuple[Regression, ...]
    weights: Vector | None

    def predict(self, rows: Matrix) -> Vector:
        """Predicted effectiveness of rows, shape (n,)."""
        every = np.array([member.predict(rows) for member in self.members])
        return np.asarray(every.max(axis=0) if self.weights is None else self.weights @ every)


@dataclass(frozen=True, slots=True)
class RegressionErrors:
    """Held-out errors of each regression over random splits.

    Attributes:
        errors: mean absolute error, one a split.
        best: the regression with the least mean error.
        p_values: Mann-Whitney U of each against the best, two-sided.
        effects: Cohen's d of each against the best.
    """

    errors: dict[str, Vector]
    best: str
    p_values: dict[str, float]
    effects: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        means = {name: float(errors.mean()) for name, errors in self.errors.items()}
        return {"mean_absolute_error": means, "best": self.best, "p_values": self.p_values, "effects": self.effects}


def kriging(rows: Matrix, target: Vector, seed: int) -> Regression:
    """A Gaussian process with a radial kernel."""
    kernel = RBF(1.0) + WhiteKernel(1e-2)
    process: Regression = fitted_quietly(
        GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed), rows, target
    )
    return process


def polynomial(rows: Matrix, target: Vector, _seed: int) -> Regression:
    """Least squares on all products of two."""
    pipeline: Regression = make_pipeline(PolynomialFeatures(2), LinearRegression()).fit(rows, target)
    return pipeline


def radial_network(rows: Matrix, target: Vector, seed: int) -> Regression:
    """The one the paper chose."""
    return RadialNetwork.fit(rows, target, seed=seed)


def max_ensemble(rows: Matrix, target: Vector, seed: int) -> Regression:
    """The greatest of the three predictions."""
    return Ensemble(tuple(fit(rows, target, seed) for fit in (kriging, polynomial, radial_network)), None)


def weighted_ensemble(rows: Matrix, target: Vector, seed: int) -> Regression:
    """The three predictions weighed by the inverse of their error on a held-out fifth."""
    order = np.random.default_rng(seed).permutation(len(rows))
    shown, hidden = _split(order)
    fits = (kriging, polynomial, radial_network)
    errors = [_error(fit(rows[shown], target[shown], seed), rows[hidden], target[hidden]) for fit in fits]
    weights = 1 / np.maximum(np.array(errors), 1e-6)
    return Ensemble(tuple(fit(rows, target, seed) for fit in fits), weights / weights.sum())


Fit: TypeAlias = Callable[[Matrix, Vector, int], Regression]
REGRESSIONS: dict[str, Fit] = {
    "kriging": kriging,
    "polynomial": polynomial,
    "radial-network": radial_network,
    "max-ensemble": max_ensemble,
    "weighted-ensemble": weighted_ensemble,
}


def compare(rows: Matrix, target: Vector, *, seed: int, splits: int = SPLITS) -> RegressionErrors:
    """Fit every regression on 80 % of the students and judge it on the others, over random splits.

    Source: SPEC 2.5.
    """
    rng = np.random.default_rng(seed)
    halves = [_split(rng.permutation(len(rows))) for _ in range(splits)]
    errors = {
        name: np.array(
            [_error(fit(rows[shown], target[shown], seed), rows[hidden], target[hidden]) for shown, hidden in halves]
        )
        for name, fit in REGRESSIONS.items()
    }
    best = min(errors, key=lambda name: float(errors[name].mean()))
    rivals = [name for name in errors if name != best]
    p_values = {name: float(mannwhitneyu(errors[name], errors[best]).pvalue) for name in rivals}
    return RegressionErrors(errors, best, p_values, {name: _cohens_d(errors[name], errors[best]) for name in rivals})


def _bumps(centres: Matrix, log_widths: Vector, rows: Matrix) -> tuple[Matrix, Matrix]:
    gaps = ((rows[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    return gaps, np.exp(-gaps * np.exp(log_widths))


def _slopes(values: list[Any], rows: Matrix, target: Vector) -> tuple[Matrix, Vector, Vector, Vector]:
    """Gradients of the mean absolute error."""
    centres, log_widths, heights, offset = values
    gaps, bumps = _bumps(centres, log_widths, rows)
    signs = np.sign(bumps @ heights + offset - target) / len(rows)
    pull = signs[:, None] * bumps * heights * np.exp(log_widths)
    to_centres = 2 * (pull[:, :, None] * (rows[:, None, :] - centres[None, :, :])).sum(axis=0)
    return to_centres, -(pull * gaps).sum(axis=0), signs @ bumps, np.array([signs.sum()])


def _split(order: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    cut = max(1, min(len(order) - 1, round(SHARE_SHOWN * len(order))))
    return order[:cut], order[cut:]


def _error(regression: Regression, rows: Matrix, target: Vector) -> float:
    return float(np.abs(regression.predict(rows) - target).mean())


def _cohens_d(first: Vector, second: Vector) -> float:
    pooled = float(np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)) if len(first) > 1 else 0.0
    return float((first.mean() - second.mean()) / pooled) if pooled else 0.0
