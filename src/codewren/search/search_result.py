"""What a search found, and how far to believe it: front, noise, flatness, skill of the surrogate, in words too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from codewren.core.errors import TrainingError
from codewren.core.pareto import Candidate, ParetoFront
from codewren.core.student_config import StudentConfig
from codewren.search.candidates import measured, succeeded, uncollapsed
from codewren.search.fronts import nondominated
from codewren.search.octaves import best_of_each, octaves
from codewren.search.strategy import Problem, SearchResult
from codewren.search.surrogate import Skill, Surrogate, cross_validated_skill
from codewren.search.trainings import Trainings, effectiveness_of, flips_of, longest
from codewren.search.trials.trial import Trial

LEAST_SKILL = 0.2
"""Cross-validated rank correlation below which a surrogate is said to predict nothing."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What all trainings together say.

    Attributes:
        deviation: standard deviation of one training's effectiveness.
        flat: whether students differ by no more than the error of one figure.
        skill: of the surrogate, None with too few trainings.
    """

    deviation: float
    flat: bool
    skill: Skill | None

    @classmethod
    def of(cls, trainings: Trainings, deviation: float) -> Self:
        """Judge the trainings."""
        seen = trainings.observations()
        if seen is None:
            return cls(deviation, flat=False, skill=None)
        once, validation, seed = longest(seen), trainings.validation, trainings.seed
        skill = cross_validated_skill(
            once, lambda some: Surrogate.fit(some, validation, seed=seed), seed=seed, repeats=1
        )
        return cls(deviation, validation.is_flat(once.effectiveness), skill)

    @property
    def difference(self) -> float:
        """Standard deviation of the difference of two trainings of equal students."""
        return float(np.sqrt(2) * self.deviation)

    @property
    def can_predict(self) -> bool:
        """Whether the surrogate ranks at all."""
        return self.skill is not None and self.skill.spearman >= LEAST_SKILL

    def noise(self, front: ParetoFront) -> float:
        """The difference that means nothing among the candidates: on a flat space, all of it."""
        values = [candidate.scores.effectiveness or 0.0 for candidate in front.candidates]
        return max(self.difference, max(values) - min(values)) if self.flat and values else self.difference

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        skill = self.skill.to_dict() if self.skill else None
        return {"deviation": self.deviation, "flat": self.flat, "skill": skill}

    def words(self) -> Iterator[str]:
        """For the person who will choose."""
        yield f"two trainings of equal students differ by about {100 * self.difference:.1f} points"
        if self.flat:
            yield (
                "the space is flat: students differ by no more than the error of one figure, "
                "so the smallest is as good as any"
            )
        if self.skill is None:
            yield "too few trainings to say whether effectiveness can be predicted"
        else:
            yield (
                f"effectiveness {'can' if self.can_predict else 'cannot'} be predicted from the configuration: "
                f"cross-validated rank correlation {self.skill.spearman:.2f}, regret {100 * self.skill.regret:.1f} "
                f"points over {self.skill.trials} trainings"
            )


def search_result(trainings: Trainings, *, epochs: int, belief: Belief) -> SearchResult:
    """The result of a search whose front holds students really trained for `epochs`."""
    trials = sorted(trainings.trials.values(), key=lambda trial: trial.number)
    full = _choosable(trainings, succeeded(trials), epochs)
    budget = trainings.problem.budget
    candidates = [candidate for candidate in merged(trainings.problem, full) if budget.allows(candidate.scores)]
    strict = front_of(trainings, candidates)
    noise = belief.noise(strict)
    front = (
        with_every_octave(strict, candidates, noise, top=trainings.most_bytes) if trainings.by_effectiveness else strict
    )
    extra = len(front) - len(strict)
    extra_note = (f"{extra} of the front are no better than a smaller student, beyond noise no worse",) if extra else ()
    details = {"feasible": len(trainings.feasible), **belief.to_dict()}
    notes = (*trainings.notes, _tally(trainings, trials), *belief.words(), *extra_note)
    return SearchResult(front, noise, tuple(trials), notes, details)


def _choosable(trainings: Trainings, sound: Sequence[Trial], epochs: int) -> list[Trial]:
    """The full trainings that did not collapse; where all of them did, the shorter ones that did not.

    Raises:
        TrainingError: flips are an objective, and every training gave one answer for everything, which never flips.
    """
    full = [trial for trial in sound if trial.fidelity == epochs] or list(sound)
    if not (trainings.by_effectiveness or trainings.by_flips):
        return full
    chance, by_flips = trainings.problem.chance, trainings.by_flips
    answers = [trial for trial in sound if not (by_flips and gives_one_answer(trial, chance))]
    if by_flips and sound and not answers:
        raise TrainingError(
            f"all {len(sound)} trainings ended in one answer for everything, which flips nothing and says nothing; "
            "raise search.trials or search.trial_epochs, or set distil.selection = 'mcc'"
        )
    kept = uncollapsed(trainings.problem, answers)
    return [trial for trial in kept if trial in full] or kept


def gives_one_answer(trial: Trial, chance: float) -> bool:
    """Whether nothing flips and the score is no better than that of the best constant answer."""
    scores = trial.scores
    return scores is not None and flips_of(scores) == 0 and (scores.effectiveness or 0.0) <= chance


def with_every_octave(front: ParetoFront, candidates: Sequence[Candidate], noise: float, *, top: float) -> ParetoFront:
    """The front and, from every octave of bytes that it leaves out, the best candidate.

    Unless a candidate of at most its bytes is better beyond noise: that one is really beaten.
    """
    if not candidates:
        return front
    sizes = np.array([candidate.scores.size_bytes for candidate in candidates], dtype=np.float64)
    worth = np.array([candidate.scores.effectiveness or 0.0 for candidate in candidates])
    group = octaves(sizes, top)
    on_front = {candidate.config for candidate in front.candidates}
    levels_shown = {
        int(level) for level, candidate in zip(group, candidates, strict=True) if candidate.config in on_front
    }
    added = [
        candidates[index]
        for index in best_of_each(group.tolist(), worth)
        if int(group[index]) not in levels_shown and worth[index] >= worth[sizes <= sizes[index]].max() - noise
    ]
    return ParetoFront(tuple(sorted((*front.candidates, *added), key=lambda candidate: candidate.scores.size_bytes)))


def merged(problem: Problem, trials: Sequence[Trial]) -> list[Candidate]:
    """One candidate a configuration: a repeated training counts with its mean."""
    groups: dict[StudentConfig, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.config, []).append(trial)
    candidates = [(measured(problem, group[0]), effectiveness_of(group)) for group in groups.values()]
    return [
        replace(candidate, scores=replace(candidate.scores, effectiveness=float(mean.mean())))
        for candidate, mean in candidates
    ]


def front_of(trainings: Trainings, candidates: Sequence[Candidate]) -> ParetoFront:
    """The candidates that no other dominates in the objectives of the search."""
    if not candidates:
        return ParetoFront(())
    rows = nondominated(trainings.objectives(candidates))
    return ParetoFront.of([candidates[row] for row in rows.tolist()])


def evenly(count: int, most: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Up to `most` places of `count`, evenly apart."""
    return np.linspace(0, count - 1, min(most, count)).astype(np.intp)


def _tally(trainings: Trainings, trials: Sequence[Trial]) -> str:
    done = [trial for trial in trials if trial.scores]
    collapsed = int(trainings.validation.collapsed(effectiveness_of(done)).sum())
    return (
        f"{len(trials)} trainings among {len(trainings.feasible):,} architectures that keep the budget; "
        f"{len(trials) - len(done)} failed, {collapsed} collapsed"
    )
