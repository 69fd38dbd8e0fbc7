"""The trees of a hint that say which lines a patch would change, and what they are worth on projects left out."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.bundle.hint import LINE_MEASURES, LINE_STEP
from codewren.core.hint_recipe import HintRecipe
from codewren.measure.line_hits import hit_by_chance, hits
from codewren.train.hint.examples import holds
from codewren.train.hint.hint_fit import FittedHint, Progress, fold_of
from codewren.train.hint.line_trees import ChangedLines, Floats, fit_line_trees, tree_values

TOP = 5
"""Lines that a person is shown."""


def with_line_trees(recipe: HintRecipe, fitted: FittedHint, lines: ChangedLines, progress: Progress) -> FittedHint:
    """The hint with trees, and with what trees fitted without a project say of it among its figures."""
    progress(f"fitting {recipe.fit.line_trees} trees on {len(lines.functions):,} lines of patched functions")
    left_out = [any(holds(project, name) for name in recipe.fit.leave_out) for project in lines.projects.tolist()]
    taught = lines.kept(~np.array(left_out, bool))
    trees = fit_line_trees(taught, recipe.fit.line_trees, np.random.default_rng(recipe.fit.seed))
    arrays = {**fitted.arrays, "line_trees": trees}
    return replace(fitted, arrays=arrays, outside={**fitted.outside, **_outside_figures(recipe, taught)})


def line_scores(trees: NDArray[np.int32], lines: ChangedLines) -> Floats:
    """Logarithms of the lines' likelihoods, but for a constant of each function (L,)."""
    totals = np.zeros(len(lines.functions), np.int64)
    for tree in trees:
        totals += tree_values(tree, lines.measures)
    return np.asarray(LINE_STEP * totals, np.float64)


def _outside_figures(recipe: HintRecipe, lines: ChangedLines) -> dict[str, float]:
    """How often a changed line is among the first, each project judged by trees without it."""
    folds = np.array([fold_of(project, recipe.fit.folds) for project in lines.projects.tolist()])
    if not recipe.fit.line_trees or len(set(folds.tolist())) < 2:
        return {}
    scores = np.zeros(len(lines.functions))
    for fold in set(folds.tolist()):
        trees = fit_line_trees(lines.kept(folds != fold), recipe.fit.line_trees, np.random.default_rng(recipe.fit.seed))
        hidden = folds == fold
        scores[hidden[lines.functions]] = line_scores(trees, lines.kept(hidden))
    longest = lines.measures[:, LINE_MEASURES.index("bytes")].astype(np.float64)
    changed = _split(lines.is_changed, lines)
    figures = {
        "line_hits": hits(_split(scores, lines), changed, TOP).mean(),
        "longest_line_hits": hits(_split(longest, lines), changed, TOP).mean(),
        "random_line_hits": np.mean([hit_by_chance(len(own), int(own.sum()), TOP) for own in changed]),
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def _split(values: NDArray[Any], lines: ChangedLines) -> list[NDArray[Any]]:
    """The values of each function."""
    return np.split(values, np.flatnonzero(np.diff(lines.functions)) + 1)
