"""Taking one candidate off a front, by a rule that a person can write in a recipe.

Rules: `knee`; `smallest-within N points` of the best; `steadiest-within N points`, the one of the fewest flips;
`best-under LIMIT`; `fastest-under LIMIT`. A limit is bytes (`500 kB`, `1 MB`, `800000`), a latency (`0.2 ms`), or for
`fastest-under` also a loss (`2 points`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

from codewren.core.errors import InfeasibleError, InputError, nearest
from codewren.core.pareto import Candidate, ParetoFront

RULES = ("knee", "smallest-within", "steadiest-within", "best-under", "fastest-under")

_BYTES = {"": 1.0, "b": 1.0, "bytes": 1.0, "kb": 1e3, "mb": 1e6, "kib": 1024.0, "mib": 1024.0**2}
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_POINTS = {"point": 0.01, "points": 0.01}


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate a rule takes, and why, in words."""

    candidate: Candidate
    reason: str


def choose(front: ParetoFront, rule: str, *, noise: float = 0.0) -> Choice:
    """Take one candidate off the front.

    `noise` is a difference of effectiveness that means nothing: a candidate no better than a smaller one by more than
    that is left out first, so that of equals the smallest is taken.

    Raises:
        InputError: the rule is not one of those above, or asks for a figure the front does not have.
        InfeasibleError: no candidate keeps the rule's limit, or the front is empty.
    """
    name, limit = _limit_of(rule)
    if not front.candidates:
        raise InfeasibleError("the front is empty: no training succeeded; see the errors in the journal")
    if len(front) == 1 and name == "knee":
        return Choice(front.candidates[0], "the only candidate")
    steadiest = name == "steadiest-within"  # of equally good ones the steadiest is wanted, however large
    distinct = list(front.candidates) if steadiest else _distinct(front.candidates, noise, keep_faster="fast" in name)
    dropped = len(front) - len(distinct)
    doubt = f"; {dropped} larger ones differ by less than noise ({100 * noise:.1f} points)" if dropped else ""
    if limit is None:
        return Choice(_knee(distinct), f"the knee of {len(distinct)} candidates{doubt}")
    within = limit.keep(distinct)
    if not within:
        raise InfeasibleError(f"pick rule {rule!r}: none of the {len(front)} candidates is that {limit.lacking}")
    words, key = _ORDERS[name]
    return Choice(min(within, key=key), f"the {words} of {len(within)} candidates {limit.words}{doubt}")


def check_rule(rule: str) -> None:
    """Check a recipe's rule before a search is spent on it.

    Raises:
        InputError: the rule is not one of those above.
    """
    _limit_of(rule)


@dataclass(frozen=True, slots=True)
class _Limit:
    words: str
    lacking: str
    keep: Callable[[Sequence[Candidate]], list[Candidate]]


def _limit_of(rule: str) -> tuple[str, _Limit | None]:
    """The name of a rule and its limit; only the knee has none."""
    name, _, bound = rule.strip().partition(" ")
    if name not in RULES:
        raise InputError(f"pick rule {rule!r} is unknown; {nearest(name, RULES)}")
    if name == "knee":
        return name, None
    if not bound:
        raise InputError(f"pick rule {rule!r} lacks a limit; write for example '{name} 1 MB' or '{name} 1 points'")
    match = re.fullmatch(r"\s*([\d_,]*\.?\d+)\s*([a-zA-Z]*)\s*", bound)
    if match is None:
        raise InputError(f"pick rule {rule!r}: {bound!r} is no number with a unit (MB, kB, ms, points)")
    amount, unit = float(match[1].replace(",", "").replace("_", "")), match[2].lower()
    limit = _limit(amount, unit, losses=name != "best-under", costs=not name.endswith("within"))
    if limit is None:
        raise InputError(f"pick rule {rule!r}: the unit {match[2]!r} does not fit {name}; see the rules of choose")
    return name, limit


def _limit(amount: float, unit: str, *, losses: bool, costs: bool) -> _Limit | None:
    if unit in _POINTS and losses:
        loss = amount * _POINTS[unit]
        return _Limit(
            f"within {amount:g} points of the best",
            "good",
            lambda pool: [c for c in pool if _quality(c) >= max(map(_quality, pool)) - loss - 1e-12],
        )
    if unit in _BYTES and costs:
        most = amount * _BYTES[unit]
        return _Limit(
            f"of at most {most:,.0f} bytes", "small", lambda pool: [c for c in pool if c.scores.size_bytes <= most]
        )
    if unit in _SECONDS and costs:
        seconds = amount * _SECONDS[unit]
        return _Limit(
            f"of at most {1e3 * seconds:g} ms", "fast", lambda pool: [c for c in pool if _latency(c) <= seconds]
        )
    return None


def _distinct(pool: Sequence[Candidate], noise: float, *, keep_faster: bool) -> list[Candidate]:
    """Candidates by size, without those that are no better than a smaller one beyond noise."""
    survivors: list[Candidate] = []
    for candidate in sorted(pool, key=lambda c: c.scores.size_bytes):
        beaten = (
            noise > 0
            and candidate.scores.effectiveness is not None
            and any(
                _quality(candidate) <= _quality(smaller) + noise and not (keep_faster and _faster(candidate, smaller))
                for smaller in survivors
            )
        )
        if not beaten:
            survivors.append(candidate)
    return survivors


def _faster(candidate: Candidate, other: Candidate) -> bool:
    mine, theirs = candidate.scores.latency_s, other.scores.latency_s
    return mine is not None and theirs is not None and mine < 0.9 * theirs  # a tenth is what a clock can tell apart


def _knee(pool: Sequence[Candidate]) -> Candidate:
    """The candidate farthest above the line from the smallest to the best, over the logarithm of the bytes."""
    small, best = pool[0], max(pool, key=_quality)
    width = log(best.scores.size_bytes / small.scores.size_bytes) or 1.0
    height = (_quality(best) - _quality(small)) or 1.0

    def above(candidate: Candidate) -> float:
        rise = (_quality(candidate) - _quality(small)) / height
        return rise - log(candidate.scores.size_bytes / small.scores.size_bytes) / width

    return max(pool, key=lambda c: (above(c), -c.scores.size_bytes))


def _quality(candidate: Candidate) -> float:
    if candidate.scores.effectiveness is None:
        raise InputError("the front has no effectiveness to choose by: this strategy trains nothing; pick 'knee'")
    return candidate.scores.effectiveness


def _flips(candidate: Candidate) -> float:
    if candidate.scores.flips is None:
        raise InputError("the front has no flips to choose by; search with strategy 'morph'")
    return candidate.scores.flips


def _latency(candidate: Candidate) -> float:
    if candidate.scores.latency_s is None:
        raise InputError("the front has no latency to choose by; calibrate latency, or pick by bytes or points")
    return candidate.scores.latency_s


_ORDERS: dict[str, tuple[str, Callable[[Candidate], tuple[float, ...]]]] = {
    "smallest-within": ("smallest", lambda c: (c.scores.size_bytes, -_quality(c))),
    "steadiest-within": ("steadiest", lambda c: (_flips(c), -_quality(c), c.scores.size_bytes)),
    "best-under": ("best", lambda c: (-_quality(c), c.scores.size_bytes)),
    "fastest-under": ("fastest", lambda c: (_latency(c), -_quality(c), c.scores.size_bytes)),
}
