"""A search under way: its feasible set, every training so far, and what they say together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from codewren.core.errors import InputError, TrainingError
from codewren.core.pareto import Candidate, Scores
from codewren.core.student_config import StudentConfig
from codewren.search.candidates import measured, succeeded
from codewren.search.explore import EFFECTIVENESS, FLIPS, Feasible, costed_fields
from codewren.search.fronts import representatives
from codewren.search.octaves import best_of_each, octaves
from codewren.search.space.coarsen import listable
from codewren.search.space.points import Points
from codewren.search.space.sampling import distinct
from codewren.search.space.space import SearchSpace
from codewren.search.strategy import Problem
from codewren.search.surrogate import Observations, ValidationNoise, Vector
from codewren.search.trials.trial import Request, Trial


@dataclass(slots=True)
class Trainings:
    """The state of a search.

    Attributes:
        problem: what is searched for.
        seed: of its trainings.
        validation: what counts as a difference.
        rng: of its choices.
        feasible: the exact feasible set with the costs that are objectives.
        by_effectiveness: whether effectiveness is an objective.
        by_flips: whether the share of predictions that flip under edits is one, too.
        earlier: trainings of other searches, for the surrogate only.
        trials: this search's own trainings.
        notes: for the person who will choose.
    """

    problem: Problem
    seed: int
    validation: ValidationNoise
    rng: np.random.Generator
    feasible: Feasible
    by_effectiveness: bool
    by_flips: bool = False
    earlier: tuple[Trial, ...] = ()
    trials: dict[Request, Trial] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, problem: Problem, objectives: Sequence[str], *, seed: int, warm_start: Sequence[Trial] = ()) -> Self:
        """List the feasible set and start.

        Raises:
            InfeasibleError: no point keeps the budget.
        """
        if problem.latency_s is None:  # without a model of latency FLOPs stand in, as in the papers
            objectives = ["flops" if name == "latency_s" else name for name in objectives]
        by_flips, objectives = FLIPS in objectives, [name for name in objectives if name != FLIPS]
        space = listable(problem.space, problem.limits(), costed_fields(problem, objectives))
        notes = []
        if space is not problem.space:
            notes.append(f"search space {space.name!r} has too many points within the budget: {_steps(problem, space)}")
            problem = replace(problem, space=space)
        earlier = tuple(trial for trial in warm_start if trial.config in problem.space and trial.scores)
        feasible = Feasible.of(problem, objectives)
        rng = np.random.default_rng(seed)
        by_effectiveness = EFFECTIVENESS in objectives
        return cls(problem, seed, problem.validation(), rng, feasible, by_effectiveness, by_flips, earlier, notes=notes)

    @property
    def most_bytes(self) -> float:
        """Bytes of the largest feasible student: where the octaves of bytes are counted from."""
        return float(self.bytes_of(self.feasible).max())

    def bytes_of(self, some: Feasible) -> NDArray[np.float64]:
        """Shipped bytes of feasible points, whether they are an objective or not; shape (n,)."""
        known = some.amounts.get("size_bytes")
        return self.problem.costs()["size_bytes"].of(some.points).astype(np.float64) if known is None else known

    def train(self, configs: Sequence[StudentConfig], epochs: int, *, seed: int | None = None) -> list[Trial]:
        """Run trainings and remember them; those for which the time limit leaves no room are left out."""
        requests = [Request(config, self.seed if seed is None else seed, epochs) for config in distinct(configs)]
        trials: list[Trial] = []
        for some in self._in_turns(requests):
            trials += self.problem.run_trials(some)
            self.trials |= {trial.request: trial for trial in trials}
        if len(trials) < len(requests):
            self.notes.append(f"{len(requests) - len(trials)} trainings of {epochs} epochs left out at the time limit")
        return trials

    def _in_turns(self, requests: Sequence[Request]) -> Iterator[Sequence[Request]]:
        """All at once, or under a time limit as many as there are workers, as long as the limit leaves time for them.

        The first training of all is never left out, so that there is something to choose.
        """
        pace = self.problem.pace
        if pace is None or pace.limit_s is None:
            yield requests
            return
        for start in range(0, len(requests), pace.workers):
            some = requests[start : start + pace.workers]
            affordable = pace.affordable(some) if self.trials else some
            if affordable:
                yield affordable

    def at(self, epochs: int) -> list[Trial]:
        """Trainings of that length with this search's own seed, without the collapsed ones where others are left."""
        done = [t for t in self.trials.values() if t.scores and t.fidelity == epochs and t.seed == self.seed]
        collapsed = self.validation.collapsed(effectiveness_of(done))
        return [trial for trial, bad in zip(done, collapsed, strict=True) if not bad] or done

    def promising(self, count: int, epochs: int) -> list[StudentConfig]:
        """Of the students trained so long, the best of every octave of bytes, then those that dominate the most.

        Of a student trained at several learning rates only the best counts. With room for fewer than the octaves,
        those of their best that together dominate the most, the best of all among them.
        """
        at_best_rate: dict[StudentConfig, Trial] = {}
        for trial in sorted(self.at(epochs), key=lambda trial: -(trial.effectiveness or 0.0)):
            at_best_rate.setdefault(trial.config.replace(learning_rate=1.0), trial)
        done = sorted(at_best_rate.values(), key=lambda trial: trial.number)
        if not done:
            return []
        candidates = [measured(self.problem, trial) for trial in done]
        table, worth = self.objectives(candidates), effectiveness_of(done)
        sizes = np.array([candidate.scores.size_bytes for candidate in candidates], dtype=np.float64)
        first = best_of_each(octaves(sizes, self.most_bytes).tolist(), worth if self.by_effectiveness else -sizes)
        if len(first) > count:
            top = [int(np.argmax(worth[first]))] if self.by_effectiveness else []
            first = [first[index] for index in representatives(table[first], count, first=top)]
        return [done[index].config for index in representatives(table, count, first=first)]

    def observations(self) -> Observations | None:
        """All that was measured, earlier searches included."""
        done = [trial for trial in (*self.earlier, *self.trials.values()) if trial.scores]
        if not done:
            return None
        points = Points.of(self.problem.space, [trial.config for trial in done])
        return Observations(points, np.array([trial.fidelity for trial in done]), effectiveness_of(done))

    def measured(self) -> Observations:
        """All that was measured.

        Raises:
            TrainingError: every training failed.
        """
        succeeded(list(self.trials.values()))
        seen = self.observations()
        if seen is None:
            raise InputError("nothing was trained, so there is nothing to learn from; raise the number of trials")
        return seen

    def objectives(self, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        """What to make small, a row a candidate: logarithms of the costs, the loss of effectiveness, the flips.

        Raises:
            TrainingError: flips are an objective, and a training did not measure them.
        """
        rows = [[float(getattr(candidate.scores, name)) for name in self.feasible.amounts] for candidate in candidates]
        if self.by_effectiveness:
            rows = [
                [*row, -(candidate.scores.effectiveness or 0.0)]
                for row, candidate in zip(rows, candidates, strict=True)
            ]
        if self.by_flips:
            rows = [[*row, flips_of(candidate.scores)] for row, candidate in zip(rows, candidates, strict=True)]
        return self.log_costs(np.array(rows))

    def log_costs(self, objectives: NDArray[np.float64]) -> NDArray[np.float64]:
        """Costs as logarithms: half the bytes is as much of a gain at 100 kB as at 3 MB."""
        table = objectives.copy()
        costs = len(self.feasible.amounts)
        table[:, :costs] = np.log(np.maximum(table[:, :costs], 1e-12))
        return table


def _steps(problem: Problem, coarse: SearchSpace) -> str:
    changed = [name for name in coarse.field_names if len(coarse.values(name)) < len(problem.space.values(name))]
    return ", ".join(f"{len(coarse.values(name))} values of {name} instead of all" for name in changed)


def flips_of(scores: Scores | None) -> float:
    """Measured share of predictions that flip.

    Raises:
        TrainingError: it was not measured.
    """
    if scores is None or scores.flips is None:
        raise TrainingError(
            "flips are an objective, but a trial measured none; search with a strategy that asks for them"
        )
    return scores.flips


def effectiveness_of(trials: Sequence[Trial]) -> Vector:
    """Measured effectiveness of the trials that have one."""
    return np.array([trial.effectiveness for trial in trials if trial.effectiveness is not None], dtype=np.float64)


def longest(seen: Observations) -> Observations:
    """Of several trainings of a student the longest: the others would leak into its own validation."""
    row_of: dict[StudentConfig, int] = {}
    for row, config in enumerate(seen.points.configs()):
        if config not in row_of or seen.fidelity[row] >= seen.fidelity[row_of[config]]:
            row_of[config] = row
    return seen.take(np.array(list(row_of.values())))
