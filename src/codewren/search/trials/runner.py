"""Running trials: what the journal already holds is not run again, what crashes is recorded, the rest goes on."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from codewren.core.errors import TrainingError
from codewren.search.trials.journal import Journal
from codewren.search.trials.trial import Evaluate, Evaluation, Request, Status, Trial


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one request: an evaluation, or an error in words."""

    seconds: float
    evaluation: Evaluation | None = None
    error: str | None = None


class Workers(Protocol):
    """Where trials run."""

    def run(self, evaluate: Evaluate, requests: Sequence[Request]) -> Iterator[tuple[int, Attempt]]:
        """Yield the place and outcome of every request, in the order they end."""


class InProcess:
    """Trials one after the other, in this process: a crash of the interpreter ends the search, which then resumes."""

    def run(self, evaluate: Evaluate, requests: Sequence[Request]) -> Iterator[tuple[int, Attempt]]:
        """Yield the place and outcome of every request."""
        for index, request in enumerate(requests):
            yield index, attempt(evaluate, request)


class TrialRunner:
    """The `run_trials` of a problem.

    Trials are numbered in the order a strategy first asks for them, so that a resumed search, which asks again from
    the start, gives every trial the number it had.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        journal: Journal,
        workers: Workers | None = None,
        *,
        watch: Callable[[Trial], None] = lambda trial: None,
    ) -> None:
        """`watch` is told every trial asked for, those of the journal too, once it has ended."""
        self._evaluate, self._journal, self._workers = evaluate, journal, workers or InProcess()
        self._watch = watch
        self._numbers: dict[Request, int] = {}

    def __call__(self, requests: Sequence[Request]) -> list[Trial]:
        """Run what is not in the journal; return a trial for every request, in the order asked."""
        for request in requests:
            self._numbers.setdefault(request, len(self._numbers))
        for request in requests:
            if (known := self._journal.find(request)) is not None:
                self._watch(known)
        missing = [request for request in dict.fromkeys(requests) if self._journal.find(request) is None]
        for index, outcome in self._workers.run(self._evaluate, missing):
            trial = self._trial(missing[index], outcome)
            self._journal.add(trial)
            self._watch(trial)
        return [self._recorded(request) for request in requests]

    def _trial(self, request: Request, outcome: Attempt) -> Trial:
        done = outcome.evaluation
        return Trial(
            number=self._numbers[request],
            config=request.config,
            seed=request.seed,
            fidelity=request.fidelity,
            status=Status.DONE if done else Status.FAILED,
            scores=done.scores if done else None,
            seconds=outcome.seconds,
            energy_j=done.energy_j if done else None,
            energy_meter=done.energy_meter if done else None,
            error=outcome.error,
        )

    def _recorded(self, request: Request) -> Trial:
        trial = self._journal.find(request)
        if trial is None:
            raise TrainingError(f"the workers gave no outcome for {request}; run the search again to go on")
        return trial


def attempt(evaluate: Evaluate, request: Request) -> Attempt:
    """Run one trial here; whatever it raises becomes its error."""
    start = time.perf_counter()
    try:
        evaluation = evaluate(request.config, fidelity=request.fidelity, seed=request.seed)
    except Exception as error:
        message = " ".join(str(error).split())
        return Attempt(time.perf_counter() - start, error=f"{type(error).__name__}: {message}"[:500])
    seconds, effectiveness = time.perf_counter() - start, evaluation.scores.effectiveness
    if effectiveness is None or not math.isfinite(effectiveness):
        return Attempt(seconds, error=f"the training ended with effectiveness {effectiveness}, a number was wanted")
    return Attempt(seconds, evaluation)
