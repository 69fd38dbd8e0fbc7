"""How long a search takes: said before it starts, corrected while it runs, and kept within a limit.

Every decision follows from the seconds in the journal, so a search that is killed and resumed decides alike.
"""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from codewren.core.student_config import StudentConfig
from codewren.search.trials.trial import Request, Trial


@dataclass(eq=False)
class Pace:
    """Watches trainings.

    Attributes:
        epoch_s: expected seconds of one epoch of a student on this machine.
        first_s: expected seconds before a student's first epoch: its vocabulary, where that must be trained anew.
        limit_s: seconds that all trainings may take together, None for any.
        workers: trainings at once.
        quiet: print nothing on stderr.
    """

    epoch_s: Callable[[StudentConfig], float]
    first_s: Callable[[StudentConfig], float] = lambda config: 0.0
    limit_s: float | None = None
    workers: int = 1
    quiet: bool = False
    _reached: dict[tuple[StudentConfig, int], int] = field(default_factory=dict)
    _seen: dict[Request, tuple[float, float]] = field(default_factory=dict)
    _planned_s: float = 0.0
    _planned: int = 0

    def expected_s(self, request: Request) -> float:
        """Expected seconds of a training, less what was trained of it before."""
        before = self._reached.get((request.config, request.seed), 0)
        first_s = 0.0 if before else self.first_s(request.config)
        return first_s + max(0, request.fidelity - before) * self.epoch_s(request.config)

    @property
    def slowness(self) -> float:
        """Seconds taken over seconds expected; 1 before anything was trained."""
        expected = math.fsum(expected for expected, _ in self._seen.values())
        return self.spent_s / expected if expected > 0 and self.spent_s > 0 else 1.0

    @property
    def spent_s(self) -> float:
        """Seconds of all trainings so far."""
        return math.fsum(seconds for _, seconds in self._seen.values())

    @property
    def room_s(self) -> float:
        """Training seconds left within the limit."""
        return math.inf if self.limit_s is None else self.limit_s * self.workers - self.spent_s

    def plan(self, trainings: int, seconds: float) -> None:
        """Say what is about to happen: so many trainings, so many expected seconds."""
        self._planned, self._planned_s = trainings, seconds
        within = "" if self.limit_s is None else f", at most {_minutes(self.limit_s)}"
        self._say(f"search: {trainings} trainings, about {_minutes(seconds / self.workers)} on this machine{within}")

    def expect(self, requests: Sequence[Request]) -> None:
        """Count trainings that are about to begin and that no plan foresaw."""
        fresh = [request for request in dict.fromkeys(requests) if request not in self._seen]
        unforeseen = len(self._seen) + len(fresh) - self._planned
        if unforeseen > 0:
            self._planned += unforeseen
            self._planned_s += math.fsum(self.expected_s(request) for request in fresh[-unforeseen:])

    def affordable(self, requests: Sequence[Request]) -> list[Request]:
        """Those of the requests, in order, for which the limit leaves time."""
        room, requests_left = self.room_s, []
        for request in requests:
            needed = self.slowness * self.expected_s(request)
            if request in self._seen or needed <= room:
                requests_left.append(request)
                room -= 0.0 if request in self._seen else needed
        return requests_left

    def ran(self, trial: Trial) -> None:
        """Take note of a training, once."""
        if trial.request in self._seen:
            return
        self._seen[trial.request] = (self.expected_s(trial.request), trial.seconds)
        key = trial.config, trial.seed
        self._reached[key] = max(trial.fidelity, self._reached.get(key, 0))
        self._say(self._line(trial))

    def _line(self, trial: Trial) -> str:
        config, scores = trial.config, trial.scores
        size = f", {scores.size_bytes:,} bytes" if scores else ""
        result = f"{trial.effectiveness:.4f}" if trial.effectiveness is not None else f"failed: {trial.error}"
        left = self.slowness * (self._planned_s - math.fsum(expected for expected, _ in self._seen.values()))
        return (
            f"search: {len(self._seen)}/{self._planned}  {result} after {trial.fidelity} epochs: "
            f"{config.tokenizer} {config.vocab_size}, {config.num_hidden_layers}x{config.hidden_size}, "
            f"rate {config.learning_rate:g}{size}; {_minutes(self.spent_s / self.workers)} gone, "
            f"about {_minutes(max(0.0, left) / self.workers)} to go"
        )

    def _say(self, line: str) -> None:
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
