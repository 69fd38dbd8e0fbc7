"""The sentence that names the evidence: what stands on the lines that speak most for the positive label."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from codewren.predict.explanation import LineScore

TEMPLATES = {
    "copy": (
        "{name} at line {line}: size from {variable}, no check before it",
        "{name} at line {line}: size from {variable}",
    ),
    "unbounded": ("{name} at line {line}: nothing bounds what it writes",) * 2,
    "allocation": (
        "{name} at line {line}: size from {variable}, no check before it",
        "{name} at line {line}: size from {variable}",
    ),
    "index": ("{name}[{variable}] at line {line}: no check before it", "{name}[{variable}] at line {line}"),
    "format": ("{name} at line {line}: the format is {variable}, not a literal",) * 2,
    "command": ("{name} at line {line}: runs {variable}",) * 2,
    "free": ("{name} at line {line} frees {variable}",) * 2,
    "freed": ("{name} at line {line} is used after it is freed",) * 2,
}
"""A sentence for each kind of fact: without a check before it, and with one."""

WEIGHTS = {"freed": 2.0, "unbounded": 1.5, "format": 1.5, "copy": 1.2, "allocation": 1.2, "index": 1.0, "command": 1.0}
"""How much a fact tells a reader, where lines speak alike."""


class Fact(NamedTuple):
    """A place that a reader would look at, as the runtime finds it.

    Attributes:
        line: counted from 1.
        kind: a key of `TEMPLATES`.
        name: what is called, indexed or freed.
        variable: what decides; empty where nothing does.
        is_checked: whether it is compared with anything before.
    """

    line: int
    kind: str
    name: str
    variable: str
    is_checked: bool


def evidence_sentence(lines: Sequence[LineScore], facts: Sequence[Fact]) -> str:
    """One sentence about the fact that tells most, its line weighed in, or about the strongest line.

    >>> lines = [LineScore(1, 0.1), LineScore(2, 0.7)]
    >>> evidence_sentence(lines, [Fact(2, "copy", "memcpy", "len", False)])
    'memcpy at line 2: size from len, no check before it'
    >>> evidence_sentence(lines, [])
    'line 2 speaks most for it; no known pattern there'
    """
    telling = [fact for fact in facts if fact.variable or fact.kind == "unbounded"]
    if telling:
        largest = max(abs(line.rank) for line in lines) or 1.0
        fact = max(
            telling, key=lambda fact: (_weight(fact) * math.exp(lines[fact.line - 1].rank / largest), -fact.line)
        )
        return TEMPLATES[fact.kind][fact.is_checked].format(**fact._asdict())
    strongest = max(lines, key=lambda line: (line.rank, -line.line))
    if strongest.rank <= 0:
        return "no line by itself speaks for it"
    if strongest.likelihood is not None:
        return f"a patch would most likely change line {strongest.line}; no known pattern there"
    return f"line {strongest.line} speaks most for it; no known pattern there"


def _weight(fact: Fact) -> float:
    return WEIGHTS.get(fact.kind, 0.5) * (0.5 if fact.is_checked else 1.0)
