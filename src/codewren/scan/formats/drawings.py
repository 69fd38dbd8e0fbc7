"""Small drawings about scans: a badge, and the share of copies over time."""

from collections.abc import Sequence

from codewren.core.markup import Markup, element
from codewren.core.task import Unit
from codewren.scan.history import Run, badge_texts

_COLOURS = ("#1d6b3c", "#5f6b10", "#8a5a00", "#a8401c", "#b3261e")  # white letters have a contrast of 4.5 on each
_LETTER, _PAD, _HEIGHT = 6.6, 7.0, 20.0
WIDTH, HEIGHT = 960.0, 180.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 16.0, 14.0, 26.0
MOST_RUNS = 200


def badge(run: Run, unit: Unit) -> str:
    """A badge as an SVG file: what is measured, and the figure."""
    label, value, badness = badge_texts(run, unit)
    first, second = (len(text) * _LETTER + 2 * _PAD for text in (label, value))
    colour = _COLOURS[min(len(_COLOURS) - 1, int(badness * len(_COLOURS)))]
    boxes = [
        element("rect", {"width": f"{first + second:.0f}", "height": "20", "rx": "3", "fill": "#3b424a"}),
        element("rect", {"x": f"{first:.0f}", "width": f"{second:.0f}", "height": "20", "rx": "3", "fill": colour}),
    ]
    texts = [
        element("text", {"x": f"{x:.1f}", "y": "14"}, text)
        for x, text in ((first / 2, label), (first + second / 2, value))
    ]
    font = {"fill": "#fff", "text-anchor": "middle", "font-family": "Verdana, DejaVu Sans, sans-serif"}
    size = {"xmlns": "http://www.w3.org/2000/svg", "width": f"{first + second:.0f}", "height": f"{_HEIGHT:.0f}"}
    letters = element("g", {**font, "font-size": "11"}, texts)
    title = element("title", None, f"{label}: {value}")
    return element("svg", {**size, "role": "img", "aria-label": f"{label}: {value}"}, title, boxes, letters) + "\n"


def history_chart(runs: Sequence[Run], *, is_pair: bool) -> Markup:
    """The runs of a history from left to right: share of lines that could go, or number of findings."""
    shown = runs[-MOST_RUNS:]
    values = [run.share if is_pair else float(run.findings) for run in shown]
    top = max(values) or 1.0
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(shown) - 1)
    points = [(_LEFT + step * number, _height(value / top)) for number, value in enumerate(values)]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    marks = [
        element(
            "circle",
            {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "3"},
            element("title", None, _told(run, value, is_pair=is_pair)),
        )
        for (x, y), run, value in zip(points, shown, values, strict=True)
    ]
    ends = [(_LEFT, "start", shown[0]), (WIDTH - _RIGHT, "end", shown[-1])][: min(2, len(shown))]
    dates = [
        element("text", {"x": f"{x:.1f}", "y": f"{HEIGHT - 6:.0f}", "text-anchor": anchor}, run.time[:10])
        for x, anchor, run in ends
    ]
    ticks = [
        element(
            "text",
            {"x": f"{_LEFT - 8:.1f}", "y": f"{_height(share) + 4:.1f}", "text-anchor": "end"},
            _shown(share * top, is_pair=is_pair),
        )
        for share in (0.0, 1.0)
    ]
    name = "Share of lines in functions that could go" if is_pair else "Findings"
    size = {"viewBox": f"0 0 {WIDTH:.0f} {HEIGHT:.0f}", "class": "history", "role": "img"}
    label = f"{name}: {_shown(values[0], is_pair=is_pair)} at first, {_shown(values[-1], is_pair=is_pair)} now"
    floor = element("path", {"class": "floor", "d": f"M{_LEFT} {_height(0):.1f}H{WIDTH - _RIGHT}"})
    return element(
        "svg", {**size, "aria-label": label}, floor, element("path", {"class": "curve", "d": path}), marks, dates, ticks
    )


def _height(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _shown(value: float, *, is_pair: bool) -> str:
    return f"{value:.1%}" if is_pair else f"{value:,.0f}"


def _told(run: Run, value: float, *, is_pair: bool) -> str:
    return " ".join(filter(None, (run.time, run.commit[:10], _shown(value, is_pair=is_pair))))
