"""Budgets, scores, candidates and the Pareto front."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

from codewren.core.student_config import StudentConfig

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """Upper limits a student must keep; None is no limit.

    Attributes:
        max_bytes: of the whole bundle, tokenizer and manifest included.
        max_latency_s: seconds to encode a function, on one thread of this machine.
        max_flops: floating-point operations per item (one multiply-add = 2).
    """

    max_bytes: int | None = 3 * MEGABYTE
    max_latency_s: float | None = None
    max_flops: float | None = None

    def allows(self, scores: "Scores") -> bool:
        """Whether the scores keep every limit; an unmeasured latency or FLOPs does not violate one."""
        limits = (
            (self.max_bytes, scores.size_bytes),
            (self.max_latency_s, scores.latency_s),
            (self.max_flops, scores.flops),
        )
        return all(limit is None or value is None or value <= limit for limit, value in limits)


@dataclass(frozen=True, slots=True)
class Scores:
    """What is known of one configuration.

    Attributes:
        effectiveness: validation quality in [0, 1], predicted or measured (`measured` says which); None where a
            strategy never asks for it (the first paper's search).
        size_bytes: bytes of the whole shipped file (or the papers' formula in faithful modes).
        latency_s: seconds per function, median, one thread.
        flops: floating-point operations per item (one multiply-add = 2).
        uncertainty: standard deviation of `effectiveness` where it is known.
        measured: True when a student was really trained.
        flips: share of edited validation items whose prediction flips, where the search measures it (MORPH).
    """

    effectiveness: float | None
    size_bytes: int
    latency_s: float | None = None
    flops: float | None = None
    uncertainty: float | None = None
    measured: bool = False
    flips: float | None = None

    def dominates(self, other: Self) -> bool:
        """Weak Pareto dominance (effectiveness up; all else down): nowhere worse, somewhere better."""
        pairs: list[tuple[float, float]] = [(self.size_bytes, other.size_bytes)]
        if self.effectiveness is not None and other.effectiveness is not None:
            pairs.append((-self.effectiveness, -other.effectiveness))
        further = ((self.latency_s, other.latency_s), (self.flops, other.flops), (self.flips, other.flips))
        for mine, theirs in further:
            if mine is not None and theirs is not None:
                pairs.append((mine, theirs))
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A configuration with its scores."""

    config: StudentConfig
    scores: Scores
    name: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"name": self.name, "config": self.config.to_dict(), "scores": self.scores.to_dict()}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(StudentConfig.from_dict(raw["config"]), Scores(**raw["scores"]), raw.get("name", ""))


@dataclass(frozen=True, slots=True)
class ParetoFront:
    """Candidates of which none dominates another, smallest file first."""

    candidates: tuple[Candidate, ...]

    @classmethod
    def of(cls, candidates: Iterable[Candidate]) -> Self:
        """Keep the candidates that no other one dominates; of equals, the first."""
        pool = list(candidates)
        candidate_of: dict[StudentConfig, Candidate] = {}
        for candidate in pool:
            if not any(other.scores.dominates(candidate.scores) for other in pool):
                candidate_of.setdefault(candidate.config, candidate)
        return cls(
            tuple(sorted(candidate_of.values(), key=lambda c: (c.scores.size_bytes, -(c.scores.effectiveness or 0.0))))
        )

    def __len__(self) -> int:
        return len(self.candidates)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"candidates": [candidate.to_dict() for candidate in self.candidates]}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(tuple(Candidate.from_dict(plain) for plain in raw["candidates"]))
