"""Our default search: few short trainings, each chosen from the exact feasible set, and honest about noise.

First the learning rate, on one student, apart from the architecture. Then short trainings of students spread over the
bytes; then of those the surrogate expects most of; the promising ones of all sizes are trained on, and the front
holds only students that were trained fully. Costs are exact for every point, so only effectiveness is guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from codewren.core.errors import InputError
from codewren.core.front import Candidate
from codewren.core.student_config import StudentConfig
from codewren.search.explore import EFFECTIVENESS
from codewren.search.findings import Belief, evenly, expected_front, findings
from codewren.search.fronts import nondominated, representatives
from codewren.search.points import Points
from codewren.search.sampling import spread_by_cost, with_free_fields
from codewren.search.strategy import Problem, SearchResult
from codewren.search.surrogate import Surrogate
from codewren.search.trainings import Trainings, effectiveness_of
from codewren.search.trial import Trial

RATES_TRIED = 4
"""Learning rates compared before anything else, spread over their domain."""

_KEPT = 0.6  # share of a rung's students that is trained on
_PROPOSAL_POINTS = 100_000  # feasible points the surrogate is asked about between trainings
_FRONT_POINTS = 400  # points of the expected front among which proposals are picked


@dataclass(frozen=True, slots=True)
class Wren:
    """Our strategy.

    Attributes:
        trials: trainings in all; a short one and its continuation count as two.
        epochs: of a full training; short ones have a quarter and a half.
        objectives: what the front trades off; leave one out for an ablation.
        repeats: full trainings repeated with another seed, to learn the noise of a training.
        warm_start: trials of earlier searches on the same data, for the surrogate and the learning rate.
    """

    name: ClassVar[str] = "wren"
    trials: int = 24
    epochs: int = 4
    objectives: tuple[str, ...] = (EFFECTIVENESS, "size_bytes", "latency_s")
    repeats: int = 1
    warm_start: tuple[Trial, ...] = ()

    def search(self, problem: Problem, *, seed: int) -> SearchResult:
        """Search.

        Raises:
            InfeasibleError: no point keeps the budget.
            TrainingError: every training failed.
        """
        if self.trials < 1 or self.epochs < 1:
            raise InputError(f"trials {self.trials} and epochs {self.epochs} must both be at least 1")
        trainings = Trainings.begin(problem, self.objectives, seed=seed, warm_start=self.warm_start)
        rates = _rates_to_try(trainings, self.trials)
        plan = Plan.of(self.trials - len(rates), self.epochs, self.repeats)
        short, full = plan.epochs[0], plan.epochs[-1]
        rate = _best_rate(trainings, rates, short)
        begun = trainings.train(_spread(trainings, ceil(plan.rungs[0] / 2), rate), short)
        rate = _lower_after_collapse(trainings, begun, rate)
        trainings.train(_proposed(trainings, plan.rungs[0] // 2, rate), short)
        for count, before, epochs in zip(plan.rungs[1:], plan.epochs, plan.epochs[1:], strict=False):
            trainings.train(trainings.promising(count, before), epochs)
        belief = Belief.of(trainings, _deviation(trainings, plan.repeats, full))
        result = findings(trainings, epochs=full, belief=belief)
        expected = _expected(trainings, rate) if belief.can_predict else []
        details = {**result.details, "learning_rate": rate, "expected": [one.to_dict() for one in expected]}
        return replace(result, details=details)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the trainings are spent: students in each rung, the epochs they then have had, and repeated trainings."""

    rungs: tuple[int, ...]
    epochs: tuple[int, ...]
    repeats: int

    @classmethod
    def of(cls, trials: int, epochs: int, repeats: int) -> Self:
        """The largest plan of at most `trials` trainings.

        >>> Plan.of(20, 4, 1)
        Plan(rungs=(9, 6, 4), epochs=(1, 2, 4), repeats=1)
        """
        steps = tuple(sorted({max(1, epochs // 4), max(1, epochs // 2), epochs}))
        repeats = min(repeats, trials // 8)
        for first in range(trials, 0, -1):
            rungs = tuple(ceil(first * _KEPT**place) for place in range(len(steps)))
            if sum(rungs) + repeats <= trials:
                return cls(rungs, steps, repeats)
        return cls((trials,), (epochs,), 0)  # too few for short trainings first


def _rates_to_try(trainings: Trainings, trials: int) -> list[float]:
    rates = sorted(trainings.problem.space.values("learning_rate"))
    known = {trial.config.learning_rate for trial in trainings.earlier}
    count = min(RATES_TRIED, len(rates))
    if len(rates) == 1 or len(known) >= count or trials < 2 * count:
        return []
    return [float(rates[place]) for place in evenly(len(rates), count)]


def _best_rate(trainings: Trainings, rates: Sequence[float], epochs: int) -> float:
    """The rate that serves one middling student best, or served earlier students best; else the middle one."""
    tried = trainings.earlier
    if rates:
        middle = spread_by_cost(trainings.feasible.points, _bytes(trainings), 3, trainings.rng)
        (student,) = _configs(trainings, middle[len(middle) // 2 :][:1], rates[0])
        tried = tuple(trainings.train([student.replace(learning_rate=rate) for rate in rates], epochs))
    by_rate: dict[float, list[float]] = {}
    for trial in tried:
        if trial.effectiveness is not None:
            by_rate.setdefault(trial.config.learning_rate, []).append(trial.effectiveness)
    if not by_rate:
        ordered = sorted(trainings.problem.space.values("learning_rate"))
        return float(ordered[len(ordered) // 2])
    return max(sorted(by_rate), key=lambda rate: float(np.median(by_rate[rate])))


def _lower_after_collapse(trainings: Trainings, begun: Sequence[Trial], rate: float) -> float:
    """What one student bears may be too much for most: then the next lower rate is taken."""
    lower = [float(one) for one in trainings.problem.space.values("learning_rate") if one < rate]
    ours = effectiveness_of(begun)
    everything = np.append(ours, effectiveness_of(list(trainings.trials.values())))
    if not lower or not len(ours) or trainings.judge.collapsed(everything)[: len(ours)].mean() <= 0.5:
        return rate
    trainings.notes.append(f"most trainings collapsed at learning rate {rate:g}, so {max(lower):g} was taken")
    return max(lower)


def _spread(trainings: Trainings, count: int, rate: float) -> list[StudentConfig]:
    """Students from the smallest to the largest, otherwise unlike each other."""
    places = spread_by_cost(trainings.feasible.points, _bytes(trainings), count, trainings.rng)
    return _configs(trainings, places, rate)


def _proposed(trainings: Trainings, count: int, rate: float) -> list[StudentConfig]:
    """Students that would push the front out the most, were the surrogate one deviation too low about each."""
    seen = trainings.observations()
    if seen is None or count == 0:
        return []
    surrogate = Surrogate.fit(seen, trainings.judge, seed=trainings.seed)
    rng, feasible = trainings.rng, trainings.feasible
    size = min(_PROPOSAL_POINTS, len(feasible))
    some = feasible.take(np.sort(rng.choice(len(feasible), size=size, replace=False)))
    points = at_rate(with_free_fields(some.points, rng), rate)
    mean, deviation = surrogate.predict(points)
    table = trainings.log_costs(some.objectives(mean + deviation if trainings.by_effectiveness else None))
    front = nondominated(table)
    front = front[evenly(len(front), _FRONT_POINTS)]
    tried = {trial.config for trial in trainings.trials.values()}
    order = representatives(table[front], count + len(tried))
    configs = [points.config(int(front[place])) for place in order]
    return [config for config in configs if config not in tried][:count]


def _deviation(trainings: Trainings, repeats: int, epochs: int) -> float:
    """Standard deviation of one full training's effectiveness.

    The sampling error of the validation split, and what trainings repeated with another seed say, weighed as if two
    had been repeated already.
    """
    judge, done = trainings.judge, trainings.at(epochs)
    best = sorted(done, key=lambda trial: -(trial.effectiveness or 0.0))[:repeats]
    again = trainings.train([trial.config for trial in best], epochs, seed=trainings.seed + 1) if best else []
    expected = judge.sampling_error(float(effectiveness_of(done).max()) if done else judge.chance)
    pairs = [(one.effectiveness, two.effectiveness) for one, two in zip(best, again, strict=True)]
    squares = [(one - two) ** 2 / 2 for one, two in pairs if one is not None and two is not None]
    return float(np.sqrt((2 * expected**2 + sum(squares)) / (2 + len(squares))))


def _expected(trainings: Trainings, rate: float) -> list[Candidate]:
    """What the surrogate expects over all feasible points at the rate that was found."""
    feasible = trainings.feasible
    free = tuple(name for name in feasible.free if name != "learning_rate")
    return expected_front(trainings, replace(feasible, points=at_rate(feasible.points, rate), free=free))


def _configs(trainings: Trainings, places: Sequence[int], rate: float) -> list[StudentConfig]:
    points = trainings.feasible.points.take(np.array(places, dtype=np.intp))
    return at_rate(with_free_fields(points, trainings.rng), rate).configs()


def at_rate(points: Points, rate: float) -> Points:
    """The points, all with one learning rate."""
    rates = list(points.space.values("learning_rate"))
    return points.with_code("learning_rate", rates.index(rate)) if len(rates) > 1 else points


def _bytes(trainings: Trainings) -> NDArray[np.float64]:
    known = trainings.feasible.amounts.get("size_bytes")
    if known is not None:
        return known
    return trainings.problem.costs()["size_bytes"].of(trainings.feasible.points).astype(np.float64)
