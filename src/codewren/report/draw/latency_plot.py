"""How long items take: the share of them that is done in so many seconds."""

from collections.abc import Mapping, Sequence

from codewren.core.markup import Markup
from codewren.report.draw.svg import (
    LEFT,
    TOP,
    Scale,
    axes,
    figure,
    horizontal,
    marker,
    path,
    second_text,
    text,
    vertical,
)

SERIES = 6


def latency_plot(name: str, times_s: Mapping[str, Sequence[float]]) -> Markup:
    """Distribution of seconds per item of up to six models, on a logarithmic axis, each with its median.

    Args:
        name: unique on the page.
        times_s: of each model, the positive seconds of single items (or evenly spaced quantiles of them).
    """
    shown = {model: sorted(times) for model, times in list(times_s.items())[:SERIES]}
    x = horizontal([seconds for times in shown.values() for seconds in times], logarithmic=True)
    y = vertical([0.0, 1.0])
    y = Scale(0.0, 1.0, y.start, TOP + 16 * len(shown) + 4)
    texts = [second_text(tick) for tick in x.ticks()]
    marks: list[Markup] = axes(x, y, x_label="time for one item", y_label="share of items done", x_texts=texts)
    for k, (model, times) in enumerate(shown.items()):
        marks += _curve(x, y, times, model, k)
    description = "Share of items that are done within a time; further left is faster. The mark is the median."
    return figure(name, "Latency", description, *marks)


def _curve(x: Scale, y: Scale, times: Sequence[float], model: str, k: int) -> list[Markup]:
    n, median = len(times), times[len(times) // 2]
    steps = [(x(time), y((rank + 1) / n)) for rank, time in enumerate(times)]
    shape = ("circle", "square", "diamond")[k % 3]
    dot = marker(x(median), y(0.5), f"fill series{k}", shape=shape, title=f"{model}: median {second_text(median)}")
    key = [
        marker(LEFT + 16, TOP - 6 + 16 * k, f"fill series{k}", shape=shape),
        text(LEFT + 28, TOP - 2 + 16 * k, f"{model}, median {second_text(median)}", "tick"),
    ]
    return [path([(x(times[0]), y(0.0)), *steps], f"curve series{k}"), dot, *key]
