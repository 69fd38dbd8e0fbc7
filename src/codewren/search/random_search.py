"""The baselines by chance: students drawn at random from the exact feasible set and trained, or one of equal size."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codewren.core.pareto import Candidate, ParetoFront
from codewren.search.candidates import measured, succeeded, uncollapsed
from codewren.search.papers.compressor import papers_candidate, random_of_equal_size
from codewren.search.space.enumerate import feasible_points
from codewren.search.space.sampling import draw
from codewren.search.strategy import Problem, SearchResult
from codewren.search.trials.trial import Request


@dataclass(frozen=True, slots=True)
class RandomSearch:
    """Uniform draws.

    Attributes:
        trials: students trained.
        epochs: of each training.
    """

    name: ClassVar[str] = "random"
    trains: ClassVar[bool] = True
    trials: int = 24
    epochs: int = 4

    def search(self, problem: Problem, *, seed: int) -> SearchResult:
        """Search."""
        points = feasible_points(problem.space, problem.limits())
        configs = draw(points, self.trials, np.random.default_rng(seed))
        trials = problem.run_trials([Request(config, seed, self.epochs) for config in configs])
        done = succeeded(trials)
        sound = uncollapsed(problem, done)
        front = ParetoFront.of(measured(problem, trial) for trial in sound)
        notes = (f"{len(done) - len(sound)} collapsed students are no choice",) if len(sound) < len(done) else ()
        return SearchResult(front, trials=tuple(trials), notes=notes, details={"feasible": len(points)})


@dataclass(frozen=True, slots=True)
class RandomArchitecture:
    """The first paper's ablation: an untrained random architecture about as large as the target, by its formula.

    Attributes:
        target_mb: size aimed at.
        tolerance_mb: how far off it may be.

    Source: SPEC 1.6.
    """

    name: ClassVar[str] = "random-architecture"
    trains: ClassVar[bool] = False
    target_mb: float = 3.0
    tolerance_mb: float = 0.05

    def search(self, problem: Problem, *, seed: int) -> SearchResult:
        """Draw; another seed is another draw, and the budget plays no part.

        Raises:
            InfeasibleError: 5,000 draws hold none of that size.
        """
        config = random_of_equal_size(
            problem.space, target_mb=self.target_mb, seed=seed, tolerance_mb=self.tolerance_mb
        )
        drawn: Candidate = papers_candidate(config, problem.task)
        return SearchResult(ParetoFront((drawn,)), notes=("one random architecture of equal size, untrained",))
