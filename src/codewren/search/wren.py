"""Our default search: successive halving over the exact feasible set, its students chosen by an upper confidence bound.

The rungs of successive halving are epochs: many students are trained briefly, the best of every octave of bytes are
trained on, and the front holds only students that were trained fully (Jamieson and Talwalkar, AISTATS 2016). The first
half of the lowest rung is spread over the bytes; the other half are those with the greatest upper confidence bound of
the surrogate, its mean and a deviation, in every octave (Auer, JMLR 2002; Srinivas et al., ICML 2010). What a short
training shows ranks students better than anything known before it (`benchmarks/search_ranks.py`), so few are trained
on. The learning rate is settled apart from the architecture, on the best middling student, trained fully. Costs are
exact for every point, so only effectiveness is guessed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from codewren.core.errors import InputError
from codewren.core.student_config import StudentConfig
from codewren.search.explore import EFFECTIVENESS, Feasible
from codewren.search.octaves import best_of_each, octaves
from codewren.search.rates import Rate, neighbours, offered_rates
from codewren.search.search_result import Belief, evenly, search_result
from codewren.search.space.sampling import spread_by_cost, with_free_fields
from codewren.search.space.space import SearchSpace
from codewren.search.strategy import Problem, SearchResult
from codewren.search.surrogate import FEWEST, Surrogate
from codewren.search.trainings import Trainings, effectiveness_of
from codewren.search.trials.pace import Pace
from codewren.search.trials.trial import Trial

RATES_TRIED = 4
"""Learning rates compared at most, on one student."""

_PROMOTED = 0.35  # share of a rung's students that the next one trains on
_PROPOSAL_POINTS = 100_000  # feasible points the surrogate is asked about between trainings
_LONG = 4  # epochs of a full training above which there is a rung between short and full


@dataclass(frozen=True, slots=True)
class Wren:
    """Our strategy.

    Attributes:
        trials: trainings in all; a short one and its continuation count as two.
        epochs: of a full training; short ones have a quarter and, of more than four, a half.
        objectives: what the front trades off; leave one out for an ablation.
        repeats: full trainings repeated with another seed, to learn the noise of a training.
        warm_start: trials of earlier searches on the same data, for the surrogate and the learning rate.
    """

    name: ClassVar[str] = "wren"
    trains: ClassVar[bool] = True
    trials: int = 18
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
        rate, tuned = _first_rate(trainings, self.trials)
        plan, begin = self._plan(trainings, rate, tuned)
        short, full = plan.epochs[0], plan.epochs[-1]
        trainings.train(begin, short)
        rate = _lower_after_collapse(trainings, rate)
        rate = _climbed(trainings, rate, short, full, tuned) if tuned else rate
        plan = _fitting(trainings, plan, begun=len(begin))
        left = plan.rungs[0] - len(begin)
        for count in (ceil(left / 2), left // 2):
            trainings.train(_by_upper_confidence_bound(trainings, count, rate), short)
            rate = _lower_after_collapse(trainings, rate)
        plan = _fitting(trainings, plan, begun=plan.rungs[0])
        # Successive halving: each rung trains the best of the one below on, for more epochs.
        for count, before, epochs in zip(plan.rungs[1:], plan.epochs, plan.epochs[1:], strict=False):
            trainings.train(trainings.promising(count, before), epochs)
        belief = Belief.of(trainings, _deviation(trainings, plan.repeats, full))
        foresight = _foresight(trainings, short, full)
        result = search_result(trainings, epochs=full, belief=belief)
        figures = {"learning_rate": rate.rate, "at_hidden_size": rate.width, "foresight": foresight}
        return replace(result, details={**result.details, **figures})

    def _plan(self, trainings: Trainings, rate: Rate, tuned: int) -> tuple["Plan", list[StudentConfig]]:
        """The largest plan that the trainings and the time limit allow, and the students it begins with."""
        pace = trainings.problem.pace
        plan = Plan.of(self.trials - tuned, self.epochs, self.repeats)
        begin = _spread(trainings, ceil(plan.rungs[0] / 2), rate)
        if pace is not None:
            extra = tuned * self.epochs
            plan = _fitting(trainings, plan, begun=0, extra=extra, typical=begin)
            pace.plan(plan.trials + tuned, _typical(pace, begin) * (plan.epochs_left(0) + extra))
        rows = evenly(len(begin), max(1, ceil(plan.rungs[0] / 2)))
        return plan, [begin[row] for row in rows.tolist()]


@dataclass(frozen=True, slots=True)
class Plan:
    """The rungs of successive halving: students in each, the epochs they then have had, and repeated trainings."""

    rungs: tuple[int, ...]
    epochs: tuple[int, ...]
    repeats: int

    @classmethod
    def of(cls, trials: int, epochs: int, repeats: int) -> Self:
        """The largest plan of at most `trials` trainings.

        >>> Plan.of(16, 4, 1)
        Plan(rungs=(11, 4), epochs=(1, 4), repeats=1)
        >>> Plan.of(16, 8, 1)
        Plan(rungs=(9, 4, 2), epochs=(2, 4, 8), repeats=1)
        """
        half = {max(1, epochs // 2)} if epochs > _LONG else set()
        steps = tuple(sorted({max(1, epochs // 4), epochs} | half))
        repeats = min(repeats, trials // 8)
        for first in range(trials, 0, -1):
            rungs = tuple(ceil(first * _PROMOTED**rung) for rung in range(len(steps)))
            if sum(rungs) + repeats <= trials:
                return cls(rungs, steps, repeats)
        return cls((trials,), (epochs,), 0)  # too few for short trainings first

    @property
    def trials(self) -> int:
        """Trainings in all."""
        return sum(self.rungs) + self.repeats

    def epochs_left(self, begun: int) -> int:
        """Epochs of all trainings but the first `begun` short ones, continued ones counted once."""
        steps = np.diff((0, *self.epochs)).tolist()
        trained = sum(count * step for count, step in zip(self.rungs, steps, strict=True))
        return int(trained) - begun * self.epochs[0] + self.repeats * self.epochs[-1]

    def smaller(self, begun: int) -> Iterator[Self]:
        """This plan, then ever smaller ones: fewer students, then no repetition, then fewer that are trained on."""
        later = len(self.rungs) - 1
        yield self
        for first in range(self.rungs[0] - 1, max(begun, 1) - 1, -1):
            yield replace(self, rungs=tuple(ceil(first * _PROMOTED**rung) for rung in range(later + 1)))
        least = min(self.rungs[0], max(begun, 1))
        for continued in range(ceil(least * _PROMOTED), 0, -1):
            rungs = (least, *(ceil(continued * _PROMOTED**rung) for rung in range(later)))
            yield replace(self, rungs=rungs, repeats=0)


def _fitting(
    trainings: Trainings, plan: Plan, *, begun: int, extra: int = 0, typical: Sequence[StudentConfig] = ()
) -> Plan:
    """The largest plan within the time limit, or the least one, by the pace of the trainings so far."""
    pace = trainings.problem.pace
    if pace is None:
        return plan
    configs = typical or [trial.config for trial in trainings.trials.values()]
    epoch_s = pace.slowness * _typical(pace, configs)
    plans = list(plan.smaller(begun))
    room = pace.room_s
    return next((smaller for smaller in plans if epoch_s * (smaller.epochs_left(begun) + extra) <= room), plans[-1])


def _typical(pace: Pace, configs: Sequence[StudentConfig]) -> float:
    return float(np.mean([pace.epoch_s(config) for config in configs]))


def _first_rate(trainings: Trainings, trials: int) -> tuple[Rate, int]:
    """What served earlier students best, else the middle one on offer; and how many trainings may improve it."""
    space = trainings.problem.space
    offered, width = offered_rates(space), int(np.median(space.values("hidden_size")))
    if trainings.earlier:
        return Rate(_best_earlier(trainings.earlier, space, width), width), 0
    count = min(RATES_TRIED, len(offered))
    return Rate(offered[len(offered) // 2], width), count if len(offered) > 1 and trials >= 2 * count else 0


def _best_earlier(earlier: Sequence[Trial], space: SearchSpace, width: int) -> float:
    """The rate, at `width`, that won the most comparisons on one student; without any, the one best on average."""
    groups: dict[tuple[StudentConfig, int, int], list[Trial]] = {}
    for trial in earlier:
        groups.setdefault((trial.config.replace(learning_rate=1.0), trial.seed, trial.fidelity), []).append(trial)
    compared = [max(group, key=_worth) for group in groups.values() if len(group) > 1]
    if compared:
        wins = Counter(Rate.like(trial.config).of(space, width) for trial in compared)
        return max(sorted(wins), key=lambda rate: wins[rate])
    longest = max(trial.fidelity for trial in earlier)
    by_rate: dict[float, list[float]] = {}
    for trial in earlier:
        if trial.fidelity == longest:
            by_rate.setdefault(Rate.like(trial.config).of(space, width), []).append(_worth(trial))
    return max(sorted(by_rate), key=lambda rate: float(np.median(by_rate[rate])))


def _worth(trial: Trial) -> float:
    return trial.effectiveness or 0.0


def _climbed(trainings: Trainings, rate: Rate, short: int, full: int, most: int) -> Rate:
    """The rate that serves one middling student best when it is trained fully, found step by step, upwards first.

    A short training would prefer low rates: its schedule is still high when it stops.
    """
    student = _middling(trainings, short)
    if student is None:
        return rate
    space, worth = trainings.problem.space, dict[float, float]()
    todo = [student.learning_rate]
    while todo and len(worth) < most:
        trials = trainings.train([student.replace(learning_rate=todo[-1])], full)
        worth |= {trial.config.learning_rate: _worth(trial) for trial in trials}
        if not trials:
            break  # no time left
        best = max(sorted(worth), key=lambda lr: worth[lr])
        todo = [lr for lr in neighbours(space, best) if lr not in worth]
    if not worth:
        return rate
    best = max(sorted(worth), key=lambda lr: worth[lr])
    tried = ", ".join(f"{lr:g}: {worth[lr]:.4f}" for lr in sorted(worth))
    trainings.notes.append(f"learning rate {best:g} at hidden size {student.hidden_size} (after {full} epochs {tried})")
    return Rate(best, student.hidden_size)


def _middling(trainings: Trainings, epochs: int) -> StudentConfig | None:
    """Of the students trained so long, the best one of the middle third by FLOPs: dear ones would eat the time."""
    done = _by_flops(trainings.at(epochs))
    middle = done[len(done) // 3 : max(len(done) // 3 + 1, ceil(2 * len(done) / 3))]
    return max(middle, key=_worth).config if middle else None


def _by_flops(trials: Sequence[Trial]) -> list[Trial]:
    return sorted(trials, key=lambda trial: (trial.scores.flops or 0) if trial.scores else 0)


def _lower_after_collapse(trainings: Trainings, rate: Rate) -> Rate:
    """Where most trainings at a rate collapse, the next lower one is taken: what one student bears others may not."""
    space = trainings.problem.space
    current = rate.of(space, rate.width)
    lower = [offered for offered in offered_rates(space) if offered < current]
    done = [trial for trial in trainings.trials.values() if trial.effectiveness is not None]
    collapsed = trainings.validation.collapsed(effectiveness_of(done))
    ours = [
        bool(bad)
        for trial, bad in zip(done, collapsed, strict=True)
        if trial.config.learning_rate == rate.of(space, trial.config.hidden_size)
    ]
    if not lower or not ours or sum(ours) <= 0.5 * len(ours):
        return rate
    trainings.notes.append(f"most trainings collapsed at learning rate {current:g}, so {max(lower):g} was taken")
    return Rate(max(lower), rate.width)


def _spread(trainings: Trainings, count: int, rate: Rate) -> list[StudentConfig]:
    """Students from the smallest to the largest, otherwise unlike each other."""
    rows = spread_by_cost(trainings.feasible.points, trainings.bytes_of(trainings.feasible), count, trainings.rng)
    points = trainings.feasible.points.take(np.array(rows, dtype=np.intp))
    return rate.at(with_free_fields(points, trainings.rng)).configs()


def _by_upper_confidence_bound(trainings: Trainings, count: int, rate: Rate) -> list[StudentConfig]:
    """In every octave of bytes the student of the greatest upper confidence bound: predicted mean plus one deviation.

    Octaves with few trainings come first, of equals those in which that would gain the most over smaller students.
    """
    seen = trainings.observations()
    if seen is None or count == 0:
        return []
    surrogate = Surrogate.fit(seen, trainings.validation, seed=trainings.seed)
    some = _candidates(trainings)
    points = rate.at(with_free_fields(some.points, trainings.rng))
    mean, deviation = surrogate.predict(points)
    sizes = trainings.bytes_of(some)
    bound = mean + deviation if trainings.by_effectiveness else -np.log(sizes)
    group = octaves(sizes, trainings.most_bytes)
    tried = {trial.config for trial in trainings.trials.values()}
    chosen: dict[StudentConfig, None] = {}
    count_in = Counter(_levels_trained(trainings))
    while len(chosen) < count and np.isfinite(bound).any():
        gains = _gains(best_of_each(group.tolist(), bound), sizes, bound)
        row = min(gains, key=lambda row: (count_in[int(group[row])], -gains[row]))
        bound[row] = -np.inf
        config = points.config(row)
        if config not in tried and config not in chosen:
            chosen[config] = None
            count_in[int(group[row])] += 1
    return list(chosen)


def _levels_trained(trainings: Trainings) -> list[int]:
    """The octave of bytes of every student that was trained."""
    configs = {trial.config.replace(learning_rate=1.0): trial for trial in trainings.trials.values()}
    sizes = [trainings.problem.cheap_scores(trial.config).size_bytes for trial in configs.values()]
    levels: list[int] = octaves(np.array(sizes, dtype=np.float64), trainings.most_bytes).tolist()
    return levels


def _gains(rows: Sequence[int], sizes: NDArray[np.float64], worth: NDArray[np.float64]) -> dict[int, float]:
    """What each of these adds to the best of the smaller ones, where anything is left; the smallest adds the most."""
    gains: dict[int, float] = {}
    best = -np.inf
    for row in sorted(rows, key=lambda row: float(sizes[row])):
        if np.isfinite(worth[row]):
            gains[row] = float(worth[row] - best)
            best = max(best, float(worth[row]))
    return gains


def _candidates(trainings: Trainings) -> Feasible:
    """Feasible points, of many a random part with about as many from every octave of bytes."""
    feasible, rng = trainings.feasible, trainings.rng
    if len(feasible) <= _PROPOSAL_POINTS:
        return feasible
    group = octaves(trainings.bytes_of(feasible), trainings.most_bytes)
    each = _PROPOSAL_POINTS // (int(group.max()) + 1)
    groups = [np.flatnonzero(group == level) for level in np.unique(group)]
    drawn = [rng.choice(inside, size=min(each, len(inside)), replace=False) for inside in groups]
    return feasible.take(np.sort(np.concatenate(drawn)))


def _deviation(trainings: Trainings, repeats: int, epochs: int) -> float:
    """Standard deviation of one full training's effectiveness.

    The sampling error of the validation split, and what trainings repeated with another seed say, weighed as if two
    had been repeated already. The best of the cheaper half are repeated: a dear one would say the same.
    """
    validation, done = trainings.validation, trainings.at(epochs)
    best = sorted(_by_flops(done)[: ceil(len(done) / 2)], key=lambda trial: -_worth(trial))[:repeats]
    again = trainings.train([trial.config for trial in best], epochs, seed=trainings.seed + 1) if best else []
    expected = validation.sampling_error(float(effectiveness_of(done).max()) if done else validation.chance)
    once = {trial.config: trial.effectiveness for trial in best}
    pairs = [(once[trial.config], trial.effectiveness) for trial in again]
    squares = [(first - second) ** 2 / 2 for first, second in pairs if first is not None and second is not None]
    return float(np.sqrt((2 * expected**2 + sum(squares)) / (2 + len(squares))))


def _foresight(trainings: Trainings, short: int, full: int) -> float | None:
    """Rank correlation of the students trained fully, after the short training and after the full one; told in a note.

    None with fewer than four, or where all are alike. Only promising ones were trained on, so it is on the low side.
    """
    before, after = ({trial.config: _worth(trial) for trial in trainings.at(epochs)} for epochs in (short, full))
    both = [(before[config], after[config]) for config in before if config in after]
    first, last = np.array(both).reshape(-1, 2).T
    if short == full or len(both) < FEWEST or not np.ptp(first) or not np.ptp(last):
        return None
    rank = float(spearmanr(first, last).statistic)
    trainings.notes.append(
        f"{len(both)} students rank after {full} epochs as after {short} with a correlation of {rank:.2f}"
    )
    return rank
