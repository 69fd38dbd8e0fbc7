"""Pieces of a page: figures a program can read back, tables that scroll alone, gaps that say what to run."""

from collections.abc import Sequence
from math import floor, log10

from codewren.core.markup import Markup, element
from codewren.measure.estimate import Measure
from codewren.report.facts import Table

Cell = Markup | str
NOTHING = "–"


def datum(value: float, shown: str) -> Markup:
    """A figure as it is shown, with the exact one in `value` for programs."""
    return element("data", {"value": repr(value)}, shown)


def figure_cell(measure: Measure | None, *, digits: int | None = None, factor: float = 1.0) -> Cell:
    """A figure with its interval under it; see `shown` for `digits`."""
    if measure is None:
        return NOTHING
    low, high = (shown(factor * end, digits) for end in (measure.low, measure.high))
    interval = element("span", {"class": "interval"}, f"[{low}, {high}]")
    return element("span", None, datum(measure.value, shown(factor * measure.value, digits)), interval)


def number_cell(value: float | None, *, digits: int | None = None, factor: float = 1.0) -> Cell:
    """A figure without an interval."""
    return NOTHING if value is None else datum(value, shown(factor * value, digits))


def shown(value: float, digits: int | None = None) -> str:
    """A number with that many decimals, by default with three significant digits.

    >>> [shown(v) for v in (0.0257983, 18.863, 1500.0, 0, 3.558e-6)], shown(0.5, 4)
    (['0.0258', '18.9', '1,500', '0', '3.56e-06'], '0.5000')
    """
    if digits is None and 0 < abs(value) < 1e-4:
        return f"{value:.2e}"
    if digits is None:
        digits = max(0, 2 - floor(log10(abs(value)))) if value else 0
    return f"{value:,.{digits}f}"


def table(caption: str, header: Sequence[Cell], *bodies: Markup, wide: bool = True) -> Markup:
    """A table in a box that scrolls by itself on a narrow screen; a `wide` one fills the page."""
    cells = [element("th", {"scope": "col"}, title) for title in header]
    head = element("thead", None, element("tr", None, cells))
    inside = element("table", {"class": "wide" if wide else None}, element("caption", None, caption), head, *bodies)
    return element("div", {"class": "scroll", "role": "region", "aria-label": caption, "tabindex": "0"}, inside)


def row(name: Cell, cells: Sequence[Cell], *, kind: str | None = None) -> Markup:
    """A line of a table; its name is a header too."""
    head = element("th", {"scope": "row"}, name)
    return element("tr", {"class": kind}, head, [element("td", None, cell) for cell in cells])


def band(text: str, columns: int) -> Markup:
    """A line that says what the lines below it are."""
    return element("tr", None, element("th", {"scope": "colgroup", "colspan": columns, "class": "band"}, text))


def body(rows: Sequence[Markup], *, kind: str | None = None) -> Markup:
    """Lines that belong together."""
    return element("tbody", {"class": kind}, rows)


def text_table(text: Table) -> Markup:
    """A table of text, with its note."""
    rows = [row(first, cells) for first, *cells in text.rows]
    note = element("p", {"class": "note"}, text.note) if text.note else None
    return element("div", None, table(text.title, text.header, body(rows), wide=False), note)


def missing(subject: str, how: str) -> Markup:
    """A gap, and what fills it; from `codewren` on the words are a command."""
    before, run, command = how.partition("run codewren ")
    instruction = [before, "run ", element("code", None, f"codewren {command}")] if run else [how]
    return element("p", {"class": "missing"}, f"{subject}: not measured: ", instruction)


def pairs(facts: Sequence[tuple[str, str]]) -> Markup:
    """Names and values."""
    listed = [(element("dt", None, name), element("dd", None, value)) for name, value in facts]
    return element("dl", {"class": "facts"}, listed)


def section(name: str, title: str, *content: object, level: int = 2) -> Markup:
    """A part of the page that can be linked to."""
    return element("section", {"id": name}, element(f"h{level}", None, title), *content)
