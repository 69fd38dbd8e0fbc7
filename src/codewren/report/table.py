"""The table of a run: models side by side, every quality with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from codewren.measure.estimate import Measure
from codewren.measure.intervals import Comparison
from codewren.measure.latency import Latency, ratio
from codewren.measure.quality import Quality

PAGE_WIDTH = 100
EMPTY = frozenset({"", "-", "–"})
SHOWN = (
    "accuracy",
    "label_accuracy",
    "f1",
    "f1_micro",
    "f1_macro",
    "mae",
    "kappa_quadratic",
    "mcc",
    "auc",
    "ece",
    "agreement",
    "label_agreement",
)
"""Figures in their order, of those that a task has; macro F1 where no label is the positive one of two."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model: size of what it needs on disk, quality on one split, seconds per item."""

    name: str
    size_bytes: int | None
    quality: Quality | None
    latency: Latency | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "size_bytes": self.size_bytes,
            "quality": self.quality.to_dict() if self.quality else None,
            "latency": self.latency.to_dict() if self.latency else None,
        }


def comparison_table(rows: Sequence[ModelRow]) -> str:
    """A Markdown table, one column a model, one line a figure; ratios are to the first model.

    Intervals are 95 %.
    """
    lines = [["", *(row.name for row in rows)]]
    lines.append(["bytes", *(f"{row.size_bytes:,}" if row.size_bytes else "-" for row in rows)])
    one_f1 = any(row.quality and "f1" in {measure.name for measure in row.quality.measures} for row in rows)
    shown = [name for name in SHOWN if not (name == "f1_macro" and one_f1)]
    lines += [[name, *(_measure(row.quality, name) for row in rows)] for name in shown]
    lines.append(["majority", *(f"{row.quality.majority.value:.4f}" if row.quality else "-" for row in rows)])
    lines.append(["latency per item", *(str(row.latency) if row.latency else "-" for row in rows)])
    first = rows[0]
    ratios = [
        ["times smaller", *(_times(first.size_bytes, row.size_bytes) for row in rows)],
        ["times faster", *(_faster(first.latency, row.latency) for row in rows)],
    ]
    lines += [line for line in ratios if any(cell != "-" for cell in line[2:])]  # the first against itself says nothing
    return markdown([line for line in lines if any(cell != "-" for cell in line[1:])])


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Aligned Markdown: the first line is the header."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    padded = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]])


def narrow(lines: Sequence[Sequence[str]], width: int = PAGE_WIDTH) -> str:
    """Aligned Markdown of at most `width` columns: what does not fit goes on in further tables.

    Each of them begins with the first column, so that its rows can be told apart, and leaves out rows without figures.

    >>> print(narrow([["name", "bytes", "accuracy"], ["student", "700", "0.97"]], width=20))
    | name    | bytes |
    |---------|-------|
    | student | 700   |
    <BLANKLINE>
    | name    | accuracy |
    |---------|----------|
    | student | 0.97     |
    """
    widths = [max(len(line[column]) for line in lines) + 3 for column in range(len(lines[0]))]
    tables: list[list[int]] = [[]]
    for column, cell in enumerate(widths[1:], start=1):
        if tables[-1] and widths[0] + sum(widths[taken] for taken in tables[-1]) + cell + 1 > width:
            tables.append([])
        tables[-1].append(column)
    parts = [[[line[0], *(line[column] for column in table)] for line in lines] for table in tables]
    return "\n\n".join(markdown([line for line in part if not EMPTY.issuperset(line[1:])]) for part in parts)


def paragraph(text: str, *, indent: str = "", width: int = PAGE_WIDTH) -> str:
    """Text broken into lines of at most `width` columns; names and numbers stay whole."""
    return "\n".join(wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))


def comparison_line(first: str, second: str, comparison: Comparison) -> str:
    """One sentence on a paired test; says so when the difference is within noise."""
    d, p = comparison.difference, comparison.p_value
    verdict = "a real difference" if p < 0.05 else "within noise"
    return (
        f"{first} - {second}: accuracy {d.value:+.4f} [{d.low:+.4f}, {d.high:+.4f}], "
        f"exact McNemar p = {p:.3g} ({comparison.only_first_right} against {comparison.only_second_right}): {verdict}"
    )


def _measure(quality: Quality | None, name: str) -> str:
    measure: Measure | None = next((m for m in quality.measures if m.name == name), None) if quality else None
    return "-" if measure is None else str(measure)


def _times(large: int | None, small: int | None) -> str:
    return "-" if not large or not small else f"{large / small:,.1f}"


def _faster(slow: Latency | None, fast: Latency | None) -> str:
    if slow is None or fast is None:
        return "-"
    times = ratio(slow, fast)
    return f"{times.value:,.1f} [{times.low:,.1f}, {times.high:,.1f}]"
