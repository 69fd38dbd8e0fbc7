"""Why a function is judged as it is: what each of its lines carries, and one sentence."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

LONGEST_QUOTE = 60  # characters of a line in a sentence
_LINE = re.compile(r"\bline (\d{1,9})\b")


def shown_weight(score: float, likelihood: float | None) -> str:
    """What a line is shown with: its likelihood where there is one, else its log-odds.

    >>> [shown_weight(0.234, None), shown_weight(0.234, 0.061), shown_weight(0.234, 0.999)]
    ['+0.23', '6.1%', '100%']
    """
    if likelihood is None:
        return f"{score:+.2g}"
    percent = 100 * likelihood
    return f"{percent:.0f}%" if percent >= 10 else f"{percent:.2g}%"


@dataclass(frozen=True, slots=True)
class LineScore:
    """What one line carries.

    Attributes:
        line: counted from 1 in the text of the function.
        score: log-odds of the positive label that are lost without the line; 0 for a line the model did not read.
        likelihood: that a security patch of the function changes this line, from models that learned it; the lines of
            a function share 1. None from others.
    """

    line: int
    score: float
    likelihood: float | None = None

    @property
    def weight(self) -> str:
        """What the line is shown with."""
        return shown_weight(self.score, self.likelihood)

    @property
    def rank(self) -> float:
        """What the strongest lines have most of: likelihood where there is one, else score."""
        return self.score if self.likelihood is None else self.likelihood


@dataclass(frozen=True, slots=True)
class Explanation:
    """What speaks for the positive label, and where.

    Attributes:
        lines: every line of the text, in order.
        kind: of weakness, for models that tell kinds apart.
        evidence: one sentence; `line N` in it, outside of quoted code, is line N of the text.
        tokens_read: tokens of the text that the model read.
        tokens_total: tokens of the text.
    """

    lines: tuple[LineScore, ...]
    kind: str | None
    evidence: str
    tokens_read: int = 0
    tokens_total: int = 0

    @property
    def is_cut(self) -> bool:
        """Whether the model did not read all of the text."""
        return self.tokens_read < self.tokens_total

    def evidence_from(self, start_line: int) -> str:
        """The sentence for a text that begins at a line of a file.

        >>> Explanation((), None, "memcpy at line 2, not `line 2`").evidence_from(11)
        'memcpy at line 12, not `line 2`'
        """
        parts = self.evidence.split("`")
        parts[::2] = [_LINE.sub(lambda found: f"line {start_line - 1 + int(found[1])}", part) for part in parts[::2]]
        return "`".join(parts)

    def strongest(self, count: int) -> tuple[LineScore, ...]:
        """The likeliest lines, for models that learned what patches change; else those that speak for the label most.

        None that speaks against it, strongest first.
        """
        speaking = [line for line in self.lines if line.rank > 0]
        return tuple(sorted(speaking, key=lambda line: (-line.rank, line.line))[:count])


@runtime_checkable
class Explainer(Protocol):
    """A predictor that says what each line of a function carries."""

    def explain(self, texts: Sequence[str], *, languages: Sequence[str] | None = None) -> list[Explanation]:
        """One explanation a text."""


@runtime_checkable
class TokenCounter(Protocol):
    """A predictor that does not always read all of a function."""

    def count_tokens(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """Tokens that are read, and all tokens, of each text."""


@runtime_checkable
class ReviewRanker(Protocol):
    """A predictor that also ranks functions by what a reviewer should read first."""

    def review_first(self, texts: Sequence[str]) -> list[float]:
        """The likelihood that each function will need a security fix; length counts."""


class LinesLeftOut(NamedTuple):
    """The log-odds of the positive label for a function, and for the function without each of its lines.

    Attributes:
        tokens_read: tokens of the text that the model read.
        tokens_total: tokens of the text.
        numbers: of the lines that hold tokens the model read, counted from 1.
        log_odds: of the whole function, then without each of those lines.
    """

    tokens_read: int
    tokens_total: int
    numbers: Sequence[int]
    log_odds: Sequence[float]


def log_odds(logits: Sequence[float], positive: int, temperature: float) -> float:
    """Calibrated log-odds of the positive label.

    >>> log_odds([0.5, 2.0], positive=1, temperature=0.5)
    3.0
    """
    others = [value / temperature for column, value in enumerate(logits) if column != positive]
    largest = max(others)
    total = math.fsum(math.exp(value - largest) for value in others)
    return logits[positive] / temperature - largest - math.log(total)


def explanation_by_lines(text: str, left_out: LinesLeftOut, label: str) -> Explanation:
    """What each line carries by what is lost without it, and a sentence about the strongest one."""
    lines = text.split("\n")
    scores = [0.0] * len(lines)
    whole, *without = left_out.log_odds
    for number, rest in zip(left_out.numbers, without, strict=True):
        scores[number - 1] = whole - rest
    strongest = max(range(len(lines)), key=scores.__getitem__)
    if scores[strongest] > 0:
        quoted = " ".join(lines[strongest].split()).replace("`", "'")[:LONGEST_QUOTE]
        before, after = _probability(whole), _probability(whole - scores[strongest])
        evidence = f"without `{quoted}` the probability of {label} would be {after:.2f} instead of {before:.2f}"
    else:
        evidence = f"no line by itself speaks for {label}"
    return Explanation(
        tuple(LineScore(number, score) for number, score in enumerate(scores, 1)),
        None,
        evidence,
        left_out.tokens_read,
        left_out.tokens_total,
    )


def _probability(odds: float) -> float:
    return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0
