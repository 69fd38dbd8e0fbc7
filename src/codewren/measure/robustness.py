"""How an attack on a judge went: success rate, accuracy that is left, and what each success took.

Shape key: A attacked items.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np

from codewren.measure.fidelity import wilson
from codewren.measure.intervals import Measure, PairedTest, paired_test


@dataclass(frozen=True, slots=True)
class AttackBudget:
    """What an attacker may spend on one item.

    Attributes:
        queries: judgements of changed items.
        identifiers: names changed.
    """

    queries: int = 100
    identifiers: int = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item.

    Attributes:
        item: its index in the split.
        label: the true one, which the judge gave before.
        succeeded: whether the judge gives another label now.
        queries: judgements of changed items that it took.
        identifiers: names changed in the last text.
        text: of the function as the attacker left it.
    """

    item: int
    label: int
    succeeded: bool
    queries: int
    identifiers: int
    text: str


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack on one judge.

    Attributes:
        items: judged before the attack.
        outcomes: of those that were judged rightly, the ones that were attacked.
        budget: of each.
        seed: of the names.
        labels: names of the task's labels.
    """

    items: int
    outcomes: tuple[Outcome, ...]
    budget: AttackBudget
    seed: int
    labels: tuple[str, ...]

    @property
    def success(self) -> Measure:
        """Share of the attacked items whose label changed, Wilson interval."""
        return wilson("attack success", sum(outcome.succeeded for outcome in self.outcomes), len(self.outcomes))

    @property
    def before(self) -> Measure:
        """Accuracy before the attack."""
        return wilson("accuracy before", len(self.outcomes), self.items)

    @property
    def after(self) -> Measure:
        """Accuracy that the attack leaves."""
        return wilson("accuracy after", sum(not outcome.succeeded for outcome in self.outcomes), self.items)

    def of_label(self, label: int) -> Measure:
        """Attack success on the items of one true label."""
        some = [outcome for outcome in self.outcomes if outcome.label == label]
        return wilson(f"attack success, {self.labels[label]}", sum(outcome.succeeded for outcome in some), len(some))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; texts are left out, they are the data's."""
        return {
            "budget": asdict(self.budget),
            "seed": self.seed,
            "success": self.success.to_dict(),
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "success_of": {name: self.of_label(label).to_dict() for label, name in enumerate(self.labels)},
            "queries": _median([outcome.queries for outcome in self.outcomes]),
            "queries_of_successes": _median([outcome.queries for outcome in self.outcomes if outcome.succeeded]),
            "identifiers_of_successes": _median(
                [outcome.identifiers for outcome in self.outcomes if outcome.succeeded]
            ),
        }


def compare_attacks(first: Attack, second: Attack) -> PairedTest:
    """Which of two judges falls more often on the items that both judged rightly, attacked with the same budget."""
    fell = {outcome.item: outcome.succeeded for outcome in second.outcomes}
    pairs = [(outcome.succeeded, fell[outcome.item]) for outcome in first.outcomes if outcome.item in fell]
    first_N, second_N = np.array(pairs, dtype=np.bool_).reshape(-1, 2).T
    return paired_test(first_N, second_N)


def _median(counts: Sequence[int]) -> float | None:
    return float(median(counts)) if counts else None
