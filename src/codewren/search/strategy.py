"""What every search strategy takes and gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from codewren.core.errors import InputError
from codewren.core.pareto import Budget, ParetoFront, Scores
from codewren.core.student_config import StudentConfig
from codewren.core.task import Task
from codewren.search.space.costs import Cost, honest_flops, shipped_size
from codewren.search.space.enumerate import Limit
from codewren.search.space.latency_model import LatencyModel
from codewren.search.space.space import FIELDS, SearchSpace
from codewren.search.surrogate import ValidationNoise
from codewren.search.trials.pace import Pace
from codewren.search.trials.trial import Request, RunTrials, Trial


class Mode(StrEnum):
    """`faithful` reproduces the released behaviour of a paper, defects included; `repaired` mends them."""

    FAITHFUL = "faithful"
    REPAIRED = "repaired"


def _no_trials(requests: Sequence[Request]) -> list[Trial]:
    raise NotImplementedError(f"this problem trains nothing, yet {len(requests)} trials were asked for")


@dataclass(frozen=True, slots=True)
class Problem:
    """A search, apart from how it is done.

    Attributes:
        task: what the student judges.
        space: where it may lie.
        budget: what it may cost.
        size_bytes: bytes of the whole shipped file of a configuration (a `Cost` to count otherwise).
        latency_s: seconds per function on this machine, where a cost model exists.
        flops: how FLOPs are counted; honestly by default.
        run_trials: trains students; strategies that need no trials never call it.
        chance: effectiveness of the best constant answer on the validation split.
        validation_items: items behind one effectiveness figure: gives the sampling error when trials report none.
        pace: tells how long trainings take and keeps the time limit, where the user gave one.
    """

    task: Task
    space: SearchSpace
    budget: Budget
    size_bytes: Callable[[StudentConfig], int] | Cost
    latency_s: Callable[[StudentConfig], float] | None = None
    flops: Cost | None = None
    run_trials: RunTrials = _no_trials
    chance: float = 0.5
    validation_items: int = 2000
    pace: Pace | None = None

    def costs(self) -> dict[str, Cost]:
        """Everything that can be counted without training: `size_bytes`, `flops`, and `latency_s` where modelled."""
        size = self.size_bytes if isinstance(self.size_bytes, Cost) else shipped_size(self.size_bytes, self.task)
        known = {"size_bytes": size, "flops": self.flops or honest_flops(self.task)}
        if isinstance(self.latency_s, LatencyModel):
            known["latency_s"] = self.latency_s.cost()
        elif self.latency_s:
            known["latency_s"] = Cost("latency", self.latency_s, FIELDS)
        return known

    def limits(self) -> list[Limit]:
        """The budget as limits on costs.

        Raises:
            InputError: a latency is capped and nothing can tell the latency.
        """
        caps = {
            "size_bytes": self.budget.max_bytes,
            "flops": self.budget.max_flops,
            "latency_s": self.budget.max_latency_s,
        }
        known = self.costs()
        if self.budget.max_latency_s is not None and self.latency_s is None:
            raise InputError("the budget caps latency, but latency was not measured; calibrate it or drop the cap")
        return [Limit(known[name], cap) for name, cap in caps.items() if cap is not None]

    def cheap_scores(self, config: StudentConfig) -> Scores:
        """Exact costs of one configuration; effectiveness unknown."""
        amounts = {name: cost(config) for name, cost in self.costs().items()}
        return Scores(None, int(amounts["size_bytes"]), amounts.get("latency_s"), amounts["flops"])

    def validation(self) -> ValidationNoise:
        """What counts as a difference on the validation split."""
        return ValidationNoise(self.chance, self.validation_items)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found.

    Attributes:
        front: the candidates worth choosing from.
        noise: a difference of effectiveness that means nothing, for the pick; 0 where the strategy knows none.
        trials: every training made for it, in journal order.
        notes: what a person should know before choosing, in sentences.
        details: figures of the strategy's own (fitness, skill of the surrogate, sizes of sets), ready for JSON.
    """

    front: ParetoFront
    noise: float = 0.0
    trials: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)


class Strategy(Protocol):
    """A way to search; instances hold its options.

    Attributes:
        name: by which a recipe calls it.
        trains: whether it trains students; one that does not never calls `Problem.run_trials`.
    """

    name: ClassVar[str]
    trains: ClassVar[bool]

    def search(self, problem: Problem, *, seed: int) -> SearchResult:
        """Search.

        Raises:
            InfeasibleError: no point of the space keeps the budget; the message names the limits that clash.
        """
