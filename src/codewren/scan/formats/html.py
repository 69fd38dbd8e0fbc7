"""Findings as one page that needs nothing but itself: no request, its own short script, for screen, night and paper.

What it shows comes from a stranger's repository: every text goes through `codewren.core.markup`, and the page's policy
runs no script but the one whose hash it names.
"""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import PurePath

from codewren.core.files import unicode_path
from codewren.core.markup import Markup, element, joined
from codewren.core.task import Unit
from codewren.scan.finding import CloneKind, Finding
from codewren.scan.formats.drawings import history_chart
from codewren.scan.formats.finding_article import article, plural
from codewren.scan.formats.folder_map import SHADES, Folder, cells, folder_map, marked_lines
from codewren.scan.formats.origin import Origin
from codewren.scan.result import Order, ScanResult
from codewren.scan.source_lines import line_reader

MOST_FINDINGS = 1_000
BUDGET_BYTES = (
    1_900_000  # of what is shown of 500 findings, with which the page has at most 2 MB; of more in proportion
)
_USUAL_FINDINGS = 500
_BRIEF_BYTES = 1_200


def render(result: ScanResult, origin: Origin) -> str:
    """The page."""
    is_pair = result.task.unit is Unit.PAIR
    order = Order.SAVED if is_pair else Order.PROBABILITY
    findings = sorted(result.findings, key=order.key)
    name = PurePath(origin.root).name or "the repository"
    title = f"{'Clones' if is_pair else f'Functions judged {result.judged}'} in {unicode_path(name)}"
    main = (
        _incomplete(result),
        _tiles(result, is_pair=is_pair),
        _map(result, is_pair=is_pair),
        _history(origin, is_pair=is_pair),
        _findings(findings, len(result.unshown), is_pair=is_pair, labelled=len(result.labels) > 1),
        _remarks(result),
    )
    lead = f"Judged by {origin.model} for the task {result.task.name}; codewren {origin.version}."
    header = element("header", None, element("h1", None, title), element("p", {"class": "lead"}, lead))
    return _document(title, header, element("main", None, *main))


def left_out(result: ScanResult) -> list[str]:
    """What the format cannot hold."""
    more = len(result.findings) - MOST_FINDINGS
    return [f"the page holds the first {MOST_FINDINGS} findings; {more} are left out"] if more > 0 else []


def _document(title: str, *body: Markup) -> str:
    folder = files("codewren.scan.formats")
    style, script = (folder.joinpath(f"findings.{end}").read_text(encoding="utf-8") for end in ("css", "js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    head = element(
        "head",
        None,
        element("meta", {"charset": "utf-8"}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": f"{policy}; form-action 'none'"}),
        element("title", None, title),
        element("style", None, Markup(style)),
    )
    page = element("body", None, *body, element("script", None, Markup(script)))
    return f"<!DOCTYPE html>\n{element('html', {'lang': 'en'}, head, page)}\n"


def _incomplete(result: ScanResult) -> Markup | None:
    if not result.gaps:
        return None
    gaps = [element("li", None, unicode_path(gap)) for gap in result.gaps]
    return element(
        "section", {"class": "warning"}, element("h2", None, "Incomplete scan: no verdict"), element("ul", None, gaps)
    )


def _tiles(result: ScanResult, *, is_pair: bool) -> Markup:
    findings = [*result.findings, *result.unshown]
    total = sum(result.function_lines.values())
    saved = sum(finding.saved_lines for finding in findings if finding.kind is not CloneKind.SEMANTIC)
    guesses = sum(finding.kind is CloneKind.SEMANTIC for finding in findings)
    note = f"{guesses:,} of them by the model's word alone" if guesses else ""
    tiles = [("Classes of clones" if is_pair else "Findings", f"{len(findings):,}", note)]
    if is_pair:
        share = f"{saved / total:.1%} of all lines in functions" if total else ""
        tiles.append(("Lines of copies that could go", f"{saved:,}", share))
    tiles.append(("Functions", f"{result.functions:,}", f"in {plural(result.files, 'file')}"))
    if result.suppressed:
        tiles.append(("Silenced by comments", f"{result.suppressed:,}", ""))
    return element("div", {"class": "tiles"}, [_tile(*tile) for tile in tiles])


def _tile(name: str, value: str, note: str) -> Markup:
    notes = element("dd", None, note) if note else None
    return element("dl", {"class": "tile"}, element("dt", None, name), element("dd", None, value), notes)


def _map(result: ScanResult, *, is_pair: bool) -> Markup | None:
    what = "in copies" if is_pair else "in findings"
    folders = cells(result.function_lines, marked_lines([*result.findings, *result.unshown]))
    if len(folders) < 2:
        return None
    shades = [_shade(number, start) for number, start in enumerate((None, *SHADES))]
    legend = element("p", {"class": "legend"}, f"Area: lines of functions. Shade: share of them {what}: ", shades)
    lines = [
        element("tr", None, element("th", {"scope": "row"}, unicode_path(folder.path) or "all"), _figures(folder))
        for folder in folders
    ]
    head = element(
        "tr", None, [element("th", {"scope": "col"}, text) for text in ("Folder", "Lines", what.capitalize(), "Share")]
    )
    caption = element("caption", None, "The same as a table")
    table = element("table", None, caption, element("thead", None, head), element("tbody", None, lines))
    details = element("details", None, element("summary", None, "The same as a table"), table)
    return element(
        "section", {"id": "map"}, element("h2", None, "Where they are"), folder_map(folders, what), legend, details
    )


def _history(origin: Origin, *, is_pair: bool) -> Markup | None:
    if len(origin.history) < 2:
        return None
    chart = history_chart(origin.history, is_pair=is_pair)
    return element("section", {"id": "history"}, element("h2", None, "Over time"), chart)


def _shade(number: int, start: float | None) -> Markup:
    text = "none" if start is None else f"over {start:.0%}" if start else "some"
    return element("span", {"class": "key"}, element("span", {"class": f"swatch shade{number}"}), text, " ")


def _figures(folder: Folder) -> list[Markup]:
    return [element("td", None, text) for text in (f"{folder.lines:,}", f"{folder.marked:,}", f"{folder.share:.1%}")]


def _findings(findings: Sequence[Finding], unshown: int, *, is_pair: bool, labelled: bool) -> Markup:
    shown, lines = findings[:MOST_FINDINGS], line_reader()
    articles, brief = list[Markup](), 0
    budget = BUDGET_BYTES * max(1, len(shown) / _USUAL_FINDINGS) - _BRIEF_BYTES * len(shown)
    for number, finding in enumerate(shown, 1):
        markup = article(finding, number, lines, labelled=labelled) if budget > 0 else None
        if markup is None or len(markup.encode()) - _BRIEF_BYTES > budget:
            brief, budget = brief + 1, 0  # what follows is not tried: it would be drawn and thrown away
            markup = article(finding, number, None, labelled=labelled)
        budget -= max(0, len(markup.encode()) - _BRIEF_BYTES)
        articles.append(element("li", None, markup))
    title = "Clones, those first that would save most lines" if is_pair else "Findings, the most probable first"
    content = element("ol", {"id": "findings"}, articles) if articles else element("p", None, "Nothing was found.")
    left_out = len(findings) - len(shown) + unshown
    more = [f"{left_out} more findings are left out."] if left_out else []
    more += [f"The code of {brief} findings is left out, so that the page stays small."] if brief else []
    notes = [element("p", {"class": "note"}, text) for text in more]
    filters = _filters(is_pair=is_pair) if articles else None
    return element("section", {"id": "list"}, element("h2", None, title), filters, content, notes)


def _filters(*, is_pair: bool) -> Markup:
    """The form that the script shows: without it, it could do nothing."""
    kinds = [
        element(
            "label", None, element("input", {"type": "checkbox", "name": "kind", "value": kind, "checked": ""}), kind
        )
        for kind in CloneKind
    ]
    orders = {"saved": "lines that could go", "probability": "probability", "path": "path"}
    if not is_pair:
        orders.pop("saved")
    chosen = [element("option", {"value": value}, text) for value, text in orders.items()]
    least = element(
        "label",
        None,
        "at least ",
        element("input", {"type": "number", "name": "least", "min": "0", "value": "0"}),
        " lines to save",
    )
    return element(
        "form",
        {"id": "filters", "hidden": "", "role": "search", "aria-label": "Filters"},
        element(
            "label",
            None,
            "Text ",
            element("input", {"type": "search", "name": "text", "placeholder": "path or name ( / )"}),
        ),
        element("fieldset", None, element("legend", None, "Kind"), kinds) if is_pair else None,
        least if is_pair else None,
        element("label", None, "Order ", element("select", {"name": "order"}, chosen)),
        element("button", {"type": "reset"}, "All"),
        element("output", {"id": "shown", "aria-live": "polite"}),
    )


def _remarks(result: ScanResult) -> Markup | None:
    texts = list(result.remarks)
    texts += [f"skipped {unicode_path(note.path)}: {note.reason}" for note in result.notes[:100]]
    texts += [f"{len(result.notes) - 100} more files were skipped"] if len(result.notes) > 100 else []
    if not texts:
        return None
    items = joined(element("li", None, text) for text in texts)
    return element("section", {"id": "remarks"}, element("h2", None, "Remarks"), element("ul", None, items))
