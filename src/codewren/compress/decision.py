"""Temperature and thresholds of a bundle: fitted on the validation split with the runtime that will use them.

A figure for the items they were fitted on is taken out of fold (`measure.calibration.cross_fit`), never in sample. The
bundle's provenance holds the hash of those items, so that `codewren evaluate` knows them again under any name.
"""

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from codewren.bundle.container import Decision
from codewren.compress.counterexamples import teaches
from codewren.core.dataset import Dataset
from codewren.core.errors import RecipeError
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import DecisionSection
from codewren.core.task import Kind, Task, Unit
from codewren.data.load import source_texts
from codewren.measure.calibration import (
    COLDEST,
    HOTTEST,
    best_threshold,
    budget_threshold,
    fit_temperature,
)
from codewren.measure.intervals import Floats, Ints
from codewren.measure.label_sets import best_thresholds, fit_set_temperature
from codewren.measure.task_quality import alarms, task_probabilities
from codewren.predict.predictor import AnyPredictor

BACKGROUND_FUNCTIONS, BACKGROUND_PAIRS = 20_000, 200_000  # drawn at random: files are often sorted by project


@dataclass(frozen=True, slots=True)
class FittedDecision:
    """What a bundle decides by, and where that came from.

    Attributes:
        decision: to be written into the bundle.
        provenance: how it was fitted, for the bundle; empty where nothing was.
    """

    decision: Decision
    provenance: dict[str, Any]


def fit_decision(recipe: Recipe, predictor: AnyPredictor, dataset: Dataset) -> FittedDecision:
    """Fit what `[decision]` asks for.

    Args:
        recipe: with the section, and the background for the alert threshold.
        predictor: of the bundle without a decision of its own.
        dataset: labelled items that nothing is reported on in sample.

    Raises:
        RecipeError: a threshold is to be fitted for more than two labels, unless an item may have all of them.
        InputError: items without labels, or the background cannot be read.
    """
    section, task = recipe.decision, recipe.task
    if section == DecisionSection():
        return FittedDecision(Decision(0.5, 1.0), {})
    check_decision(section, task)
    logits, labels = np.asarray(predictor.logits(dataset.sources())), np.asarray(dataset.known_labels())
    if len(set(labels.tolist())) < 2:
        raise RecipeError(
            f"decision: all {len(labels)} items of {dataset.split} have one label, so nothing can be fitted on them; "
            "give a validation split with every label, or leave [decision] out"
        )
    fit = fit_set_temperature if task.is_multi_label else fit_temperature
    temperature = fit(logits, labels) if section.calibrate else 1.0
    probabilities = task_probabilities(task, logits, temperature=temperature)
    threshold, thresholds = _thresholds(section, task, labels, probabilities)
    made: dict[str, Any] = {
        "calibrate": section.calibrate,
        "threshold": section.threshold,
        "fitted_on_sha256": dataset.sha256(),
    }
    if section.calibrate and not COLDEST * 1.001 < temperature < HOTTEST / 1.001:
        made["doubt"] = (
            f"the temperature {temperature:.3g} is the bound of its range ({COLDEST:g} to {HOTTEST:g}): the student's "
            "probabilities say nothing of the labels here, or leave no doubt at all"
        )
    if section.alert_budget is None:
        return FittedDecision(Decision(threshold, temperature, thresholds=thresholds), made)
    logits = _background_logits(recipe, predictor)
    background = alarms(task, task_probabilities(task, logits, temperature=temperature))
    # Never below the decision itself: what a bundle calls harmless is no alarm, however large the budget.
    alert = max(threshold, budget_threshold(background, section.alert_budget))
    made |= {"alert_budget": section.alert_budget, "background_items": len(background)}
    made["background_flagged"] = float((background > alert).mean())
    return FittedDecision(Decision(threshold, temperature, alert, thresholds), made)


def check_decision(section: DecisionSection, task: Task) -> None:
    """Refuse a decision that the task cannot have.

    Raises:
        RecipeError: thresholds for labels of which the largest wins, or for an order.
    """
    if not task.has_threshold and (section.threshold != "half" or section.alert_budget is not None):
        raise RecipeError(f"decision: task {task.name!r} has {len(task.labels)} labels; thresholds are for two")
    if task.kind is Kind.ORDINAL and section.threshold != "half":
        raise RecipeError(
            f"decision: task {task.name!r} is ordinal, and its labels are decided at one half (the median); leave "
            "decision.threshold out"
        )


def _thresholds(
    section: DecisionSection, task: Task, labels: Ints, probabilities: Floats
) -> tuple[float, tuple[float, ...]]:
    """The threshold of the positive label, and where labels stand beside each other that of each."""
    if section.threshold == "half":
        return 0.5, ()
    if task.is_multi_label:
        thresholds = best_thresholds(labels, probabilities, section.threshold)
        return thresholds[task.positive_index], thresholds
    positives = (labels == task.positive_index).astype(np.int64)
    return best_threshold(positives, probabilities[:, task.positive_index], section.threshold), ()


def _background_logits(recipe: Recipe, predictor: AnyPredictor) -> Floats:
    """Logits (n, 2) of a sample of the background's functions, or of random pairs of them."""
    source = recipe.decision.background
    texts = list(dict.fromkeys([] if source is None else source_texts(recipe, source, "background")))
    if recipe.distil.background_pairs:  # the other half was learnt from
        texts = [text for text in texts if not teaches(text)]
    rng = random.Random(0)
    texts = rng.sample(texts, min(len(texts), BACKGROUND_FUNCTIONS))
    if recipe.task.unit is Unit.FUNCTION:
        return np.asarray(predictor.logits(texts))
    if len(texts) < 2:
        raise RecipeError("decision.background has one function only; pairs need two or more")
    return np.asarray(predictor.logits([rng.sample(texts, 2) for _ in range(BACKGROUND_PAIRS)]))
