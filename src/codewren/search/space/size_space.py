"""A space of sizes that are no student's: its points, what each costs, and draws from every octave of bytes."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from codewren.core.errors import InfeasibleError
from codewren.search.octaves import octaves

SizesT = TypeVar("SizesT")


@dataclass(frozen=True, slots=True)
class SizeSpace(Generic[SizesT]):
    """What a search may try.

    Attributes:
        noun: what has these sizes.
        domains: values by name; about twice as much from one to the next.
        points: every combination.
        table_bytes: of the tables of a point.
        described: the values of a point, by the names of the domains.
    """

    noun: str
    domains: Mapping[str, Sequence[int]]
    points: tuple[SizesT, ...]
    table_bytes: Callable[[SizesT], int]
    described: Callable[[SizesT], dict[str, int]]

    def within(self, most_bytes: int) -> list[SizesT]:
        """The points whose tables have at most so many bytes."""
        return [sizes for sizes in self.points if self.table_bytes(sizes) <= most_bytes]

    def levels(self, some: Sequence[SizesT], most_bytes: int) -> list[int]:
        """The octave of each point."""
        amounts = np.array([self.table_bytes(sizes) for sizes in some], np.float64)
        levels: list[int] = octaves(amounts, most_bytes).tolist()
        return levels

    def spread(self, most_bytes: int, count: int, *, seed: int) -> list[SizesT]:
        """So many points within a budget, drawn in turn from every octave of bytes that holds some.

        Raises:
            InfeasibleError: no point keeps the budget.
        """
        feasible = self.within(most_bytes)
        if not feasible:
            least = min(map(self.table_bytes, self.points))
            raise InfeasibleError(f"no {self.noun} of the space keeps {most_bytes:,} bytes; the smallest has {least:,}")
        by_level: defaultdict[int, list[SizesT]] = defaultdict(list)
        for sizes, level in zip(feasible, self.levels(feasible, most_bytes), strict=True):
            by_level[level].append(sizes)
        rng = random.Random(seed)
        for members in by_level.values():
            rng.shuffle(members)
        drawn: list[SizesT] = []
        while len(drawn) < min(count, len(feasible)):
            for _, members in sorted(by_level.items()):
                if members and len(drawn) < count:
                    drawn.append(members.pop())
        return drawn
