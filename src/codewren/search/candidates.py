"""From trials and predictions to candidates with every cost that can be counted."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from codewren.core.errors import TrainingError
from codewren.core.pareto import Candidate, Scores
from codewren.core.student_config import StudentConfig
from codewren.search.strategy import Problem
from codewren.search.trials.trial import Trial


def succeeded(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that ended with scores.

    Raises:
        TrainingError: there were trials and none did.
    """
    done = [trial for trial in trials if trial.scores is not None]
    if trials and not done:
        raise TrainingError(f"all {len(trials)} trainings failed, the first with {trials[0].error}; see the journal")
    return done


def uncollapsed(problem: Problem, trials: Sequence[Trial]) -> list[Trial]:
    """Of trials with scores those whose training did not collapse, where any did not: the others are no choice."""
    worth = np.array([trial.effectiveness or 0.0 for trial in trials], dtype=np.float64)
    bad = problem.validation().collapsed(worth)
    return [trial for trial, collapsed in zip(trials, bad, strict=True) if not collapsed] or list(trials)


def measured(problem: Problem, trial: Trial) -> Candidate:
    """A trained student; costs its scores lack are filled in from the problem's models."""
    counted = problem.cheap_scores(trial.config)
    known = trial.scores or counted
    latency = known.latency_s if known.latency_s is not None else counted.latency_s
    flops = known.flops if known.flops is not None else counted.flops
    return Candidate(
        trial.config, replace(known, latency_s=latency, flops=flops, measured=True), f"trial-{trial.number}"
    )


def predicted(problem: Problem, config: StudentConfig, *, effectiveness: float, uncertainty: float) -> Candidate:
    """A student nobody trained yet."""
    counted: Scores = problem.cheap_scores(config)
    return Candidate(config, replace(counted, effectiveness=effectiveness, uncertainty=uncertainty), "predicted")
