"""Sizes that are worth a training: those of the greatest upper confidence bound in every octave of bytes.

What `wren` does for students, over another space (Auer, JMLR 2002; Srinivas et al., ICML 2010).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from codewren.search.space.size_space import SizeSpace
from codewren.search.surrogate import FEWEST, Member, fit_members

Numbers = NDArray[np.float64]
SizesT = TypeVar("SizesT")


def greatest_bounds(
    space: SizeSpace[SizesT], seen: Mapping[SizesT, float], most_bytes: int, count: int, *, seed: int
) -> list[SizesT]:
    """Untrained sizes, from the octaves with the fewest trainings first; none where too little was trained.

    Args:
        space: of the sizes.
        seen: effectiveness of the sizes that were trained equally long.
        most_bytes: of the tables.
        count: how many at most.
        seed: of the surrogate.
    """
    if count < 1 or len(seen) < FEWEST:
        return []
    trained, feasible = list(seen), space.within(most_bytes)
    bounds = _bounds(space, trained, np.array(list(seen.values())), feasible, seed)
    trainings = Counter(space.levels(trained, most_bytes))
    chosen: list[SizesT] = []
    candidates = {
        index: level for index, level in enumerate(space.levels(feasible, most_bytes)) if feasible[index] not in seen
    }
    while candidates and len(chosen) < count:
        best = min(candidates, key=lambda index: (trainings[candidates[index]], -bounds[index]))
        trainings[candidates.pop(best)] += 1
        chosen.append(feasible[best])
    return chosen


def _bounds(
    space: SizeSpace[SizesT], trained: Sequence[SizesT], effectiveness: Numbers, feasible: Sequence[SizesT], seed: int
) -> Numbers:
    """Predicted mean plus one deviation: what the models disagree on, and what the smooth process doubts itself."""
    members: tuple[Member, ...] = fit_members(_features(space, trained), effectiveness, seed)
    means, doubts = zip(*(member(_features(space, feasible)) for member in members), strict=True)
    return np.asarray(np.mean(means, axis=0) + np.sqrt(np.var(means, axis=0) + np.square(doubts[-1])))


def _features(space: SizeSpace[SizesT], some: Sequence[SizesT]) -> Numbers:
    """Logarithms of the values of each point, centred and scaled by their domains."""
    table = np.log([list(space.described(sizes).values()) for sizes in some])
    domains = [np.log(values) for values in space.domains.values()]
    return np.asarray((table - [each.mean() for each in domains]) / [each.std() for each in domains])
