"""Does 80 % sure mean right in 80 %: the bins behind the calibration error, and their picture."""

from collections.abc import Mapping
from dataclasses import dataclass

from codewren.core.markup import Markup
from codewren.measure.estimate import Measure
from codewren.measure.fidelity import reliability_bins
from codewren.measure.intervals import Floats, Ints, proportion
from codewren.report.draw.svg import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Scale,
    axes,
    figure,
    line,
    marker,
    path,
    rectangle,
    text,
    whisker,
)

CONFIDENCE = "confidence: probability of the likeliest label"
_STRIP = 44.0  # height of the histogram of confidences under the diagram


@dataclass(frozen=True, slots=True)
class BinAccuracy:
    """Items whose likeliest label has a probability in one range.

    Attributes:
        confidence: mean probability of the likeliest label.
        accuracy: share of them that are right, exact interval.
    """

    confidence: float
    accuracy: Measure


def reliability(labels: Ints, probabilities: Floats) -> tuple[BinAccuracy, ...]:
    """Bins that hold items, of the 15 equal ones that the calibration error is made of.

    Raises:
        InputError: shapes that do not fit, labels out of range, values that are not finite.
    """
    return tuple(
        BinAccuracy(group.confidence, proportion("accuracy", round(group.accuracy * group.count), group.count))
        for group in reliability_bins(labels, probabilities)
    )


def reliability_plot(name: str, bins: Mapping[str, tuple[BinAccuracy, ...]], *, labels: int = 2) -> Markup:
    """Accuracy against confidence of up to two models with intervals, and how many items lie where."""
    low = min(1 / labels, *(point.confidence for group in bins.values() for point in group))
    x = Scale(low - 0.02, 1.02, LEFT, WIDTH - RIGHT)
    y = Scale(min(low, _lowest(bins)) - 0.02, 1.02, HEIGHT - BOTTOM - _STRIP, TOP)
    floor = Scale(0, 1, HEIGHT - BOTTOM, HEIGHT - BOTTOM - _STRIP)
    marks = [*axes(x, y, x_label=CONFIDENCE, y_label="share that is right", foot=floor.start)]
    marks += [path([(x(low), y(low)), (x(1), y(1))], "diagonal")]
    most = max((point.accuracy.n for group in bins.values() for point in group), default=1)
    for k, (model, group) in enumerate(bins.items()):
        marks += [_bar(x, floor, point, most, kind=f"fill series{k}", shift=7 * k) for point in group]
        marks += [
            whisker(x(point.confidence), y, point.accuracy.low, point.accuracy.high, f"stroke series{k}")
            for point in group
        ]
        marks += [_dot(x, y, point, model, k) for point in group]
        marks += [marker(LEFT + 16, TOP + 4 + 16 * k, f"fill series{k}", shape=_shape(k)), _key(model, k)]
    marks += [line(x.start, floor.start, x.end, floor.start, "axis")]
    marks += [text(LEFT - 7, floor.start - 8, "items", "tick end")]
    description = (
        "On the diagonal a probability means what it says; below it the model is too sure. Bars: items, lines: 95 %."
    )
    return figure(name, "Reliability", description, *marks)


def _lowest(bins: Mapping[str, tuple[BinAccuracy, ...]]) -> float:
    return min(point.accuracy.low for group in bins.values() for point in group)


def _shape(k: int) -> str:
    return "circle" if k == 0 else "square"


def _key(model: str, k: int) -> Markup:
    return text(LEFT + 28, TOP + 8 + 16 * k, model, "tick")


def _dot(x: Scale, y: Scale, point: BinAccuracy, model: str, k: int) -> Markup:
    hover = f"{model}: confidence {point.confidence:.3f}, right {point.accuracy} of {point.accuracy.n:,}"
    return marker(
        x(point.confidence), y(point.accuracy.value), f"fill series{k}", shape=_shape(k), title=hover, radius=4.5
    )


def _bar(x: Scale, floor: Scale, point: BinAccuracy, most: int, *, kind: str, shift: float) -> Markup:
    top = floor(0.8 * point.accuracy.n / most)
    hover = f"{point.accuracy.n:,} items"
    return rectangle(x(point.confidence) - 6 + shift, top, 6, floor.start - top, kind=kind, title=hover)
