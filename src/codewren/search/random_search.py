"""The baseline of every search: students drawn at random from the exact feasible set, all trained fully."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codewren.core.front import ParetoFront
from codewren.search.candidates import measured, succeeded
from codewren.search.enumerate import feasible_points
from codewren.search.sampling import draw
from codewren.search.strategy import Problem, SearchResult
from codewren.search.trial import Request


@dataclass(frozen=True, slots=True)
class RandomSearch:
    """Uniform draws.

    Attributes:
        trials: students trained.
        epochs: of each training.
    """

    name: ClassVar[str] = "random"
    trials: int = 24
    epochs: int = 4

    def search(self, problem: Problem, *, seed: int) -> SearchResult:
        """Search."""
        points = feasible_points(problem.space, problem.limits())
        configs = draw(points, self.trials, np.random.default_rng(seed))
        trials = problem.run_trials([Request(config, seed, self.epochs) for config in configs])
        front = ParetoFront.of(measured(problem, trial) for trial in succeeded(trials))
        return SearchResult(front, trials=tuple(trials), details={"feasible": len(points)})
