"""What `codewren evaluate --attack` finds: one attack a judge, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from codewren.compress.attack import Judge, attack
from codewren.core.dataset import Dataset
from codewren.measure.intervals import Floats, Ints
from codewren.measure.robustness import Attack, AttackBudget, compare_attacks
from codewren.measure.task_quality import logits_predictions, task_predictions, task_probabilities
from codewren.predict.predictor import AnyPredictor
from codewren.report.table import markdown
from codewren.train.teachers.teacher import Teacher


@dataclass(frozen=True, slots=True)
class AttackReport:
    """An attack on a bundle, and the same one on others.

    Attributes:
        own: on the bundle.
        rivals: on other judges, by name.
    """

    own: Attack
    rivals: Mapping[str, Attack] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: the bundle's figures, and under `rivals` those of the others with the paired test."""
        rivals = {
            name: {**rival.to_dict(), "test": compare_attacks(self.own, rival).to_dict()}
            for name, rival in self.rivals.items()
        }
        return {**self.own.to_dict(), "rivals": rivals}

    def table(self) -> str:
        """One column a judge."""
        attacks = [self.own, *self.rivals.values()]
        budget = self.own.budget
        head = [f"attack, {budget.queries} queries, {budget.identifiers} names", "bundle", *self.rivals]
        lines = [head, *([title, *cells] for title, cells in _rows(attacks))]
        tests = [compare_attacks(self.own, rival) for rival in self.rivals.values()]
        paired = [f"{test.p_value:.2g} on {test.items:,} items" for test in tests]
        return markdown([*lines, ["p, bundle or this one falls more", "", *paired]] if tests else lines)


def _rows(attacks: list[Attack]) -> list[tuple[str, list[str]]]:
    labels = attacks[0].labels
    return [
        ("accuracy before", [str(fallen.before) for fallen in attacks]),
        ("accuracy after", [str(fallen.after) for fallen in attacks]),
        ("success", [str(fallen.success) for fallen in attacks]),
        *((f"success on {name}", [str(fallen.of_label(k)) for fallen in attacks]) for k, name in enumerate(labels)),
        ("queries, median of successes", [_spent(fallen, "queries") for fallen in attacks]),
        ("names, median of successes", [_spent(fallen, "identifiers") for fallen in attacks]),
    ]


def _spent(fallen: Attack, what: str) -> str:
    spent = fallen.to_dict()[f"{what}_of_successes"]
    return "–" if spent is None else f"{spent:g}"


def attack_judges(
    own: Judge, rivals: Mapping[str, Judge], dataset: Dataset, *, budget: AttackBudget, seed: int = 0
) -> AttackReport:
    """Attack every judge with the same names and the same budget.

    Raises:
        InputError: items without labels, or functions that cannot be edited.
    """
    attacks = {name: attack(judge, dataset, budget=budget, seed=seed) for name, judge in rivals.items()}
    return AttackReport(attack(own, dataset, budget=budget, seed=seed), attacks)


def bundle_judge(predictor: AnyPredictor) -> Judge:
    """A bundle with its own threshold."""

    def judge(dataset: Dataset) -> tuple[Ints, Floats]:
        probabilities = np.asarray(predictor.predict_proba(dataset.sources()), dtype=np.float64)
        decision = predictor.bundle.decision
        predicted = task_predictions(
            dataset.task, probabilities, threshold=decision.threshold, thresholds=decision.thresholds
        )
        return predicted, probabilities

    return judge


def teacher_judge(teacher: Teacher) -> Judge:
    """A teacher, by its likeliest label or the task's own rule."""

    def judge(dataset: Dataset) -> tuple[Ints, Floats]:
        logits = teacher.logits(dataset)
        return logits_predictions(dataset.task, logits), task_probabilities(dataset.task, logits.astype(np.float64))

    return judge
