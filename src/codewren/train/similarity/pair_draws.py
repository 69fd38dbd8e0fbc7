"""Draws of pairs that should be alike: each source in batches of its own, so that the rest of a batch is hard."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Pair = tuple[int, int]
Draw = Callable[[random.Random, int], list[Pair]]

LEAST_PROBLEMS = 40
"""Fewer problems than this between two languages make no batch of their own."""


@dataclass(frozen=True, slots=True)
class Problems:
    """Functions that solve problems: problem, language, function numbers.

    Two of five batches mix languages; the rest holds pairs of the same two languages, a third of those of one.
    """

    solutions: Mapping[str, Mapping[str, Sequence[int]]]

    def __call__(self, rng: random.Random, pairs: int) -> list[Pair]:
        """Pairs of functions of one problem, each pair of another problem."""
        groups = self._groups(rng)
        return _members(groups if len(groups) >= LEAST_PROBLEMS else self._mixed(), rng, pairs)

    def _groups(self, rng: random.Random) -> list[tuple[Sequence[int], Sequence[int]]]:
        languages = sorted({language for problem in self.solutions.values() for language in problem})
        if rng.random() < 0.4:
            return self._mixed()
        left, right = rng.choice(languages), rng.choice(languages)
        if left == right or rng.random() < 0.35:
            alike = [problem.get(left, ()) for problem in self.solutions.values()]
            return [(functions, functions) for functions in alike if len(functions) > 1]
        return [(p[left], p[right]) for p in self.solutions.values() if p.get(left) and p.get(right)]

    def _mixed(self) -> list[tuple[Sequence[int], Sequence[int]]]:
        everything = [[i for functions in problem.values() for i in functions] for problem in self.solutions.values()]
        return [(functions, functions) for functions in everything if len(functions) > 1]


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of functions that are alike, by language; sorted by size where near ones should meet.

    Attributes:
        groups: language to groups of function numbers.
        neighbours: chance that a batch is drawn from groups that lie side by side.
        spread: so many times the pairs of a batch are the groups that it is drawn from then.
    """

    groups: Mapping[str, Sequence[Sequence[int]]]
    neighbours: float = 0.0
    spread: int = 2

    def __call__(self, rng: random.Random, pairs: int) -> list[Pair]:
        """Pairs of functions of one group; three of four batches hold one language."""
        languages = sorted(self.groups)
        if rng.random() < 0.75:
            weights = [len(self.groups[language]) ** 0.7 for language in languages]
            chosen = self.groups[rng.choices(languages, weights)[0]]
        else:
            chosen = [group for language in languages for group in self.groups[language]]
        if rng.random() < self.neighbours:
            start = rng.randrange(max(1, len(chosen) - self.spread * pairs))
            chosen = chosen[start : start + self.spread * pairs]
        return _members([(group, group) for group in chosen], rng, pairs)


def _members(groups: Sequence[tuple[Sequence[int], Sequence[int]]], rng: random.Random, pairs: int) -> list[Pair]:
    """A pair of each of some groups; a group that stands on both sides gives two different members."""
    drawn = []
    for left, right in rng.sample(groups, min(pairs, len(groups))):
        if left is right:
            first, second = rng.sample(list(left), 2)
        else:
            first, second = rng.choice(list(left)), rng.choice(list(right))
        drawn.append((first, second))
    return drawn
