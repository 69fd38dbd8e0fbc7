"""The second paper's search: train a few, fit a surrogate, evolve a front of (size, effectiveness, FLOPs).

`faithful` is the paper's system: an SMT solver reduces the space (`space/smt`), then the released code searches it
(`avatar_released`). `repaired` samples and searches inside the exact feasible
set, makes the size small under a cap instead of near to 3 MB, recombines really, keeps weak dominance, and uses our
surrogate.

Source: Avatar `MOO.py`, `surrogate.py`; SPEC 2.1-2.6.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from codewren.core.errors import InputError
from codewren.core.pareto import MEGABYTE, Candidate, ParetoFront, Scores
from codewren.core.student_config import StudentConfig
from codewren.search.candidates import predicted, succeeded
from codewren.search.explore import EFFECTIVENESS
from codewren.search.fronts import Table
from codewren.search.nsga2 import evolved_front
from codewren.search.papers.avatar_released import ITERATIONS, POPULATION, ReleasedSearch
from codewren.search.search_result import Belief, evenly, search_result
from codewren.search.space.costs import papers_flops, papers_size
from codewren.search.space.enumerate import Limit
from codewren.search.space.points import Points, divisible
from codewren.search.space.sampling import adaptive_random, draw
from codewren.search.space.space import SearchSpace
from codewren.search.strategy import Mode, Problem, SearchResult
from codewren.search.surrogate import EffectivenessModel, Observations, PapersSurrogate, Surrogate
from codewren.search.trainings import Trainings, effectiveness_of
from codewren.search.trials.trial import Request


@dataclass(frozen=True, slots=True)
class Avatar:
    """The second paper's strategy.

    Attributes:
        mode: as released, or mended.
        sample: students trained for the surrogate.
        epochs: of each training (the paper: 20 for vulnerability, 5 for clones).
        target_mb: size the faithful mode aims at; the repaired mode uses the budget.
        iterations: generations, faithful mode.
        population: members, repaired mode.
        generations: of NSGA-II, repaired mode.
        surrogate: `ours`, or the paper's own in the repaired mode as an ablation.
        objectives: of the repaired mode; leave one out for an ablation.
        verify: members of the repaired mode's front that are trained, which compares the surrogate with the truth;
            the front then holds those only.
    """

    name: ClassVar[str] = "avatar"
    trains: ClassVar[bool] = True
    mode: Mode = Mode.REPAIRED
    sample: int = POPULATION
    epochs: int = 5
    target_mb: float = 3.0
    iterations: int = ITERATIONS
    population: int = 100
    generations: int = 100
    surrogate: Literal["ours", "papers"] = "ours"
    objectives: tuple[str, ...] = (EFFECTIVENESS, "size_bytes", "flops")
    verify: int = 0

    def search(self, problem: Problem, *, seed: int) -> SearchResult:
        """Search.

        Raises:
            InfeasibleError: no point keeps the budget or, faithful mode, has the target size.
            TrainingError: every training failed.
        """
        if self.sample < 2 or self.epochs < 1:
            raise InputError(f"sample {self.sample} and epochs {self.epochs} must be at least 2 and 1")
        return self._faithful(problem, seed) if self.mode is Mode.FAITHFUL else self._repaired(problem, seed)

    def _faithful(self, problem: Problem, seed: int) -> SearchResult:
        problem = replace(problem, space=reduced_space(problem, self.target_mb))
        released = ReleasedSearch(problem.space, problem.task, self.target_mb, Random(seed))
        # Step 2 (SPEC 2.5): the initial population is the surrogate's sample, trained for a few epochs.
        sample = released.sample(self.sample)
        configs = [released.config(genes) for genes in sample]
        trials = problem.run_trials([Request(config, seed, self.epochs) for config in configs])
        done = succeeded(trials)
        epochs = np.full(len(done), self.epochs)
        seen = Observations(Points.of(problem.space, [trial.config for trial in done]), epochs, effectiveness_of(done))
        surrogate = PapersSurrogate.fit(seen)  # step 3 (SPEC 2.5): from configuration to effectiveness
        # Step 4 (SPEC 2.4, 2.6): multi-objective search; steps 5 and 6, the pick and the full training, come later.
        archive = released.evolve(sample, lambda points: surrogate.predict(points)[0], self.iterations)
        members = [released.config(member.genes) for member in archive.members]
        front = _as_archived(problem, members, surrogate)
        notes = (
            f"{len(front)} archived configurations as the released code gives them: some are dominated, and the size "
            f"is a distance to {self.target_mb:g} MB, not a limit",
        )
        return SearchResult(front, trials=tuple(trials), notes=notes, details={"overwritten": archive.overwritten})

    def _repaired(self, problem: Problem, seed: int) -> SearchResult:
        trainings = Trainings.begin(problem, self.objectives, seed=seed)
        trainings.train(adaptive_random(trainings.feasible.points, self.sample, trainings.rng), self.epochs)
        seen = trainings.measured()
        belief = Belief.of(trainings, trainings.validation.sampling_error(float(seen.effectiveness.max())))
        predictor = self._fit(seen, trainings)
        points = evolved_points(trainings, predictor, population=self.population, generations=self.generations)
        candidates = _expected(problem, points, predictor)
        details = {"front": len(candidates)}
        if self.verify:
            return self._verified(trainings, candidates, belief)
        result = search_result(trainings, epochs=self.epochs, belief=belief)
        front = ParetoFront(tuple(candidates))
        return replace(result, front=front, noise=belief.noise(front), details={**result.details, **details})

    def _fit(self, seen: Observations, trainings: Trainings) -> EffectivenessModel:
        if self.surrogate == "papers":
            return PapersSurrogate.fit(seen)
        return Surrogate.fit(seen, trainings.validation, seed=trainings.seed)

    def _verified(self, trainings: Trainings, candidates: Sequence[Candidate], belief: Belief) -> SearchResult:
        """Surrogate against truth: train a spread of the front."""
        chosen = [candidates[index] for index in evenly(len(candidates), self.verify)]
        trials = trainings.train([candidate.config for candidate in chosen], self.epochs)
        result = search_result(trainings, epochs=self.epochs, belief=belief)
        pairs = [
            (candidate.scores.effectiveness, trial.effectiveness)
            for candidate, trial in zip(chosen, trials, strict=True)
            if trial.effectiveness is not None
        ]
        guess, truth = np.array(pairs).T if len(pairs) > 1 else (np.zeros(1), np.zeros(1))
        rank = float(spearmanr(guess, truth).statistic) if np.ptp(guess) and np.ptp(truth) else 0.0
        error = float(np.abs(guess - truth).mean())
        note = f"on {len(pairs)} trained members of the front the surrogate's rank correlation is {rank:.2f}"
        details = {**result.details, "verified": {"rank": rank, "mean_error": error, "pairs": pairs}}
        return replace(result, notes=(*result.notes, note), details=details)


def reduced_space(problem: Problem, target_mb: float) -> SearchSpace:
    """The first step of the paper: an SMT solver cuts the space to the box of what has at most the target size.

    The budget cuts nothing, as in the released code, but one that no point of the box keeps is refused by name before
    anything is trained. A limit without a closed form (a latency that was not modelled) is not reasoned about.

    Raises:
        InfeasibleError: no point has the target size and keeps the budget; the solver's core names what clashes.

    Source: SPEC 2.1 step 1, 2.3.
    """
    from codewren.search.space.smt import Reasoner, in_papers_steps, reduced  # the solver is for this mode alone

    target = Limit(papers_size(problem.task), target_mb * MEGABYTE)
    provable = [limit for limit in problem.limits() if limit.cost.form is not None]
    Reasoner(in_papers_steps(problem.space), [target, *provable]).require_feasible()
    return reduced(problem.space, [target])


def evolved_points(trainings: Trainings, predictor: EffectivenessModel, *, population: int, generations: int) -> Points:
    """The front that evolution finds for a predictor, every point inside the budget."""
    problem, costs = trainings.problem, trainings.problem.costs()
    limits = problem.limits()

    def evaluate(points: Points) -> Table:
        columns = [costs[name].of(points).astype(np.float64) for name in trainings.feasible.amounts]
        if trainings.by_effectiveness:
            columns.append(-predictor.predict(points)[0])
        return np.column_stack(columns)

    def feasible(points: Points) -> NDArray[np.bool_]:
        keeps = divisible(points).copy()
        for limit in limits:
            keeps[keeps] = limit.keeps(points.take(keeps))  # costs are defined where heads divide
        return keeps

    start = Points.of(problem.space, draw(trainings.feasible.points, population, trainings.rng))
    return evolved_front(start, evaluate, feasible, generations=generations, seed=trainings.seed)


def _expected(problem: Problem, points: Points, predictor: EffectivenessModel) -> list[Candidate]:
    mean, deviation = predictor.predict(points)
    candidates = [
        predicted(problem, config, effectiveness=float(value), uncertainty=float(doubt))
        for config, value, doubt in zip(points.configs(), mean, deviation, strict=True)
    ]
    return sorted(candidates, key=lambda candidate: candidate.scores.size_bytes)


def _as_archived(problem: Problem, configs: Sequence[StudentConfig], surrogate: PapersSurrogate) -> ParetoFront:
    size, flops = papers_size(problem.task), papers_flops(problem.task)
    mean = surrogate.predict(Points.of(problem.space, configs))[0]
    candidates = [
        Candidate(config, Scores(float(value), int(size(config)), flops=flops(config)), "archived")
        for config, value in zip(configs, mean, strict=True)
    ]
    return ParetoFront(tuple(sorted(candidates, key=lambda candidate: candidate.scores.size_bytes)))
