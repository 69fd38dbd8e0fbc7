"""Latency of any student on this machine, from a few dozen students that were really timed.

FLOPs do not predict it (SPEC 2.9), a table of timed shapes does: a sum of products of sizes, each with the seconds it
costs here, fitted to the timings. The runtime is timed as it ships; this file only fits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from scipy.optimize import nnls

from codewren.core.errors import InputError
from codewren.core.formulas import Quantity
from codewren.core.student_config import PositionType, StudentConfig, TokenizerKind
from codewren.search.space.costs import Cost, Terms
from codewren.search.space.points import Points, divisible
from codewren.search.space.space import SearchSpace

TIMED_SHAPES = 32
"""Students timed by default: enough for the unknowns below with some to spare."""

FEATURES = (
    "call",
    "token",
    "token.hidden",
    "head.token.hidden",
    "hidden.hidden",
    "hidden.inner",
    "layer.token.hidden.hidden",
    "layer.token.hidden.inner",
    "layer.token.token.hidden",
    "layer.token.token.head",
    "distance.token.hidden",
    "distance.layer.token.token.hidden",
    *(f"token as {kind}" for kind in TokenizerKind),
)
"""What the seconds are spent on; `layer` are those before the last, which runs for the first token only."""


@dataclass(frozen=True, slots=True)
class LatencyModel:
    """Seconds per function, as a sum of the features times what one of each costs on this machine.

    Attributes:
        seconds: of one unit of each of `FEATURES`, never negative.
        tokens_at: mean tokens of a function for each maximum length; a length without entry counts as itself.
        timed: the students it was fitted to, with their seconds.
        error: median relative error of a timed student when it is left out of the fit.
    """

    seconds: tuple[float, ...]
    tokens_at: Mapping[int, float] = field(default_factory=dict)
    timed: tuple[tuple[StudentConfig, float], ...] = ()
    error: float | None = None

    def __call__(self, config: StudentConfig) -> float:
        """Seconds per function of one configuration."""
        return float(self._form(Points(SearchSpace("one", (), config), {})))

    def cost(self) -> Cost:
        """The model as a cost, for tables and for the solver."""
        rising = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "max_sequence_length")
        return Cost("latency", self, (*rising, "position_embedding_type", "tokenizer"), rising, self._form)

    def _form(self, terms: Terms) -> Quantity:
        return sum(
            amount * unit
            for amount, unit in zip(_features(terms, self.tokens_at), self.seconds, strict=True)
            if unit > 0
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "seconds": dict(zip(FEATURES, self.seconds, strict=True)),
            "tokens_at": {str(length): tokens for length, tokens in self.tokens_at.items()},
            "timed": [{"config": config.to_dict(), "seconds": seconds} for config, seconds in self.timed],
            "error": self.error,
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read the JSON form."""
        timed = tuple((StudentConfig.from_dict(row["config"]), row["seconds"]) for row in raw["timed"])
        tokens_at = {int(length): tokens for length, tokens in raw["tokens_at"].items()}
        return cls(tuple(raw["seconds"][name] for name in FEATURES), tokens_at, timed, raw["error"])

    @classmethod
    def calibrate(
        cls,
        measure: Callable[[StudentConfig], float],
        space: SearchSpace,
        *,
        seed: int,
        shapes: int = TIMED_SHAPES,
        tokens_at: Mapping[int, float] | None = None,
    ) -> Self:
        """Time students spread over the space and fit the model to them.

        `measure` returns the seconds per function of a student of that shape, its weights being of no matter.

        Raises:
            InputError: a timing is not a positive number.
        """
        timed = []
        for config in spread(space, shapes, seed=seed):
            seconds = measure(config)
            if not seconds > 0:
                raise InputError(f"timing a student gave {seconds} s; a positive number was wanted, time more calls")
            timed.append((config, seconds))
        return cls.fitted(timed, tokens_at or {})

    @classmethod
    def fitted(cls, timed: Sequence[tuple[StudentConfig, float]], tokens_at: Mapping[int, float]) -> Self:
        """The model of least relative error over timed students."""
        rows = np.array([_row(config, tokens_at) for config, _ in timed])
        seconds = np.array([seconds for _, seconds in timed])
        relative = rows / seconds[:, None]
        everyone = np.arange(len(timed))
        left_out = [
            abs(relative[index] @ _solve(relative[everyone != index]) - 1) for index in everyone if len(timed) > 1
        ]
        error = float(np.median(left_out)) if left_out else None
        return cls(tuple(_solve(relative).tolist()), tokens_at, tuple(timed), error)


def spread(space: SearchSpace, count: int, *, seed: int) -> list[StudentConfig]:
    """Configurations that differ in every field: each value of a domain about equally often (a Latin hypercube)."""
    rng = np.random.default_rng(seed)
    codes = {}
    for domain in space.domains:
        ranks = (np.arange(count) + rng.random(count)) / count
        codes[domain.field] = (rng.permutation(ranks) * len(domain.values)).astype(np.int64)
    points = Points(space, codes)
    heads = np.asarray(space.values("num_attention_heads"))
    if "num_attention_heads" in codes:
        for index in np.flatnonzero(~divisible(points)).tolist():
            hidden = int(np.broadcast_to(points.numbers("hidden_size"), (count,))[index])
            fitting = np.flatnonzero(hidden % heads == 0)
            if len(fitting):
                codes["num_attention_heads"][index] = rng.choice(fitting)
    return points.take(divisible(points)).configs()


def _features(terms: Terms, tokens_at: Mapping[int, float]) -> list[Quantity]:
    hidden, inner, heads = (terms.numbers(f) for f in ("hidden_size", "intermediate_size", "num_attention_heads"))
    before_last = terms.numbers("num_hidden_layers") - 1
    if tokens_at:
        lengths = terms.space.values("max_sequence_length")
        token = terms.choose("max_sequence_length", {length: tokens_at.get(length, length) for length in lengths})
    else:
        token = terms.numbers("max_sequence_length")
    kinds = terms.space.values("position_embedding_type")
    relative = terms.choose("position_embedding_type", {kind: int(kind != PositionType.ABSOLUTE) for kind in kinds})
    tokenizers = terms.space.values("tokenizer")
    return [
        1,
        token,
        token * hidden,
        heads * token * hidden,
        hidden * hidden,
        hidden * inner,
        before_last * token * hidden * hidden,
        before_last * token * hidden * inner,
        before_last * token * token * hidden,
        before_last * token * token * heads,
        relative * token * hidden,
        relative * before_last * token * token * hidden,
        *(token * terms.choose("tokenizer", {k: int(k == kind) for k in tokenizers}) for kind in TokenizerKind),
    ]


def _row(config: StudentConfig, tokens_at: Mapping[int, float]) -> list[float]:
    return [float(amount) for amount in _features(Points(SearchSpace("one", (), config), {}), tokens_at)]


def _solve(relative: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Non-negative least squares with columns of one size, so that rare features are not lost in rounding."""
    scale = np.maximum(np.abs(relative).max(axis=0), 1e-300)
    return np.asarray(nnls(relative / scale, np.ones(len(relative)))[0] / scale)
