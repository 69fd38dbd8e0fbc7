"""Bytes against effectiveness, latency as colour: a search's front, the chosen student, and what it is up against."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from codewren.core.errors import InputError
from codewren.core.markup import Markup
from codewren.core.pareto import Candidate, ParetoFront
from codewren.core.student_config import StudentConfig
from codewren.report.draw.svg import (
    HEIGHT,
    TOP,
    WIDTH,
    Scale,
    axes,
    byte_text,
    figure,
    horizontal,
    line,
    marker,
    near,
    path,
    rectangle,
    second_text,
    spelt,
    svg_file,
    text,
    vertical,
    whisker,
)

HEATS = 5
_LETTER = 6.1  # width of an average letter of a label
_LEGEND = 26.0


class Group(StrEnum):
    """What a point stands for; also its class in the style sheet."""

    TRIAL = "trial"
    FRONT = "front"
    CHOSEN = "chosen"
    STUDENT = "student"
    TEACHER = "teacher"
    BASELINE = "baseline"
    PUBLISHED = "published"


SHAPES = {Group.TEACHER: "diamond", Group.BASELINE: "square", Group.PUBLISHED: "square"}


@dataclass(frozen=True, slots=True)
class Point:
    """One model.

    Attributes:
        value: effectiveness in [0, 1].
        low: lower end of its interval, None where unknown.
        high: upper end.
        latency_s: seconds per item, None where unknown: then it has no colour.
    """

    name: str
    size_bytes: int
    value: float
    group: Group
    low: float | None = None
    high: float | None = None
    latency_s: float | None = None


def front_points(front: ParetoFront, *, chosen: StudentConfig | None = None) -> list[Point]:
    """Points of a front's candidates whose effectiveness is known."""
    return [
        _point(candidate, chosen=candidate.config == chosen)
        for candidate in front.candidates
        if candidate.scores.effectiveness is not None
    ]


def rival_points(rivals: Sequence[Candidate]) -> list[Point]:
    """Points of named students to compare a front with, the published ones say."""
    scored = [(rival, rival.scores.effectiveness) for rival in rivals]
    return [Point(c.name, c.scores.size_bytes, value, Group.PUBLISHED) for c, value in scored if value is not None]


def _point(candidate: Candidate, *, chosen: bool) -> Point:
    scores = candidate.scores
    value, spread = scores.effectiveness or 0.0, scores.uncertainty
    return Point(
        candidate.name or "candidate",
        scores.size_bytes,
        value,
        Group.CHOSEN if chosen else Group.FRONT,
        low=None if spread is None else max(value - spread, 0.0),
        high=None if spread is None else min(value + spread, 1.0),
        latency_s=scores.latency_s,
    )


def pareto_plot(name: str, points: Sequence[Point], *, metric: str, majority: float | None = None) -> Markup:
    """The plot; at least one point is wanted. The line is the best that a file of at most so many bytes reaches."""
    return figure(name, _TITLE, _description(metric, points), *_content(points, metric, majority=majority))


def pareto_file(points: Sequence[Point], *, metric: str, teacher: float | None = None) -> Markup:
    """The plot as an SVG file of its own.

    `teacher` is the teacher's effectiveness: its size would leave the picture, so it is a line.

    Raises:
        InputError: there is no point to show.
    """
    if not points:
        raise InputError("the front has no effectiveness to plot: this strategy trains nothing")
    return svg_file(_TITLE, _description(metric, points), *_content(points, metric, teacher=teacher))


_TITLE = "Size, effectiveness and latency"


def _description(metric: str, points: Sequence[Point]) -> str:
    return f"{spelt(metric)} against bytes of {len(points)} models; up and to the left is better, colour is latency."


def _content(
    points: Sequence[Point], metric: str, *, majority: float | None = None, teacher: float | None = None
) -> list[Markup]:
    x = horizontal([point.size_bytes for point in points], logarithmic=True)
    heights = [end for p in points for end in (p.value, p.low, p.high) if end is not None]
    if majority is not None and not near(majority, heights):
        majority = None
    y = vertical([*heights, *(level for level in (majority, teacher) if level is not None)])
    y = Scale(y.low, y.high, y.start, y.end + _LEGEND)
    marks: list[Markup] = axes(
        x, y, x_label="bytes of the shipped file", y_label=metric, x_texts=[byte_text(tick) for tick in x.ticks()]
    )
    marks += _level(x, y, majority, "majority", "always the commonest label")
    marks += _level(x, y, teacher, "teacher-line", "teacher")
    marks += [_staircase(x, y, points)] if sum(p.group in (Group.FRONT, Group.CHOSEN) for p in points) > 1 else []
    heat = Heat.of([point.latency_s for point in points])
    for point in sorted(points, key=lambda p: list(Group).index(p.group)):
        marks += _drawn(x, y, point, heat)
    return [*marks, *_labels(x, y, points), *heat.legend()]


def _level(x: Scale, y: Scale, value: float | None, kind: str, label: str) -> list[Markup]:
    if value is None:
        return []
    return [
        line(x.start, y(value), x.end, y(value), kind),
        text(x.end, y(value) - 4, f"{label} {value:.4f}", "tick end"),
    ]


def _staircase(x: Scale, y: Scale, points: Sequence[Point]) -> Markup:
    front = sorted((p for p in points if p.group in (Group.FRONT, Group.CHOSEN)), key=lambda p: p.size_bytes)
    corners: list[tuple[float, float]] = []
    best = front[0].value
    for point in front:
        corners.append((x(point.size_bytes), y(best)))
        best = max(best, point.value)
        corners.append((x(point.size_bytes), y(best)))
    return path(corners, "front-line")


def _drawn(x: Scale, y: Scale, point: Point, heat: "Heat") -> list[Markup]:
    position = x(point.size_bytes), y(point.value)
    hover = f"{point.name}: {point.size_bytes:,} bytes, {point.value:.4f}"
    hover += "" if point.latency_s is None else f", {second_text(point.latency_s)}"
    marks = []
    if point.low is not None and point.high is not None:
        marks.append(whisker(position[0], y, point.low, point.high))
    if point.group is Group.CHOSEN:
        marks.append(marker(*position, "ring", radius=9))
    shape, radius = SHAPES.get(point.group, "circle"), 3.5 if point.group is Group.TRIAL else 5.5
    return [
        *marks,
        marker(*position, f"point {point.group} {heat.name(point)}", shape=shape, title=hover, radius=radius),
    ]


@dataclass(frozen=True, slots=True)
class Heat:
    """Latencies in five classes of equal ratio, so that each has a colour and the legend says what it means."""

    low: float
    high: float

    @classmethod
    def of(cls, latencies: Sequence[float | None]) -> "Heat":
        """The classes between the fastest and the slowest."""
        known = [seconds for seconds in latencies if seconds is not None and seconds > 0]
        return cls(min(known), max(known)) if known else cls(0.0, 0.0)

    def name(self, point: Point) -> str:
        """Class of a point in the style sheet."""
        if point.latency_s is None or not self.low:
            return "heat-unknown"
        share = math.log(max(point.latency_s, self.low) / self.low) / (math.log(self.high / self.low) or 1.0)
        return f"heat{min(HEATS - 1, int(share * HEATS))}"

    def legend(self) -> list[Markup]:
        """Swatches above the plot with the bounds of each class; nothing where no latency is known."""
        if not self.low:
            return []
        if self.high == self.low:
            return [text(WIDTH - 16, TOP, f"latency {second_text(self.low)}", "tick end")]
        wide, left = 58.0, WIDTH - 34 - 58 * HEATS
        bounds = [self.low * (self.high / self.low) ** (k / HEATS) for k in range(HEATS + 1)]
        marks = [text(left - 8, TOP - 2, "latency", "tick end")]
        marks += [rectangle(left + k * wide, TOP - 10, wide - 2, 8, kind=f"heat{k}") for k in range(HEATS)]
        marks += [text(left + k * wide, TOP + 10, second_text(bounds[k]), "tick middle") for k in range(HEATS + 1)]
        return marks


def _labels(x: Scale, y: Scale, points: Sequence[Point]) -> list[Markup]:
    """Names of the points that have one to tell, each where it covers no other."""
    named = [p for p in points if p.group not in (Group.TRIAL, Group.FRONT)]
    boxes = [_box(x(p.size_bytes) - 6, y(p.value) + 6, 12, 12) for p in points]
    names = []
    for point in sorted(named, key=lambda p: -p.value):
        name = "chosen" if point.group is Group.CHOSEN else point.name
        name = name if len(name) <= 34 else name[:33] + "…"
        baseline = _beside(x(point.size_bytes), y(point.value), len(name) * _LETTER, boxes)
        boxes.append(_box(*baseline, len(name) * _LETTER, 12))
        names.append(text(*baseline, name, f"name {point.group}"))
    return names


def _box(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of a text whose baseline starts at (x, y)."""
    return x, y - height, x + width, y


def _beside(
    x: float, y: float, width: float, boxes: Sequence[tuple[float, float, float, float]]
) -> tuple[float, float]:
    """Baseline of a label beside (x, y): the first place that is free and inside, else the one at the right."""
    shifts = [0.0, *(sign * step for step in range(13, 92, 13) for sign in (-1, 1))]
    for dy in shifts:
        for left in (x + 10, x - 10 - width):
            box = _box(left, y + 4 + dy, width, 12)
            inside = box[0] > 64 and box[2] < WIDTH - 4 and box[1] > TOP + 12 and box[3] < HEIGHT - 48
            if inside and not any(_overlap(box, other) for other in boxes):
                return left, y + 4 + dy
    return min(x + 10, WIDTH - 4 - width), y + 4


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
