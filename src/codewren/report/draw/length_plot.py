"""How long the functions are in tokens, and how many of them are cut."""

import math
from collections import Counter
from collections.abc import Sequence

from codewren.core.markup import Markup
from codewren.report.draw.svg import TOP, Scale, axes, figure, horizontal, line, number, rectangle, text, vertical

_PER_OCTAVE = 4


def length_histogram(lengths: Sequence[int]) -> list[tuple[float, float, int]]:
    """Lower end, upper end and number of functions of bins of equal ratio, four a doubling; empty ones are left out.

    >>> [(round(low), round(high), count) for low, high, count in length_histogram([100, 100, 800])]
    [(91, 108, 2), (724, 861, 1)]
    """
    counts = Counter(math.floor(_PER_OCTAVE * math.log2(max(length, 1)) + 1e-9) for length in lengths)
    return [(2 ** (k / _PER_OCTAVE), 2 ** ((k + 1) / _PER_OCTAVE), counts[k]) for k in sorted(counts)]


def length_plot(name: str, lengths: Sequence[int], *, limit: int) -> Markup:
    """Histogram of token counts before cutting; what lies beyond the student's limit is marked."""
    bars = length_histogram(lengths)
    x = horizontal([bars[0][0], bars[-1][1], float(limit)], logarithmic=True)
    y = vertical([0.0, float(max(count for *_, count in bars))])
    y = Scale(0.0, y.high, y.start, y.end)
    ticks = [number(tick) for tick in x.ticks()]
    marks: list[Markup] = axes(x, y, x_label="tokens of a function", y_label="functions", x_texts=ticks)
    for low, high, count in bars:
        kind = "fill series1" if low >= limit else "fill series0"
        hover = f"{low:,.0f} to {high:,.0f} tokens: {count:,} functions"
        marks.append(rectangle(x(low), y(count), x(high) - x(low) - 1, y.start - y(count), kind=kind, title=hover))
    cut = sum(length > limit for length in lengths)
    share = f"{cut / len(lengths):.1%} are longer"
    marks += [line(x(limit), y.start, x(limit), TOP, "limit"), text(x(limit) + 5, TOP + 10, share, "tick")]
    description = (
        f"Tokens of {len(lengths):,} functions; the student reads the first {limit:,}, {cut:,} functions are cut."
    )
    return figure(name, "Length of the functions", description, *marks)
