"""The learning rate, apart from the architecture: one figure, scaled to every width.

Under Adam the best rate of the square matrices falls with the width while that of the word table does not depend on
it; with one rate for both, the root of the width lies between. Source: Yang et al. 2021, Tensor Programs V, table 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codewren.core.student_config import StudentConfig
from codewren.search.space.points import Points
from codewren.search.space.space import SearchSpace


@dataclass(frozen=True, slots=True)
class Rate:
    """A learning rate for students of every width.

    Attributes:
        rate: at hidden size `width`; elsewhere the rate on offer nearest to `rate` √(width / hidden size).
        width: hidden size at which the rate holds.
    """

    rate: float
    width: int

    def at(self, points: Points) -> Points:
        """The points, each with the rate of its width."""
        offered = offered_rates(points.space)
        if len(offered) == 1:
            return points
        code_of = {rate: index for index, rate in enumerate(points.space.values("learning_rate"))}
        codes = np.array([code_of[rate] for rate in offered])[self._nearest(points.numbers("hidden_size"), offered)]
        return points.with_codes("learning_rate", np.broadcast_to(codes, (len(points),)))

    def of(self, space: SearchSpace, hidden: int) -> float:
        """The rate on offer for one hidden size."""
        offered = offered_rates(space)
        return offered[int(self._nearest(np.array(hidden), offered))]

    def _nearest(self, hidden: NDArray[np.int64], offered: Sequence[float]) -> NDArray[np.intp]:
        target = np.log(self.rate) + 0.5 * np.log(self.width / hidden)
        return np.asarray(np.abs(target[..., None] - np.log(offered)).argmin(axis=-1))

    @classmethod
    def like(cls, config: StudentConfig) -> "Rate":
        """The rule by which this student has its rate."""
        return cls(config.learning_rate, config.hidden_size)


def offered_rates(space: SearchSpace) -> list[float]:
    """The rates of a space, smallest first."""
    return sorted(float(rate) for rate in space.values("learning_rate"))


def neighbours(space: SearchSpace, rate: float) -> list[float]:
    """The next lower and the next higher rate on offer, where there are any."""
    offered = offered_rates(space)
    index = offered.index(rate)
    return [*offered[max(0, index - 1) : index], *offered[index + 1 : index + 2]]
