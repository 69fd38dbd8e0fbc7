"""Identifier substitution: how often other names for variables alone turn a right judgement wrong.

The attacker sees the judge's probabilities, no weights. An item that was judged rightly is attacked greedily: first
each variable is renamed alone, which tells how much hangs on it; then the variables are taken in that order, and of
several names for each the one stays that lowers the probability of the true label most. It ends when the label
changes, or the budget of queries or of identifiers is spent. Names are drawn from those of the split's own variables,
scopes are respected (`codewren.edits`), so the code means and compiles as before. Of a pair the left function is
renamed alone: the copy that somebody disguises.

Source: Zhang et al., Generating Adversarial Examples for Holding Robustness of Source Code Processing Models, AAAI 2020
(MHM: renaming as an attack); Yang et al., Natural Attack for Pre-trained Models of Code, ICSE 2022 (ALERT, section
III-C: greedy, by the importance of an identifier). Their names come from a language model; ours from other code.
"""

import random
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from codewren.compress.flips import check_edits
from codewren.core.dataset import Dataset
from codewren.core.errors import InputError
from codewren.edits import Renamer, local_names
from codewren.measure.intervals import Floats, Ints
from codewren.measure.robustness import Attack, AttackBudget, Outcome

NAMES = 8
"""Names tried for each identifier."""
_DEFAULT_NAMES = ("value", "data", "index")

Judge = Callable[[Dataset], tuple[Ints, Floats]]
"""Predicted label indices (n,) and probabilities (n, C)."""

Verdict = tuple[int, float]
"""The predicted label, and the probability of the true one."""
Asking = Generator[list[str], list[Verdict], Outcome]
Renaming = tuple[tuple[str, str], ...]
"""Old and new names, in the order they were chosen."""


def attack(judge: Judge, dataset: Dataset, *, budget: AttackBudget | None = None, seed: int = 0) -> Attack:
    """Attack a judge on every item that it judges rightly.

    Raises:
        InputError: items without labels, functions that cannot be edited, or a budget of nothing.
    """
    budget = budget or AttackBudget()
    if budget.queries < 1 or budget.identifiers < 1:
        raise InputError(f"{budget.queries} queries and {budget.identifiers} identifiers; wanted 1 or more of each")
    check_edits(dataset.task, ())
    if dataset.task.is_multi_label:
        raise InputError(
            f"task {dataset.task.name!r} has several labels at once; an attack moves one of one-label items"
        )
    labels = dataset.known_labels()
    predicted, probabilities = judge(dataset)
    language = dataset.task.language or ""
    pool = [name for text in dataset.functions for name in local_names(text, language)] or _DEFAULT_NAMES
    asking: dict[int, Asking] = {}
    for item in np.flatnonzero(predicted == np.asarray(labels)).tolist():
        text, rng = dataset.texts(item)[0], random.Random(f"{seed} {dataset.ids[item]}")
        first = float(probabilities[item, labels[item]])
        attacker = _Attacker(item, labels[item], first, text, Renamer(text, language), rng, budget)
        asking[item] = attacker.run(pool)
    outcomes = _all_at_once(judge, dataset, asking)
    return Attack(len(labels), tuple(outcomes[item] for item in asking), budget, seed, tuple(dataset.task.labels))


def remembered(judge: Judge) -> Judge:
    """A judge that is asked once for each data set: teachers are slow."""
    known: dict[str, tuple[Ints, Floats]] = {}

    def judged(dataset: Dataset) -> tuple[Ints, Floats]:
        key = dataset.sha256()
        if key not in known:
            known[key] = judge(dataset)
        return known[key]

    return judged


def _all_at_once(judge: Judge, dataset: Dataset, asking: Mapping[int, Asking]) -> dict[int, Outcome]:
    """Answer all attackers in turns, one call of the judge a turn: batches are what makes judges fast."""
    outcomes: dict[int, Outcome] = {}
    wishes: dict[int, list[str]] = {}
    verdicts: dict[int, list[Verdict] | None] = dict.fromkeys(asking)
    while verdicts:
        for item, answer in verdicts.items():
            try:
                wishes[item] = next(asking[item]) if answer is None else asking[item].send(answer)
            except StopIteration as end:
                outcomes[item] = end.value
        verdicts = _judged(judge, dataset, wishes) if wishes else {}
        wishes = {}
    return outcomes


def _judged(judge: Judge, dataset: Dataset, wishes: Mapping[int, Sequence[str]]) -> dict[int, list[Verdict] | None]:
    asked = [(item, text) for item, texts in wishes.items() for text in texts]
    predicted, probabilities = judge(_changed(dataset, asked))
    verdicts: dict[int, list[Verdict] | None] = {item: [] for item in wishes}
    for (item, _), label, row in zip(asked, predicted.tolist(), probabilities, strict=True):
        true = dataset.labels[item] or 0
        verdicts[item] = [*(verdicts[item] or []), (label, float(row[true]))]
    return verdicts


def _changed(dataset: Dataset, asked: Sequence[tuple[int, str]]) -> Dataset:
    """The asked items, each with another first function."""
    subset = dataset.subset(item for item, _ in asked)
    count = len(asked)
    return replace(
        subset,
        functions=(*(text for _, text in asked), *subset.functions),
        function_ids=(*(f"changed {number}" for number in range(count)), *subset.function_ids),
        items=tuple((number, *(count + index for index in others)) for number, (_, *others) in enumerate(subset.items)),
    )


@dataclass(slots=True)
class _Attacker:
    """The greedy search on one item; `run` yields texts to be judged and is sent the verdicts."""

    item: int
    label: int
    probability: float
    text: str
    renamer: Renamer
    rng: random.Random
    budget: AttackBudget
    seen: dict[str, Verdict] = field(default_factory=dict)
    mapping: dict[str, str] = field(default_factory=dict)
    fallen: bool = False

    def run(self, pool: Sequence[str]) -> Asking:
        """Greedy, by the importance of each identifier."""
        offers = self._offers(pool)
        alone = yield from self._ask([{name: news[0]} for name, news in offers.items()])
        most_important_first = sorted(alone, key=lambda renaming: alone[renaming])
        for ((name, _),) in most_important_first[: self.budget.identifiers]:
            if self.fallen:
                break
            tried = yield from self._ask([{**self.mapping, name: new} for new in offers[name]])
            self._keep_best(tried)
        text = self.renamer.renamed(self.mapping)
        return Outcome(self.item, self.label, self.fallen, len(self.seen), len(self.mapping), text)

    def _keep_best(self, tried: Mapping[Renaming, float]) -> None:
        """Rename so from now on, if that lowers the probability of the true label."""
        best = min(tried, key=lambda renaming: tried[renaming], default=None)
        if best is not None and tried[best] < self.probability and not self.fallen:
            self.mapping, self.probability = dict(best), tried[best]

    def _offers(self, pool: Sequence[str]) -> dict[str, list[str]]:
        """New names for each variable, none twice."""
        names = self.renamer.names
        fresh = self.renamer.fresh(len(names) * NAMES, rng=self.rng, names=pool)
        return {name: fresh[index * NAMES : (index + 1) * NAMES] for index, name in enumerate(names)}

    def _ask(self, mappings: Iterable[dict[str, str]]) -> Generator[list[str], list[Verdict], dict[Renaming, float]]:
        """Probabilities of the true label after each renaming, while queries are left; one that wins is taken."""
        texts: dict[Renaming, str] = {tuple(m.items()): self.renamer.renamed(m) for m in mappings}
        left = self.budget.queries - len(self.seen)
        new = [text for text in dict.fromkeys(texts.values()) if text not in self.seen and text != self.text][:left]
        if new:
            self.seen |= zip(new, (yield new), strict=True)
        known = {renaming: self.seen[text] for renaming, text in texts.items() if text in self.seen}
        wins = [renaming for renaming, (label, _) in known.items() if label != self.label]
        if wins:
            best = min(wins, key=lambda renaming: known[renaming][1])
            self.fallen, self.mapping = True, dict(best)
        return {renaming: probability for renaming, (_, probability) in known.items()}
