"""Sizes of an encoder that are worth a training: those of the greatest upper confidence bound in every octave of bytes.

What `wren` does for students, over the space of encoders (Auer, JMLR 2002; Srinivas et al., ICML 2010).
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from codewren.core.similarity_recipe import EncoderSizes
from codewren.search.octaves import octaves
from codewren.search.space.encoder_space import EXTENDED, described, encoder_space
from codewren.search.surrogate import FEWEST, Member, fit_members

Numbers = NDArray[np.float64]


def greatest_bounds(
    seen: Mapping[EncoderSizes, float], most_bytes: int, count: int, *, seed: int
) -> list[EncoderSizes]:
    """Untrained sizes, from the octaves with the fewest trainings first; none where too little was trained.

    Args:
        seen: effectiveness of the sizes that were trained equally long.
        most_bytes: of the tables.
        count: how many at most.
        seed: of the surrogate.
    """
    if count < 1 or len(seen) < FEWEST:
        return []
    trained = list(seen)
    feasible = [sizes for sizes in encoder_space(trained[0]) if sizes.table_bytes <= most_bytes]
    bounds = _bounds(trained, np.array(list(seen.values())), feasible, seed)
    trainings = Counter(_levels(trained, most_bytes))
    chosen: list[EncoderSizes] = []
    candidates = {
        index: level for index, level in enumerate(_levels(feasible, most_bytes)) if feasible[index] not in seen
    }
    while candidates and len(chosen) < count:
        best = min(candidates, key=lambda index: (trainings[candidates[index]], -bounds[index]))
        trainings[candidates.pop(best)] += 1
        chosen.append(feasible[best])
    return chosen


def _levels(some: Sequence[EncoderSizes], most_bytes: int) -> list[int]:
    levels: list[int] = octaves(np.array([sizes.table_bytes for sizes in some], np.float64), most_bytes).tolist()
    return levels


def _bounds(
    trained: Sequence[EncoderSizes], effectiveness: Numbers, feasible: Sequence[EncoderSizes], seed: int
) -> Numbers:
    """Predicted mean plus one deviation: what the models disagree on, and what the smooth process doubts itself."""
    members: tuple[Member, ...] = fit_members(_features(trained), effectiveness, seed)
    means, doubts = zip(*(member(_features(feasible)) for member in members), strict=True)
    return np.asarray(np.mean(means, axis=0) + np.sqrt(np.var(means, axis=0) + np.square(doubts[-1])))


def _features(some: Sequence[EncoderSizes]) -> Numbers:
    """Logarithms of the values of each point, centred and scaled by their domains."""
    table = np.log([list(described(sizes).values()) for sizes in some])
    domains = [np.log(values) for values in EXTENDED.values()]
    return np.asarray((table - [each.mean() for each in domains]) / [each.std() for each in domains])
