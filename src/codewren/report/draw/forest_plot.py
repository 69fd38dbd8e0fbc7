"""Models under each other, each a point with its interval: what overlaps must not be sold as a difference."""

from collections.abc import Sequence

from codewren.core.markup import Markup
from codewren.measure.estimate import Measure
from codewren.report.draw.svg import TOP, WIDTH, Scale, figure, line, marker, near, number, scale, spelt, text

_NAMES, _ROW = 230.0, 26.0


def forest_plot(name: str, rows: Sequence[tuple[str, Measure]], *, majority: float | None = None) -> Markup:
    """One line a model with the same measure; the dashed line is what always answering the commonest label reaches."""
    values = [end for _, m in rows for end in (m.low, m.high)]
    drawn = majority is not None and near(majority, values)
    x = scale([*values, majority] if drawn and majority is not None else values, _NAMES, WIDTH - 70)
    bottom = TOP + _ROW * len(rows) + 6
    marks: list[Markup] = [line(x(tick), TOP, x(tick), bottom, "grid") for tick in x.ticks()]
    marks += [text(x(tick), bottom + 16, number(tick), "tick middle") for tick in x.ticks()]
    if drawn and majority is not None:
        marks.append(line(x(majority), TOP, x(majority), bottom, "majority"))
    for k, (model, measure) in enumerate(rows):
        marks += _row(x, TOP + _ROW * (k + 0.6), model, measure)
    metric = rows[0][1].name
    description = f"{spelt(metric)} of {len(rows)} models with 95 % intervals"
    if majority is not None:
        description += f"; {'dashed' if drawn else 'far below, not drawn'}: always the commonest label, {majority:.4f}"
    return figure(name, f"Effectiveness: {spelt(metric)}", description + ".", *marks, height=bottom + 26)


def _row(x: Scale, y: float, model: str, measure: Measure) -> list[Markup]:
    short = model if len(model) <= 36 else model[:35] + "…"
    return [
        text(_NAMES - 12, y + 4, short, "name end"),
        line(x(measure.low), y, x(measure.high), y, "stroke series0"),
        marker(x(measure.value), y, "fill series0", title=f"{model}: {measure}"),
        text(x.end + 8, y + 4, f"{measure.value:.4f}", "tick"),
    ]
