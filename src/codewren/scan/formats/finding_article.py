"""One finding on the page: where it is, and its code; of clones the first place beside others."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from codewren.core.files import unicode_path
from codewren.core.markup import Markup, element
from codewren.scan.finding import CloneKind, Finding, Location
from codewren.scan.formats.wording import sentences
from codewren.scan.paired_lines import Comparison, Piece, Row, one_side, side_by_side

MOST_PLACES, MOST_COMPARED, MOST_ROWS = 30, 3, 60
_GUESSES_COMPARED, _GUESS_ROWS = 1, 30  # of classes that rest on the model's word alone
OPEN = 3  # findings that are unfolded at first

Lines = Callable[[Location], list[str]]


def plural(number: int, noun: str, nouns: str = "") -> str:
    """A number of things.

    >>> plural(1, "line"), plural(2_000, "copy", "copies")
    ('1 line', '2,000 copies')
    """
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def article(finding: Finding, number: int, lines: Lines | None, *, labelled: bool = False) -> Markup:
    """One finding, folded; without `lines` it is brief. `labelled`: it says its label, where there are several."""
    location = finding.location
    data = {
        "data-kind": finding.kind,
        "data-saved": finding.saved_lines,
        "data-probability": f"{finding.probability:.4f}",
        "open": "" if lines and number <= OPEN else None,
    }
    summary = element(
        "summary",
        None,
        _heading(finding, labelled=labelled),
        " ",
        element("b", None, location.name),
        " ",
        _path(location),
    )
    code = _code(finding, lines) if lines else [element("p", {"class": "note"}, "The code is left out.")]
    return element(
        "details", {"class": "finding", "id": f"f{number}", **data}, summary, _places(finding, brief=not lines), code
    )


def _heading(finding: Finding, *, labelled: bool) -> list[Markup]:
    texts = [("probability", f"{finding.probability:.2f}")]
    if labelled:
        texts.insert(0, ("label", finding.label))
    if finding.others:
        texts = [
            (f"kind {finding.kind}", str(finding.kind)),
            ("count", f"{len(finding.locations)} functions"),
            ("saved", f"{plural(finding.saved_lines, 'line')} to save"),
            *texts,
        ]
    return [element("span", {"class": f"tag {kind}"}, text) for kind, text in texts]


def _path(location: Location) -> Markup:
    return element("code", {"class": "path"}, f"{unicode_path(location.path)}:{location.line_text}")


def _places(finding: Finding, *, brief: bool) -> Markup | None:
    if not finding.others:
        return None
    most = 2 if brief else MOST_PLACES
    items = [element("li", None, _place(location)) for location in finding.locations[:most]]
    more = len(finding.locations) - most
    items += [element("li", None, f"and {more} more")] if more > 0 else []
    return element("ul", {"class": "places"}, items)


def _place(location: Location) -> Iterator[object]:
    yield from (_path(location), " ", location.name, f" ({plural(location.lines, 'line')}")
    if location.kind is not None:
        yield f", {location.kind}, {location.overlap:.0%} of its words"
    if location.copies:
        yield f", and {plural(location.copies, 'copy', 'copies')}"
    yield ")"


def _code(finding: Finding, lines: Lines) -> Iterator[Markup]:
    """The function alone, or the first of a class beside others that are not the same."""
    first = finding.location
    own = _dedented(lines(first))
    if not own:
        yield element("p", {"class": "note"}, "The file can no longer be read.")
        return
    different = [location for location in finding.others if location.kind is not CloneKind.EXACT]
    is_guess = finding.kind is CloneKind.SEMANTIC
    most, rows = (_GUESSES_COMPARED, _GUESS_ROWS) if is_guess else (MOST_COMPARED, MOST_ROWS)
    for other in _distinct(different, lines)[:most]:
        yield _table((first, other), side_by_side(own, _dedented(lines(other)), rows))
    if not different:
        weights = {line.line: line.weight for line in (finding.explanation and finding.explanation.lines) or ()}
        yield from (element("p", {"class": "note"}, sentence) for sentence in sentences(finding.explanation))
        yield _table((first,), one_side(own, MOST_ROWS), weights)


def _distinct(locations: Sequence[Location], lines: Lines) -> list[Location]:
    """One location of each text."""
    by_text = {"".join("".join(lines(location)).split()): location for location in reversed(locations[:MOST_PLACES])}
    return list(reversed(by_text.values()))


def _dedented(lines: Sequence[str]) -> list[str]:
    """Lines without the white space that all of them begin with."""
    spaced = [line.expandtabs(4).rstrip() for line in lines]
    indent = min((len(line) - len(line.lstrip()) for line in spaced if line), default=0)
    return [line[indent:] for line in spaced]


def _table(sides: Sequence[Location], comparison: Comparison, weights: Mapping[int, str] | None = None) -> Markup:
    """Rows of code; `weights` are those of lines that speak for a finding, by line of the file."""
    names = [
        element("th", {"scope": "colgroup", "colspan": 2}, _path(side), f" {side.kind}" if side.kind else "")
        for side in sides
    ]
    body = [_line(row, sides, weights or {}) for row in comparison.rows]
    if comparison.left_out:
        body.append(_gap(plural(comparison.left_out, "more line"), len(sides)))
    caption = element("caption", None, " beside ".join(side.name for side in sides))
    widths = element("colgroup", None, [(element("col", {"class": "number"}), element("col")) for _ in sides])
    inside = (caption, widths, element("thead", None, element("tr", None, names)), element("tbody", None, body))
    table = element("table", {"class": "code" if len(sides) == 1 else "code both"}, *inside)
    return element("div", {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": "Code"}, table)


def _line(row: Row, sides: Sequence[Location], weights: Mapping[int, str]) -> Markup:
    if row.skipped:
        return _gap(plural(row.skipped, "equal line"), len(sides))
    numbers, pieces = (row.left, row.right), (row.left_pieces, row.right_pieces)
    weight = None if row.left is None else weights.get(sides[0].start_line + row.left)
    columns = zip(sides, numbers, pieces, strict=False)
    cells = [_side(side, number, texts, weight) for side, number, texts in columns]
    return element("tr", {"class": None if weight is None else "telling"}, cells)


def _side(side: Location, number: int | None, pieces: Sequence[Piece], weight: str | None) -> list[Markup]:
    shown = "" if number is None else str(side.start_line + number)
    text = [element("mark", None, piece.text) if piece.differs else piece.text for piece in pieces]
    note = None if weight is None else (" ", element("b", {"class": "score"}, weight))
    return [element("th", None, shown), element("td", {"class": "none" if number is None else None}, text, note)]


def _gap(text: str, sides: int) -> Markup:
    return element("tr", {"class": "gap"}, element("td", {"colspan": 2 * sides}, f"… {text}"))
