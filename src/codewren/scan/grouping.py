"""Pairs of clones become classes by average linkage, in one pass over the pairs.

Connected components are no classes: with a few wrong pairs among millions, chains of them join everything. Here the
most probable pair comes first, and two classes become one only if at least half of the pairs across them are clones.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

LINKAGE = 0.5  # part of the pairs across two classes that must be clones before they become one

Pair = tuple[int, int, float]


def group(
    count: int,
    pairs: Sequence[Pair],
    *,
    start: Sequence[Sequence[int]] = (),
    apart: Mapping[int, Collection[int]] | None = None,
    linkage: float = LINKAGE,
) -> list[tuple[list[int], float]]:
    """Partition functions 0 to `count` - 1 into classes, with the mean probability of the pairs inside each.

    Args:
        count: number of functions.
        pairs: (i, j, probability) of the pairs that are clones, each once.
        start: classes that exist already; all functions by default stand alone.
        apart: for some functions those that never get into their class.
        linkage: share of the pairs across two classes that must be clones before they become one.

    >>> group(4, [(0, 1, 0.75), (1, 2, 0.5)])
    [([1, 0, 2], 0.625), ([3], 1.0)]
    >>> group(3, [(0, 1, 0.75), (1, 2, 0.5)], apart={0: [2], 2: [0]})
    [([1, 0], 0.75), ([2], 1.0)]
    """
    classes = _Classes(count, start, apart or {}, linkage)
    across = [pair for pair in pairs if classes.home[pair[0]] != classes.home[pair[1]]]
    for i, j, _ in across:
        classes.link(i, j)
    for i, j, _ in sorted(across, key=lambda pair: (-pair[2], pair[0], pair[1])):
        classes.join(classes.home[i], classes.home[j])
    inside: defaultdict[int, list[float]] = defaultdict(list)
    for i, j, probability in pairs:
        if classes.home[i] == classes.home[j]:
            inside[classes.home[i]].append(probability)
    means = {name: sum(values) / len(values) for name, values in inside.items()}
    return [(members, means.get(name, 1.0)) for name, members in classes.members.items()]


class _Classes:
    """A partition, and how many pairs link its classes."""

    def __init__(
        self, count: int, start: Sequence[Sequence[int]], apart: Mapping[int, Collection[int]], linkage: float
    ) -> None:
        self.home = list(range(count))
        for members in start:
            for member in members:
                self.home[member] = members[0]
        self.members: dict[int, list[int]] = {}
        for index, name in enumerate(self.home):
            self.members.setdefault(name, []).append(index)
        self.links: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self._apart = apart
        self._linkage = linkage

    def link(self, i: int, j: int) -> None:
        """Count one pair."""
        a, b = self.home[i], self.home[j]
        self.links[a][b] += 1
        self.links[b][a] += 1

    def join(self, a: int, b: int) -> None:
        """Make two classes one if they are close enough, the one with fewer links and members into the other."""
        if a == b or self.links[a][b] < self._linkage * len(self.members[a]) * len(self.members[b]):
            return
        if self._apart and self._are_apart(a, b):
            return
        if len(self.links[a]) + len(self.members[a]) < len(self.links[b]) + len(self.members[b]):
            a, b = b, a
        joining = self.members.pop(b)
        self.members[a] += joining
        for member in joining:
            self.home[member] = a
        for neighbour, pairs in self.links.pop(b).items():
            del self.links[neighbour][b]
            if neighbour != a:
                self.links[a][neighbour] += pairs
                self.links[neighbour][a] += pairs

    def _are_apart(self, a: int, b: int) -> bool:
        return any(self.home[other] == b for member in self.members[a] for other in self._apart.get(member, ()))
