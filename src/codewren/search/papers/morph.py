"""MORPH's search: students whose predictions stay when code is edited without changing its meaning.

Four objectives: effectiveness, bytes, latency (the paper: FLOPs) and flips, the share of edited validation items whose
prediction changes. A Latin hypercube sample is trained briefly, one regression learns effectiveness and another one
flips, AGE-MOEA evolves a front for both inside the exact feasible set, and a spread of that front is trained fully:
what the search returns was measured, not predicted.

A training that collapsed to one answer flips nothing, so that by these objectives alone it would stand on every front:
such trainings teach the regression of flips nothing and are left out.

Source: Panichella, Metamorphic-Based Many-Objective Distillation of LLMs for Code-related Tasks, ICSE 2025, section III
(equation 1: the objectives; III-B: AGE-MOEA, sampling, operators, surrogates).
"""

from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import Any, ClassVar, Self

import numpy as np
from scipy.stats import qmc
from sklearn.ensemble import GradientBoostingRegressor

from codewren.core.errors import InputError
from codewren.core.student_config import StudentConfig
from codewren.search.age_moea import GeometrySurvival
from codewren.search.explore import EFFECTIVENESS, FLIPS
from codewren.search.fronts import Table, representatives
from codewren.search.nsga2 import Indices, evolved_front, pulled, table_indices, table_points
from codewren.search.search_result import Belief, evenly, search_result
from codewren.search.space.enumerate import keep_limits
from codewren.search.space.features import features
from codewren.search.space.points import Points
from codewren.search.space.sampling import draw
from codewren.search.strategy import Problem, SearchResult
from codewren.search.surrogate import FEWEST, EffectivenessModel, Observations, Surrogate, Vector, cross_validated_skill
from codewren.search.trainings import Trainings, flips_of, longest

_SAMPLE = 0.7  # share of the trainings that the surrogates learn from
_FRONT_POINTS = 400  # of the evolved front, among which a spread is picked
_NEAR = 0.01  # effectiveness that a steadier student may lack: `steadiest-within 1 points`
_BOOSTED = {"n_estimators": 60, "max_depth": 2, "subsample": 0.7}


@dataclass(frozen=True, slots=True)
class Morph:
    """MORPH's strategy.

    Attributes:
        trials: trainings in all: 7 of 10 for the surrogates, half as long; the others members of the evolved front.
        epochs: of a full training.
        population: of AGE-MOEA (the paper: 50).
        generations: likewise (100).
        objectives: what the front trades off; leave one out for an ablation.
    """

    name: ClassVar[str] = "morph"
    trains: ClassVar[bool] = True
    trials: int = 24
    epochs: int = 4
    population: int = 50
    generations: int = 100
    objectives: tuple[str, ...] = (EFFECTIVENESS, "size_bytes", "latency_s", FLIPS)

    def search(self, problem: Problem, *, seed: int) -> SearchResult:
        """Search.

        Raises:
            InfeasibleError: no point keeps the budget.
            TrainingError: every training failed, or flips were not measured.
        """
        if self.trials < 2 or self.epochs < 1:
            raise InputError(f"trials {self.trials} and epochs {self.epochs} must be at least 2 and 1")
        trainings = Trainings.begin(problem, self.objectives, seed=seed)
        sampled = min(self.trials - 1, ceil(_SAMPLE * self.trials))
        trainings.train(latin_hypercube(trainings, sampled), max(1, self.epochs // 2))
        seen = trainings.measured()
        effectiveness = Surrogate.fit(seen, trainings.validation, seed=seed)
        steadiness = Steadiness.fit(_steady(trainings), seed=seed) if trainings.by_flips else None
        front = self._evolved(trainings, effectiveness, steadiness)
        trainings.train(_spread(front, self.trials - sampled, by_flips=trainings.by_flips), self.epochs)
        belief = Belief.of(trainings, trainings.validation.sampling_error(float(seen.effectiveness.max())))
        result = search_result(trainings, epochs=self.epochs, belief=belief)
        details = {**result.details, "evolved": len(front.points), **_skill_of_flips(trainings)}
        return replace(result, details=details)

    def _evolved(
        self, trainings: Trainings, effectiveness: EffectivenessModel, steadiness: EffectivenessModel | None
    ) -> "EvolvedFront":
        costs, names = trainings.problem.costs(), tuple(trainings.feasible.amounts)

        def evaluate(points: Points) -> Table:
            columns = [np.log(np.maximum(costs[name].of(points).astype(np.float64), 1e-12)) for name in names]
            if trainings.by_effectiveness:
                columns.append(-effectiveness.predict(points)[0])
            if steadiness is not None:
                columns.append(1.0 - steadiness.predict(points)[0])
            return np.column_stack(columns)

        tried = [trial.config for trial in trainings.trials.values()]
        drawn = draw(trainings.feasible.points, self.population, trainings.rng)
        start = Points.of(trainings.problem.space, list(dict.fromkeys([*tried, *drawn]))[: self.population])
        points = evolved_front(
            start,
            evaluate,
            partial(keep_limits, trainings.problem.limits()),
            generations=self.generations,
            seed=trainings.seed,
            survival=GeometrySurvival(),
        )
        return EvolvedFront(points, evaluate(points))


@dataclass(frozen=True, slots=True, eq=False)
class EvolvedFront:
    """Points that no other point judged on the way dominates, and what the surrogates expect of them."""

    points: Points
    objectives: Table


@dataclass(frozen=True, slots=True)
class Steadiness:
    """The regression of flips, as the paper's a gradient boosting; it predicts the share that stays, 1 - flips.

    Attributes:
        model: on `features`, the epochs as the last column; None with too few trainings.
        mean: of what was seen.
        fidelity: epochs it predicts for: the longest seen.
    """

    model: Any
    mean: float
    fidelity: int

    @classmethod
    def fit(cls, seen: Observations, *, seed: int = 0) -> Self:
        """Fit to trainings that did not collapse, at least one; `effectiveness` holds what stays."""
        model = None
        if len(seen) >= FEWEST:
            table = features(seen.points, fidelity=seen.fidelity)
            model = GradientBoostingRegressor(random_state=seed, **_BOOSTED).fit(table, seen.effectiveness)
        return cls(model, float(seen.effectiveness.mean()), int(seen.fidelity.max()))

    def predict(self, points: Points) -> tuple[Vector, Vector]:
        """Means and deviations (none is known: 0), each of shape (n,)."""
        if self.model is None:
            return np.full(len(points), self.mean), np.zeros(len(points))
        mean = self.model.predict(features(points, fidelity=self.fidelity))
        return np.clip(mean, 0.0, 1.0), np.zeros(len(points))


def latin_hypercube(trainings: Trainings, count: int) -> list[StudentConfig]:
    """A Latin hypercube over the domains of the space, what lies outside the feasible set pulled into it."""
    space, rng = trainings.problem.space, trainings.rng
    names = [domain.field for domain in space.domains]
    sizes = np.array([len(space.values(name)) for name in names])
    unit = qmc.LatinHypercube(len(names), rng=rng).random(count)
    anchors = table_indices(Points.of(space, draw(trainings.feasible.points, count, rng)), names)

    def feasible(rows: Indices) -> Any:
        return keep_limits(trainings.problem.limits(), table_points(space, names, rows))

    rows = pulled(np.floor(unit * sizes).astype(np.int64), anchors, feasible, rng)
    return table_points(space, names, rows).configs()


def _steady(trainings: Trainings) -> Observations:
    """What stays in every training that did not collapse; in all of them where each did."""
    done = [trial for trial in trainings.trials.values() if trial.scores]
    worth = np.array([trial.effectiveness for trial in done], dtype=np.float64)
    collapsed = trainings.validation.collapsed(worth)
    sound = [trial for trial, bad in zip(done, collapsed, strict=True) if not bad] or done
    points = Points.of(trainings.problem.space, [trial.config for trial in sound])
    stays = np.array([1.0 - flips_of(trial.scores) for trial in sound])
    return Observations(points, np.array([trial.fidelity for trial in sound]), stays)


def _spread(front: EvolvedFront, count: int, *, by_flips: bool) -> list[StudentConfig]:
    """The member expected to be the best, the steadiest of those near it, then members that dominate the most together.

    Hypervolume alone looks at small students only, and a rule that picks the steadiest of the good ones would have one
    to pick from. Effectiveness is the last column, or the last but that of flips.
    """
    loss = front.objectives[:, -2 if by_flips else -1]
    first = [int(np.argmin(loss))]
    if by_flips:
        near = np.flatnonzero(loss <= loss.min() + _NEAR)
        first.append(int(near[np.argmin(front.objectives[near, -1])]))
    first = list(dict.fromkeys(first))
    rows = np.unique([*evenly(len(front.points), _FRONT_POINTS), *first])
    places = np.searchsorted(rows, first).tolist()
    chosen = rows[representatives(front.objectives[rows], count, first=places)]
    return [front.points.config(row) for row in chosen.tolist()]


def _skill_of_flips(trainings: Trainings) -> dict[str, Any]:
    """How well the regression of flips ranks trainings that it has not seen."""
    if not trainings.by_flips:
        return {}
    skill = cross_validated_skill(longest(_steady(trainings)), Steadiness.fit, seed=trainings.seed, repeats=1)
    return {"skill_of_flips": skill.to_dict() if skill else None}
