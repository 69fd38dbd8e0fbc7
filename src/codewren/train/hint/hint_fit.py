"""Fit a hint: the weights of each head, the line learned from fixed versions, calibrations, kinds.

Shape key: F functions, E entries.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.bundle.hint import COVARIATES, MEASURES, REVIEW, HintCalibration, HintConfig
from codewren.bundle.similarity import GENERAL
from codewren.core.errors import InputError
from codewren.core.hint_recipe import HintRecipe
from codewren.measure.review import auc, equal_length_auc, flagged
from codewren.train.hint.examples import KINDS, Examples, holds, is_taught
from codewren.train.hint.hint_bags import Floats, HintBags, Matrix, fingerprints_of, frequent_features, normalised
from codewren.train.hint.weights import Lesson, PairLesson, balanced, class_factors, fit_weights, length_curve

Progress = Callable[[str], None]
TEXT = "text"
LEFT_OUT = "left out"
LARGEST_SHARE = 0.9999
"""Quantile of the sizes of a head's weights that becomes 127; the few larger ones are clipped."""

TOKENS = COVARIATES.index("log tokens")
LOGARITHMS = [COVARIATES.index(name) for name in (*(f"log {name}" for name in MEASURES), "long")]
LENGTHS = [COVARIATES.index(name) for name in ("log tokens", "long")]
ROOTS = [COVARIATES.index(f"root {name}") for name in MEASURES if name != "lines"]
LEAST_SLOPE = 1e-3
ABSENT = -20.0
"""Log odds of a kind that no example has."""

PAIR_STRENGTH = 0.3
"""Inverse weight decay of the line learned from pairs."""


@dataclass(frozen=True, slots=True)
class Material:
    """Examples, and what is known of their texts.

    Attributes:
        fixed: numbers of vulnerable functions and of their fixed versions (pairs, 2).
        labels, sources, projects: of the functions (F,).
        matrix: features (F, E).
        entries: hashes of the features (E,).
        covariates: (F, covariates).
        curve: of the length (F, 4).
    """

    fixed: NDArray[np.int64]
    labels: NDArray[np.int64]
    sources: NDArray[np.str_]
    projects: NDArray[np.str_]
    matrix: Matrix
    entries: NDArray[np.uint64]
    covariates: Floats
    curve: Floats

    @classmethod
    def of(cls, recipe: HintRecipe, examples: Examples, bags: HintBags) -> "Material":
        """Choose the features, and gather the rest; functions of projects left out have the source `LEFT_OUT`.

        Raises:
            InputError: no feature is left.
        """
        taught = np.array(is_taught(examples, recipe.fit.leave_out))
        sources = np.where(taught, np.array(examples.sources), LEFT_OUT)
        counted = np.isin(sources, [name for name in recipe.sources if recipe.sources[name].kind != "kinds"])
        sizes = recipe.sizes
        entries = frequent_features(
            bags.bags, counted, entries=sizes.entries, least=recipe.fit.least_functions, order=sizes.order
        )
        if not len(entries):
            raise InputError("no feature is left to learn; leave out fewer projects, or lower fit.least_functions")
        return cls(
            np.array([pair for pair in examples.fixed if taught[list(pair)].all()], np.int64).reshape(-1, 2),
            np.array(examples.labels, np.int64),
            sources,
            np.array(examples.projects),
            normalised(bags.bags, entries),
            entries,
            bags.covariates(),
            length_curve(bags.measures),
        )

    def lessons(self, recipe: HintRecipe, hidden: Sequence[str] = ()) -> dict[str, Lesson]:
        """What the shared head learns from, by source, without some projects; ordinary functions go with review."""
        lessons = {}
        for name, source in recipe.of_kind("labelled").items():
            members = self.sources == name
            if name == recipe.review:
                members |= np.isin(self.sources, list(recipe.of_kind("ordinary")))
            rows = np.flatnonzero(members & ~np.isin(self.projects, _with_versions(hidden, self.projects)))
            curve = np.hstack([self.curve[rows], _one_hot(self.projects[rows])])
            lessons[name] = Lesson(rows, self.labels[rows], balanced(self.labels[rows], source.weight), curve)
        return lessons

    def pairs(self, weight: float, hidden: Sequence[str] = ()) -> PairLesson | None:
        """Vulnerable functions and their fixed versions, without some projects; nothing where there are none."""
        rows = self.fixed[~np.isin(self.projects[self.fixed[:, 0]], list(hidden))]
        return PairLesson(rows[:, 0], rows[:, 1], weight) if len(rows) else None


def _one_hot(names: NDArray[np.str_]) -> Floats:
    """A column for each name, in which its rows are 1."""
    return np.asarray(names[:, None] == np.unique(names)[None], np.float64)


def _with_versions(hidden: Sequence[str], projects: NDArray[np.str_]) -> list[str]:
    """Projects and versions of them."""
    return [project for project in set(projects.tolist()) if any(holds(project, name) for name in hidden)]


def fold_of(project: str, folds: int) -> int:
    """The fold of a project, by a hash of its name."""
    return int.from_bytes(hashlib.sha256(project.encode()).digest()[:4], "big") % folds


@dataclass(frozen=True, slots=True)
class FittedHint:
    """All that a bundle holds of a fit.

    Attributes:
        config, arrays, calibrations: as they are written.
        outside: figures of the review source, each project judged by a fit without it.
    """

    config: HintConfig
    arrays: dict[str, NDArray[Any]]
    calibrations: dict[str, HintCalibration]
    outside: dict[str, float]


def fit_hint(recipe: HintRecipe, material: Material, progress: Progress) -> FittedHint:
    """Fit everything.

    Raises:
        InputError: the review source has too few projects or no fixed version, or nothing is vulnerable.
    """
    fit, factors = recipe.fit, class_factors(material.entries)
    progress(f"fitting {len(material.entries):,} weights on {material.matrix.shape[0]:,} functions")
    lessons = list(material.lessons(recipe).values())
    pairs = material.pairs(fit.pair_weight)
    text = fit_weights(material.matrix, factors, lessons, l2=fit.l2, iterations=fit.iterations, pairs=pairs)
    weights = {TEXT: text}
    outside = outside_scores(recipe, material, factors, progress)
    calibrations = review_calibrations(recipe, material, outside)
    for name in recipe.own_heads:
        progress(f"fitting the head of {name}")
        weights[name], calibrations[name] = _own_head(recipe, material, factors, name)
    kind_rows, priors = _kind_weights(recipe, material)
    rows, steps = zip(*map(_quantised, weights.values()), strict=True)
    kinds, kind_step = _quantised(kind_rows)
    config = HintConfig(
        len(material.entries),
        dict(zip(weights, steps, strict=True)),
        len(kinds),
        kind_step,
        dict(zip(KINDS, priors, strict=True)),
    )
    arrays = {"fingerprints": fingerprints_of(material.entries), "rows": np.stack(rows, axis=1), "kind_rows": kinds}
    return FittedHint(config, arrays, calibrations, outside_figures(recipe, material, outside, calibrations))


def outside_worth(recipe: HintRecipe, material: Material, progress: Progress) -> dict[str, float]:
    """What a hint of this recipe is worth on projects that were not fitted on; nothing else is fitted.

    Raises:
        InputError: as `fit_hint`.
    """
    outside = outside_scores(recipe, material, class_factors(material.entries), progress)
    return outside_figures(recipe, material, outside, review_calibrations(recipe, material, outside))


def outside_figures(
    recipe: HintRecipe, material: Material, outside: Floats, calibrations: dict[str, HintCalibration]
) -> dict[str, float]:
    """What both numbers are worth on projects that were not fitted on, beside the number of lines that hold code."""
    odds = {
        name: outside * calibrations[name].heads[TEXT] + material.covariates @ np.array(calibrations[name].counts)
        for name in (GENERAL, REVIEW)
    }
    judged = np.flatnonzero((material.sources == recipe.review) & np.isfinite(outside))
    labels, lines = material.labels[judged] == 1, material.covariates[judged, COVARIATES.index("log lines")]
    review, suspicion, projects = odds[REVIEW][judged], odds[GENERAL][judged], material.projects[judged]
    members = [projects == project for project in np.unique(projects)]
    alarms = np.zeros(len(judged), bool)
    for own in members:
        alarms[own] = flagged(review[own], recipe.fit.flagged)
    figures = {
        "review_auc": auc(review, labels),
        "lines_auc": auc(lines, labels),
        "suspicion_auc_of_equal_length": equal_length_auc(
            (suspicion[own], labels[own], np.expm1(lines[own])) for own in members
        ),
        "flagged": recipe.fit.flagged,
        "recall_flagged": float(alarms[labels].mean()),
        "precision_flagged": float(labels[alarms].mean()) if alarms.any() else 0.0,
        "rate": float(labels.mean()),
    }
    if len(material.fixed):
        steps = odds[GENERAL][material.fixed[:, 0]] - odds[GENERAL][material.fixed[:, 1]]
        figures["vulnerable_above_fixed"] = float((steps > 0).mean())
    return {name: round(value, 4) for name, value in figures.items()}


def _quantised(weights: NDArray[Any]) -> tuple[NDArray[np.int8], float]:
    limit = float(np.quantile(np.abs(weights), LARGEST_SHARE)) if weights.size else 0.0
    step = max(limit, 1e-9) / 127
    return np.clip(np.rint(weights / step), -127, 127).astype(np.int8), step


def outside_scores(recipe: HintRecipe, material: Material, factors: Floats, progress: Progress) -> Floats:
    """Scores of the text of functions of known projects, each by a fit without its project; elsewhere NaN (F,)."""
    scores = np.full(len(material.labels), np.nan)
    reviewed = np.isin(material.sources, [*recipe.reviewed(), ""])
    projects = sorted(set(material.projects[reviewed].tolist()))
    for fold in range(recipe.fit.folds):
        hidden = [project for project in projects if fold_of(project, recipe.fit.folds) == fold]
        if not hidden:
            continue
        progress(f"fitting without {', '.join(hidden)}")
        lessons = list(material.lessons(recipe, hidden).values())
        weights = fit_weights(
            material.matrix,
            factors,
            lessons,
            l2=recipe.fit.l2,
            iterations=recipe.fit.iterations,
            pairs=material.pairs(recipe.fit.pair_weight, hidden),
        )
        rows = np.flatnonzero(reviewed & np.isin(material.projects, hidden))
        scores[rows] = material.matrix[rows] @ weights
    return scores


def review_calibrations(recipe: HintRecipe, material: Material, outside: Floats) -> dict[str, HintCalibration]:
    """Review: the text and the counts. General: the text and the line learned from fixed versions.

    All functions of known projects are gone by, each judged by a fit without its project. The shares of the parts are
    the recipe's, so that they do not change with the few vulnerable functions of one project, and only slope and offset
    are fitted; with `review_strength` those of review first are fitted too.
    """
    judged = np.flatnonzero(np.isin(material.sources, recipe.reviewed()) & np.isfinite(outside))
    labels, x, counts = material.labels[judged], outside[judged], material.covariates[judged]
    if len(set(labels.tolist())) < 2:
        raise InputError(f"{recipe.review}: one label only; functions of both are wanted")
    spread, rate = max(float(x.std()), 1e-9), recipe.fit.rate or float(labels.mean())
    review = _review_line(recipe, x, counts, labels, rate)
    line = recipe.fit.pair_line * spread * _pair_line(material)
    suspicion = x + counts[:, ROOTS] @ line
    slopes, _ = _logistic(np.column_stack([suspicion, counts[:, LENGTHS]]), labels)
    slope = max(float(slopes[0]), LEAST_SLOPE)
    offset = _offset_of_rate(slope * suspicion, rate)
    general = _calibration(slope, dict(zip(ROOTS, slope * line, strict=True)), offset)
    return {
        name: _with_threshold(calibration, x, material.covariates[judged], recipe.fit.flagged)
        for name, calibration in ((GENERAL, general), (REVIEW, review))
    }


def _review_line(
    recipe: HintRecipe, x: Floats, counts: Floats, labels: NDArray[np.int64], rate: float
) -> HintCalibration:
    """The line through the text and the logarithms of the counts; without `review_strength` text and tokens alone."""
    if recipe.fit.review_strength:
        columns = np.column_stack([x, counts[:, LOGARITHMS]])
        slopes, _ = _logistic(columns, labels, recipe.fit.review_strength)
        offset = _offset_of_rate(columns @ slopes, rate)
        return _calibration(slopes[0], dict(zip(LOGARITHMS, slopes[1:], strict=True)), offset)
    spread, tokens = max(float(x.std()), 1e-9), max(float(counts[:, TOKENS].std()), 1e-9)
    urgency = recipe.fit.review_text * x / spread + counts[:, TOKENS] / tokens
    slope = max(float(_logistic(urgency[:, None], labels)[0][0]), LEAST_SLOPE)
    text = slope * recipe.fit.review_text / spread
    return _calibration(text, {TOKENS: slope / tokens}, _offset_of_rate(slope * urgency, rate))


def _calibration(text: float, counts: dict[int, float], offset: float, head: str = TEXT) -> HintCalibration:
    line = tuple(float(counts.get(index, 0.0)) for index in range(len(COVARIATES)))
    return HintCalibration({head: float(text)}, line, float(offset))


def _with_threshold(calibration: HintCalibration, x: Floats, covariates: Floats, flagged: float) -> HintCalibration:
    (text,) = calibration.heads.values()
    odds = text * x + covariates @ np.array(calibration.counts) + calibration.offset
    threshold = float(1 / (1 + np.exp(-np.quantile(odds, 1 - flagged))))
    return HintCalibration(calibration.heads, calibration.counts, calibration.offset, threshold, threshold)


def _offset_of_rate(odds: Floats, rate: float) -> float:
    """What has to be added to log odds so that the mean probability is the rate."""
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-(odds + middle)))).mean() < rate else (low, middle)
    return low


def _logistic(columns: Floats, labels: NDArray[np.int64], strength: float = 10.0) -> tuple[Floats, float]:
    from sklearn.linear_model import LogisticRegression

    means, spreads = columns.mean(axis=0), np.maximum(columns.std(axis=0), 1e-9)
    model = LogisticRegression(C=strength, max_iter=500).fit((columns - means) / spreads, labels)
    slopes = model.coef_[0] / spreads
    return slopes, float(model.intercept_[0] - means @ slopes)


def _pair_line(material: Material) -> Floats:
    """Slopes of the roots of the counts that put vulnerable versions above fixed ones."""
    from sklearn.linear_model import LogisticRegression

    if not len(material.fixed):
        return np.zeros(len(ROOTS))
    vulnerable, fixed = material.fixed.T
    steps = material.covariates[vulnerable][:, ROOTS] - material.covariates[fixed][:, ROOTS]
    labels = np.repeat([1, 0], len(steps))
    model = LogisticRegression(C=PAIR_STRENGTH, fit_intercept=False, max_iter=300).fit(
        np.vstack([steps, -steps]), labels
    )
    return np.asarray(model.coef_[0], np.float64)


def _own_head(
    recipe: HintRecipe, material: Material, factors: Floats, name: str
) -> tuple[NDArray[np.float32], HintCalibration]:
    """Weights of one source alone, and the calibration of what they say of functions they were not fitted on."""
    rows, fit = np.flatnonzero(material.sources == name), recipe.fit
    labels, columns = material.labels[rows], material.curve[rows]
    scores, folds = np.zeros(len(rows)), np.random.default_rng(fit.seed).integers(0, 2, len(rows))

    def fitted(members: NDArray[np.bool_]) -> NDArray[np.float32]:
        uniform = np.full(int(members.sum()), 1 / max(1, members.sum()))
        lesson = Lesson(rows[members], labels[members], uniform, columns[members])
        return fit_weights(material.matrix, factors, [lesson], l2=fit.own_l2, iterations=fit.iterations)

    for fold in (0, 1):
        scores[folds == fold] = material.matrix[rows[folds == fold]] @ fitted(folds != fold)
    slopes, offset = _logistic(np.column_stack([scores, material.covariates[rows][:, LENGTHS]]), labels)
    calibration = _calibration(slopes[0], dict(zip(LENGTHS, slopes[1:], strict=True)), offset, name)
    return fitted(np.ones(len(rows), bool)), calibration


def _kind_weights(recipe: HintRecipe, material: Material) -> tuple[NDArray[np.float32], list[float]]:
    """Weights of the first entries for each kind (kind_entries, kinds), and the log odds without them."""
    from sklearn.linear_model import LogisticRegression

    count = min(recipe.sizes.kind_entries, len(material.entries))
    rows = np.flatnonzero(np.isin(material.sources, list(recipe.of_kind("kinds"))))
    weights, priors = np.zeros((count, len(KINDS)), np.float32), [ABSENT] * len(KINDS)
    present = sorted(set(material.labels[rows].tolist()))
    if len(present) < 2:
        return weights, priors
    model = LogisticRegression(C=1.0, max_iter=200, class_weight="balanced")
    model.fit(material.matrix[rows][:, :count], material.labels[rows])
    coefficients, intercepts = model.coef_, model.intercept_
    if len(present) == 2:
        coefficients, intercepts = np.vstack([-coefficients, coefficients]), np.append(-intercepts, intercepts)
    for kind, own, intercept in zip(present, coefficients, intercepts, strict=True):
        weights[:, kind], priors[kind] = own, float(intercept)
    return weights, priors
