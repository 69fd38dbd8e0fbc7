"""Predicting a student's effectiveness from its configuration, and knowing how far to trust the prediction.

`PapersSurrogate` is the second paper's: a Bayesian ridge on raw codes. `Surrogate` is ours: collapsed trainings are
told apart and explain the learning rate only, the others are fitted by six unlike models whose disagreement is part
of the uncertainty, and `cross_validated_skill` says whether any of it ranks configurations. `Cautious` is what picks.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import kendalltau, spearmanr
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.linear_model import BayesianRidge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import SVR

from codewren.search.space.features import Matrix, features, papers_codes
from codewren.search.space.points import Points

Vector = NDArray[np.float64]
FEWEST = 4
"""Trainings that did not collapse, below which the surrogate only knows their mean."""

CAUTION = 0.5
"""Deviations by which `Cautious` promises less."""

Member: TypeAlias = Callable[[Matrix], tuple[Vector, Vector | float]]
"""Means for rows of features, and their standard deviations where the model knows them."""

_BLOCK = 200_000  # rows predicted at once
_TREES = 100
_PRIOR_COLLAPSE, _PRIOR_WEIGHT = 0.1, 1.0
_RATE_WIDTH = 0.5  # of the kernel over ln(learning rate): rates a factor of 1.6 apart still inform each other


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """Measured trainings: configurations, epochs and effectiveness, each of shape (n,)."""

    points: Points
    fidelity: NDArray[np.int64]
    effectiveness: Vector

    def __len__(self) -> int:
        return len(self.effectiveness)

    def take(self, selection: NDArray[Any]) -> Self:
        """Some of them."""
        return type(self)(self.points.take(selection), self.fidelity[selection], self.effectiveness[selection])


class EffectivenessModel(Protocol):
    """Anything that predicts effectiveness."""

    def predict(self, points: Points) -> tuple[Vector, Vector]:
        """Means and standard deviations, each of shape (n,)."""


Fit = Callable[[Observations], EffectivenessModel]


@dataclass(frozen=True, slots=True)
class ValidationNoise:
    """What counts as a difference on the validation split.

    Attributes:
        chance: effectiveness of the best constant answer.
        items: items behind one effectiveness figure.
    """

    chance: float
    items: int

    def sampling_error(self, effectiveness: float) -> float:
        """Binomial standard error of one effectiveness figure."""
        share = min(max(effectiveness, 0.0), 1.0)
        return float(np.sqrt(share * (1 - share) / self.items))

    def collapsed(self, effectiveness: Vector) -> NDArray[np.bool_]:
        """Which trainings ended about where a constant answer would: near-chance, or a fifth of the way to the best.

        Source: the cuts of SPEC 4.2 item 7 (0.60 and 0.70), as a rule that needs no task.
        """
        if not len(effectiveness):
            return np.zeros(0, dtype=bool)
        best = float(effectiveness.max())
        margin = max(2 * self.sampling_error(self.chance), 0.2 * (best - self.chance))
        return np.asarray(effectiveness < self.chance + margin)

    def is_flat(self, effectiveness: Vector) -> bool:
        """Whether the trainings that did not collapse differ by no more than one figure's own error.

        The spread is the scaled interquartile range, which a single odd training does not move.
        """
        sound = effectiveness[~self.collapsed(effectiveness)]
        if len(sound) < FEWEST:
            return False
        low, high = np.quantile(sound, [0.25, 0.75])
        return bool((high - low) / 1.349 <= self.sampling_error(float(np.median(sound))))


@dataclass(frozen=True, slots=True)
class PapersSurrogate:
    """Avatar's regression: scikit-learn's BayesianRidge with defaults on 13 raw codes, collapsed trainings included.

    Source: Avatar `surrogate.py`; SPEC 2.5.
    """

    model: Any

    @classmethod
    def fit(cls, seen: Observations) -> Self:
        """Fit."""
        return cls(BayesianRidge().fit(papers_codes(seen.points), seen.effectiveness))

    def predict(self, points: Points) -> tuple[Vector, Vector]:
        """Means and standard deviations, each of shape (n,)."""
        mean, deviation = _in_blocks(lambda block: self.model.predict(papers_codes(block), return_std=True), points)
        return mean, deviation


@dataclass(frozen=True, slots=True)
class Surrogate:
    """Our regression.

    Attributes:
        members: models of the trainings that did not collapse, on `features` with the fidelity as last column.
        fidelity: epochs it predicts for: the longest seen.
        risk: chance of collapse for each learning rate of the space.
        floor: effectiveness of a collapsed training.
        noise: sampling error of one effectiveness figure.
    """

    members: tuple[Member, ...]
    fidelity: int
    risk: dict[float, float]
    floor: float
    noise: float

    @classmethod
    def fit(cls, seen: Observations, validation: ValidationNoise, *, seed: int = 0) -> Self:
        """Fit to trainings, at least one."""
        collapsed = validation.collapsed(seen.effectiveness)
        sound = seen.take(np.flatnonzero(~collapsed))
        table = features(sound.points, fidelity=sound.fidelity)
        members = (
            fit_members(table, sound.effectiveness, seed) if len(sound) >= FEWEST else (_mean_of(sound, validation),)
        )
        floor = float(seen.effectiveness[collapsed].mean()) if collapsed.any() else validation.chance
        noise = validation.sampling_error(float(seen.effectiveness.max()))
        return cls(members, int(seen.fidelity.max()), _collapse_risk(seen, collapsed), floor, noise)

    def predict(self, points: Points) -> tuple[Vector, Vector]:
        """Means and standard deviations after the longest training, each of shape (n,).

        Both weigh in the risk of collapse at the point's learning rate. The deviation is that of one training: what
        the members disagree on, what they doubt themselves, and the sampling error.
        """
        mean, doubt = _in_blocks(self._sound, points)
        rates = points.space.values("learning_rate")
        risk = np.broadcast_to(points.choose("learning_rate", {rate: self.risk[rate] for rate in rates}), mean.shape)
        jump = risk * (1 - risk) * (mean - self.floor) ** 2
        return (1 - risk) * mean + risk * self.floor, np.sqrt(doubt**2 + self.noise**2 + jump)

    def _sound(self, block: Points) -> tuple[Vector, Vector]:
        table = features(block, fidelity=self.fidelity)
        means, doubts = zip(*(member(table) for member in self.members), strict=True)
        own = np.square(doubts[-1])  # only the last one knows how far it is from what it has seen
        return np.mean(means, axis=0), np.sqrt(np.var(means, axis=0) + own)


@dataclass(frozen=True, slots=True)
class Cautious:
    """A predictor that promises less the less it knows: what to pick by.

    The best of many uncertain predictions is a lucky one; half a deviation less avoids the worst of that.
    """

    predictor: EffectivenessModel

    def predict(self, points: Points) -> tuple[Vector, Vector]:
        """Means less half a deviation, and the deviations, each of shape (n,)."""
        mean, deviation = self.predictor.predict(points)
        return mean - CAUTION * deviation, deviation


@dataclass(frozen=True, slots=True)
class Skill:
    """How well a surrogate ranks trainings it was not fitted to.

    Attributes:
        spearman: rank correlation of out-of-fold predictions, mean over repetitions.
        kendall: the same by concordant pairs.
        regret: best effectiveness minus that of the configuration ranked first, mean over repetitions.
        trials: trainings it was judged on.
    """

    spearman: float
    kendall: float
    regret: float
    trials: int

    def to_dict(self) -> dict[str, float]:
        """Return the JSON form."""
        return asdict(self)


def cross_validated_skill(seen: Observations, fit: Fit, *, seed: int, folds: int = 5, repeats: int = 3) -> Skill | None:
    """Predict every training from the others; None with fewer than two trainings a fold."""
    count = len(seen)
    if count < 2 * folds:
        return None
    rng = np.random.default_rng(seed)
    truth, rows = seen.effectiveness, []
    for _ in range(repeats):
        fold = rng.permutation(np.arange(count) % folds)
        guess = np.empty(count)
        for held_fold in range(folds):
            rows_out = np.flatnonzero(fold == held_fold)
            guess[rows_out] = fit(seen.take(np.flatnonzero(fold != held_fold))).predict(seen.points.take(rows_out))[0]
        rows.append((_rank(spearmanr, guess, truth), _rank(kendalltau, guess, truth), regret(guess, truth)))
    spearman, kendall, lost = (float(value) for value in np.mean(rows, axis=0))
    return Skill(spearman, kendall, lost, count)


def regret(guess: Vector, truth: Vector) -> float:
    """What choosing by the guess costs: the best truth minus the truth of the point guessed best."""
    return float(truth.max() - truth[int(np.argmax(guess))])


def _rank(correlation: Callable[..., Any], guess: Vector, truth: Vector) -> float:
    if np.ptp(guess) == 0 or np.ptp(truth) == 0:
        return 0.0
    return float(correlation(guess, truth).statistic)


def fit_members(table: Matrix, effectiveness: Vector, seed: int) -> tuple[Member, ...]:
    """A linear model, a margin machine, two kinds of trees, the nearest students, and a smooth process.

    Each alone is a poor judge on twenty trainings; being unlike, their errors cancel (`benchmarks/search_quality.py`).
    """
    odds = logit(np.clip(effectiveness, 1e-3, 1 - 1e-3))
    middle, width = float(odds.mean()), float(odds.std()) or 1.0
    ridge = BayesianRidge().fit(table, odds)
    margin = SVR(epsilon=0.1).fit(table, (odds - middle) / width)
    forest = ExtraTreesRegressor(_TREES, min_samples_leaf=2, random_state=seed)
    boosted = GradientBoostingRegressor(n_estimators=60, max_depth=2, subsample=0.7, random_state=seed)
    nearest = KNeighborsRegressor(min(5, len(table)), weights="distance")
    for model in (forest, boosted, nearest):
        model.fit(table, effectiveness)
    kernel = ConstantKernel(1.0) * Matern(4.0, nu=2.5) + WhiteKernel(0.3, (1e-2, 2.0))
    process = fitted_quietly(
        GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed), table, effectiveness
    )
    return (
        lambda rows: (expit(ridge.predict(rows)), 0.0),
        lambda rows: (expit(middle + width * margin.predict(rows)), 0.0),
        lambda rows: (forest.predict(rows), 0.0),
        lambda rows: (boosted.predict(rows), 0.0),
        lambda rows: (nearest.predict(rows), 0.0),
        lambda rows: process.predict(rows, return_std=True),
    )


def fitted_quietly(model: Any, table: Matrix, target: Vector) -> Any:
    """Fit a scikit-learn model; a length scale that ends at its bound is an answer, too, and needs no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(table, target)


def _mean_of(sound: Observations, validation: ValidationNoise) -> Member:
    """Too few trainings to fit: their mean, doubted by their spread, for one by half the way to chance."""
    mean = float(sound.effectiveness.mean()) if len(sound) else validation.chance
    spread = float(sound.effectiveness.std()) if len(sound) > 1 else abs(mean - validation.chance) / 2
    return lambda rows: (np.full(len(rows), mean), spread)


def _collapse_risk(seen: Observations, collapsed: NDArray[np.bool_]) -> dict[float, float]:
    """Chance of collapse at each rate: a weighted share of the trainings at similar rates, and a prior."""
    rates: Sequence[float] = seen.points.space.values("learning_rate")
    tried = np.broadcast_to(seen.points.values("learning_rate"), (len(seen),))
    risk = {}
    for rate in rates:
        near = np.exp(-0.5 * (np.log(tried / rate) / _RATE_WIDTH) ** 2)
        risk[rate] = float((near @ collapsed + _PRIOR_COLLAPSE * _PRIOR_WEIGHT) / (near.sum() + _PRIOR_WEIGHT))
    return risk


def _in_blocks(predict: Callable[[Points], tuple[Vector, Vector]], points: Points) -> tuple[Vector, Vector]:
    blocks = [predict(points.take(slice(start, start + _BLOCK))) for start in range(0, len(points), _BLOCK)]
    means, deviations = zip(*blocks, strict=True)
    return np.concatenate(means), np.concatenate(deviations)
