"""One training of one student: what is asked for, and the line it leaves in the journal."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol, Self

from codewren.core.pareto import Scores
from codewren.core.student_config import StudentConfig


class Status(StrEnum):
    """How a trial ended: with scores, or with an error (it raised, lost its process, or gave no number).

    Whether scores mean that the training collapsed is judged from all trials together (`surrogate.ValidationNoise`).
    """

    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Request:
    """A student to be trained for `fidelity` epochs in all, with one seed."""

    config: StudentConfig
    seed: int
    fidelity: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one training gave; `energy_j` only where a meter ran, which `energy_meter` names."""

    scores: Scores
    energy_j: float | None = None
    energy_meter: str | None = None


class Evaluate(Protocol):
    """Trains and judges one student; runs in another process, so it must be picklable.

    The same configuration and seed asked again with a greater fidelity is the same training carried on: the callable
    keeps its own checkpoint and continues from there.
    """

    def __call__(self, config: StudentConfig, *, fidelity: int, seed: int) -> Evaluation:
        """Return the scores after `fidelity` epochs, `effectiveness` filled in."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A line of the journal.

    Attributes:
        number: place in the journal, from 0.
        seconds: wall time of the training.
        energy_j: joules where a meter ran, else None; measured or modelled, as `energy_meter` says.
        energy_meter: its label.
        error: what a failed trial said.
    """

    number: int
    config: StudentConfig
    seed: int
    fidelity: int
    status: Status
    scores: Scores | None
    seconds: float
    energy_j: float | None = None
    error: str | None = None
    energy_meter: str | None = None

    @property
    def request(self) -> Request:
        """What was asked for: the trial's identity."""
        return Request(self.config, self.seed, self.fidelity)

    @property
    def effectiveness(self) -> float | None:
        """Measured quality, None for a failed trial."""
        return self.scores.effectiveness if self.scores else None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        plain = asdict(self)
        scores = self.scores.to_dict() if self.scores else None
        return {**plain, "config": self.config.to_dict(), "status": str(self.status), "scores": scores}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read the JSON form."""
        scores = Scores(**raw["scores"]) if raw["scores"] else None
        config = StudentConfig.from_dict(raw["config"])
        return cls(**{**raw, "config": config, "status": Status(raw["status"]), "scores": scores})


RunTrials = Callable[[Sequence[Request]], list[Trial]]
"""Runs requests, at once where it can, and returns their trials in the order asked."""
