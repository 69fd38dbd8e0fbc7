"""The little that every plot of a report needs: scales, ticks, axes, and a figure that can be read aloud.

Plots carry classes and no colours: `plot.css` colours them for light, dark and paper.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from codewren.core.markup import Markup, element

WIDTH, HEIGHT = 640.0, 340.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 16.0, 18.0, 46.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a value lies on an axis, in units of the drawing.

    Attributes:
        low: value at `start`.
        high: value at `end`.
        logarithmic: equal ratios are equally far apart.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value; what lies outside is put on the border."""
        low, high, value = (
            self._bent(amount) for amount in (self.low, self.high, min(max(value, self.low), self.high))
        )
        return self.start + (self.end - self.start) * (value - low) / ((high - low) or 1)

    def _bent(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value

    def ticks(self, count: int = 6) -> list[float]:
        """Round values within the scale: 1, 2 and 5 times powers of ten."""
        return _log_ticks(self.low, self.high) if self.logarithmic else _even_ticks(self.low, self.high, count)


def scale(
    values: Sequence[float], start: float, end: float, *, logarithmic: bool = False, margin: float = 0.06
) -> Scale:
    """A scale that shows all of one or more values with some air around them; a logarithmic one wants them positive."""
    low, high = min(values), max(values)
    if logarithmic:
        air = max((high / low) ** margin, 1.15)
        return Scale(low / air, high * air, start, end, logarithmic=True)
    air = (high - low) * margin or abs(high) * margin or 1.0
    return Scale(low - air, high + air, start, end)


def horizontal(values: Sequence[float], *, logarithmic: bool = False) -> Scale:
    """A scale along the width of a figure."""
    return scale(values, LEFT, WIDTH - RIGHT, logarithmic=logarithmic)


def vertical(values: Sequence[float]) -> Scale:
    """A scale along the height of a figure, upwards."""
    return scale(values, HEIGHT - BOTTOM, TOP)


def _even_ticks(low: float, high: float, count: int) -> list[float]:
    step = 10 ** math.floor(math.log10((high - low) / count))
    step = next(step * factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= count)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    wide = math.log10(high / low) > 3
    values = [factor * 10.0**power for power in powers for factor in ((1,) if wide else (1, 2, 5))]
    return [value for value in values if low <= value <= high]


def axes(
    x: Scale, y: Scale, *, x_label: str, y_label: str, x_texts: Sequence[str] | None = None, foot: float | None = None
) -> list[Markup]:
    """Grid, tick labels and names of both axes.

    `x_texts` replaces the texts of the horizontal ticks, `foot` is where these stand if not at the bottom of `y`.
    """
    ticks, foot = x.ticks(), y.start if foot is None else foot
    texts = x_texts or [number(value) for value in ticks]
    marks = [line(x.start, y(value), x.end, y(value), "grid") for value in y.ticks()]
    marks += [text(x.start - 7, y(value) + 4, number(value), "tick end") for value in y.ticks()]
    marks += [line(x(value), foot, x(value), foot + 4, "axis") for value in ticks]
    marks += [text(x(v), foot + 17, label, "tick middle") for v, label in zip(ticks, texts, strict=True)]
    middle = (y.start + y.end) / 2
    turned = element("text", {"class": "label middle", "transform": f"translate(14 {middle:.1f}) rotate(-90)"}, y_label)
    name = text((x.start + x.end) / 2, foot + 37, x_label, "label middle")
    return [*marks, line(x.start, y.start, x.end, y.start, "axis"), name, turned]


def figure(name: str, title: str, description: str, *marks: object, height: float = HEIGHT) -> Markup:
    """A plot with a caption; `name` must be unique on the page, title and description are what a screen reader says."""
    plot = _drawing(name, title, description, *marks, height=height)
    caption = element("figcaption", None, element("strong", None, f"{title}. "), description)
    return element("figure", {"id": name}, plot, caption)


def svg_file(title: str, description: str, *marks: object, height: float = HEIGHT) -> Markup:
    """A plot as a file of its own, with its colours; byte for byte the same for the same parts."""
    style = element("style", None, Markup(plot_style()))
    ground = rectangle(0, 0, WIDTH, height, kind="ground")
    return Markup(_drawing("plot", title, description, style, ground, *marks, height=height, namespace=_SVG) + "\n")


def plot_style() -> str:
    """The style sheet of all plots."""
    return files("codewren.report.draw").joinpath("plot.css").read_text(encoding="utf-8")


_SVG = "http://www.w3.org/2000/svg"


def _drawing(
    name: str, title: str, description: str, *marks: object, height: float, namespace: str | None = None
) -> Markup:
    head = (
        element("title", {"id": f"{name}-title"}, title),
        element("desc", {"id": f"{name}-desc"}, description),
    )
    attributes = {
        "xmlns": namespace,
        "viewBox": f"0 0 {WIDTH:.0f} {height:.0f}",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
    }
    return element("svg", attributes, *head, *marks)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """A straight line."""
    return element("path", {"class": kind, "d": f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"})


def path(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    """A line through points."""
    return element("path", {"class": kind, "d": "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)})


def text(x: float, y: float, content: str, kind: str) -> Markup:
    """A text; classes `middle` and `end` say which of its ends lies at x."""
    return element("text", {"class": kind, "x": f"{x:.1f}", "y": f"{y:.1f}"}, content)


def rectangle(x: float, y: float, width: float, height: float, *, kind: str, title: str = "") -> Markup:
    """A filled rectangle that tells its figures under the pointer."""
    geometry = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{max(width, 0):.1f}", "height": f"{max(height, 0):.1f}"}
    return element("rect", {"class": kind, **geometry}, element("title", None, title) if title else None)


def marker(x: float, y: float, kind: str, *, shape: str = "circle", title: str = "", radius: float = 5.0) -> Markup:
    """A point: `circle`, `square` or `diamond`, so that no reader needs the colour to tell them apart."""
    hover = element("title", None, title) if title else None
    if shape == "circle":
        return element("circle", {"class": kind, "cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{radius:.1f}"}, hover)
    r = radius * (0.9 if shape == "square" else 1.3)
    corners = ((-r, -r), (r, -r), (r, r), (-r, r)) if shape == "square" else ((0, -r), (r, 0), (0, r), (-r, 0))
    d = "M" + "L".join(f"{x + dx:.1f} {y + dy:.1f}" for dx, dy in corners) + "Z"
    return element("path", {"class": kind, "d": d}, hover)


def whisker(x: float, y: Scale, low: float, high: float, kind: str = "whisker") -> Markup:
    """An upright interval."""
    return line(x, y(low), x, y(high), kind)


def near(value: float, shown: Sequence[float]) -> bool:
    """Whether a reference line may join a plot without squeezing what it is about into a corner.

    >>> near(0.5655, [0.59, 0.63]), near(0.5, [0.94, 0.98])
    (True, False)
    """
    low, high = min(shown), max(shown)
    return max(low - value, value - high) <= 2 * (high - low)


def number(value: float) -> str:
    """A tick's text.

    >>> [number(v) for v in (0, 0.05, 0.6, 40, 2000, 3e6, 0.00002)]
    ['0', '0.05', '0.6', '40', '2,000', '3,000,000', '2e-05']
    """
    if value == 0:
        return "0"
    if abs(value) < 1e-3:
        return f"{value:.0e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"


def spelt(metric: str) -> str:
    """A metric's name at the start of a line.

    >>> [spelt(name) for name in ("accuracy", "f1_macro", "mcc", "brier")]
    ['Accuracy', 'F1 macro', 'MCC', 'Brier']
    """
    words = metric.replace("_", " ")
    return words.upper() if words in {"mcc", "auc", "ece"} else words[:1].upper() + words[1:]


def byte_text(value: float) -> str:
    """Bytes for an axis: 1 kB is 1,000 bytes.

    >>> [byte_text(v) for v in (50_000, 3_000_000, 2_500_000, 499e6)]
    ['50 kB', '3 MB', '2.5 MB', '499 MB']
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.0f} B"


def second_text(value: float) -> str:
    """Seconds in the unit that reads best.

    >>> [second_text(v) for v in (0.000042, 0.0183, 1.5)]
    ['42 µs', '18.3 ms', '1.5 s']
    """
    for unit, factor in (("s", 1.0), ("ms", 1e-3)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value / 1e-6:.3g} µs"
