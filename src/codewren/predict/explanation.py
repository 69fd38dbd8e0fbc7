"""Why a function is judged as it is: what each of its lines carries, and one sentence."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LineScore:
    """What one line carries.

    Attributes:
        line: counted from 1 in the text of the function.
        score: log-odds of the positive label that the line carries; 0 for a line the model did not read.
    """

    line: int
    score: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What speaks for the positive label, and where.

    Attributes:
        lines: every line of the text, in order.
        kind: of weakness, for models that tell kinds apart.
        evidence: one sentence.
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

    def strongest(self, count: int) -> tuple[LineScore, ...]:
        """The lines that speak most for the positive label, strongest first; none that speaks against it."""
        speaking = [line for line in self.lines if line.score > 0]
        return tuple(sorted(speaking, key=lambda line: (-line.score, line.line))[:count])
