"""How well a similarity tells functions that do the same from others, on sets it was not trained on."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codewren.measure.lexical_baselines import SubtokenTfidf, trigrams_similarity, words_similarity

Scores = NDArray[np.float64]
OTHER_PAIRS = 10_000
LEAST_PAIRS = 20
FALSE_ALARM_RATE = 1e-3
BASELINES = ("words", "blanked 3-grams", "TF-IDF")


class Solution(NamedTuple):
    """A function that solves a problem."""

    text: str
    problem: str
    language: str
    source: str


Pair = tuple[Solution, Solution]


@dataclass(frozen=True, slots=True)
class TransferSet:
    """Pairs of one source and two languages: of the same problem, and drawn ones of different problems."""

    name: str
    clones: Sequence[Pair]
    others: Sequence[Pair]


def transfer_sets(solutions: Iterable[Solution], *, seed: int = 0, others: int = OTHER_PAIRS) -> Iterator[TransferSet]:
    """Sets of each source: within a language where a problem has several solutions, else across languages.

    A set of fewer than 20 clone pairs is left out.
    """
    by_source: dict[str, dict[str, dict[str, list[Solution]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for solution in solutions:
        by_source[solution.source][solution.language][solution.problem].append(solution)
    for source, languages in sorted(by_source.items()):
        rng = random.Random(seed)
        several = [name for name, problems in sorted(languages.items()) if _repeated(problems) >= LEAST_PAIRS]
        couples = [(name, name) for name in several] or list(combinations(sorted(languages), 2))
        for left, right in couples:
            clones = list(_clones(languages[left], languages[right], within=left == right))
            if len(clones) >= LEAST_PAIRS:
                name = f"{source} {left}" if left == right else f"{source} {left}-{right}"
                drawn = list(_others(languages[left], languages[right], rng, others))
                yield TransferSet(name, clones, drawn)


def _repeated(problems: Mapping[str, Sequence[Solution]]) -> int:
    return sum(len(solutions) * (len(solutions) - 1) // 2 for solutions in problems.values())


def _clones(
    left: Mapping[str, Sequence[Solution]], right: Mapping[str, Sequence[Solution]], *, within: bool
) -> Iterator[Pair]:
    for problem in sorted(left.keys() & right.keys()):
        if within:
            yield from combinations(left[problem], 2)
        else:
            yield from ((first, second) for first in left[problem] for second in right[problem])


def _others(
    left: Mapping[str, Sequence[Solution]],
    right: Mapping[str, Sequence[Solution]],
    rng: random.Random,
    count: int,
) -> Iterator[Pair]:
    lefts, rights = sorted(left), sorted(right)
    if len({*lefts, *rights}) < 2:
        return
    drawn = 0
    while drawn < count:
        first, second = rng.choice(lefts), rng.choice(rights)
        if first != second:
            drawn += 1
            yield rng.choice(left[first]), rng.choice(right[second])


def area_under_curve(clones: Scores, others: Scores) -> float:
    """Chance that a clone pair scores above another pair; ties count half.

    >>> area_under_curve(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875
    """
    ranked = np.sort(others)
    below = np.searchsorted(ranked, clones, side="left") + np.searchsorted(ranked, clones, side="right")
    return float(below.mean() / 2 / len(others))


def recall_at(clones: Scores, others: Scores, *, rate: float = FALSE_ALARM_RATE) -> float:
    """Share of clone pairs above all but `rate` of the other pairs.

    >>> recall_at(np.array([0.2, 0.8]), np.arange(1000) / 2000)
    0.5
    """
    threshold = np.sort(others)[min(len(others) - 1, int(len(others) * (1 - rate)))]
    return float((clones > threshold).mean())


@dataclass(frozen=True, slots=True)
class Figures:
    """AUC, and the recall at one false alarm in 1,000."""

    auc: float
    recall: float

    @classmethod
    def of(cls, clones: Scores, others: Scores) -> "Figures":
        """Figures of scores."""
        return cls(area_under_curve(clones, others), recall_at(clones, others))


@dataclass(frozen=True, slots=True)
class TransferRow:
    """One set: figures of the bundle and of each baseline."""

    name: str
    clone_pairs: int
    bundle: Figures
    baselines: Mapping[str, Figures]

    @property
    def best(self) -> Figures:
        """The best AUC and the best recall of any baseline."""
        return Figures(
            max(figures.auc for figures in self.baselines.values()),
            max(figures.recall for figures in self.baselines.values()),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def baseline_figures(transfer_set: TransferSet, tfidf: SubtokenTfidf) -> dict[str, Figures]:
    """Figures of the three lexical baselines on a set."""
    vectors = cache(tfidf.vector)

    def cosine(first: str, second: str) -> float:
        left, right = vectors(first), vectors(second)
        return sum(weight * right.get(subtoken, 0.0) for subtoken, weight in left.items())

    figures = {}
    for name, similarity in zip(BASELINES, (words_similarity, trigrams_similarity, cosine), strict=True):
        clones, others = (
            np.array([similarity(first.text, second.text) for first, second in pairs])
            for pairs in (transfer_set.clones, transfer_set.others)
        )
        figures[name] = Figures.of(clones, others)
    return figures


def summary(rows: Sequence[TransferRow]) -> dict[str, float]:
    """Mean gain in AUC over the best baseline, sets below it, and mean ratio of recalls."""
    ratios = [row.bundle.recall / row.best.recall for row in rows if row.best.recall > 0]
    return {
        "sets": len(rows),
        "mean_auc_gain": float(np.mean([row.bundle.auc - row.best.auc for row in rows])),
        "sets_below": sum(row.bundle.auc < row.best.auc for row in rows),
        "mean_recall_ratio": float(np.mean(ratios)) if ratios else float("nan"),
    }
