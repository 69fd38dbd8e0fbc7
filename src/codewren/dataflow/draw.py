"""Pictures of data flow: for Graphviz, and as an SVG that shows the source with an arc for every edge."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate

from codewren.dataflow.graph import DataFlow

COLUMN, ROW, SIZE, MARGIN = 8.4, 30.0, 14, 60.0
_TAB = 4
_LONGEST_LABEL = 40
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#c77400", "#0f8b8d", "#c2185b", "#5d4037")
_STYLE = """text{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:14px;white-space:pre;fill:#222}
.title{font-weight:bold}.line{fill:#999;text-anchor:end}path{fill:none;stroke-width:1.4;opacity:.75}
path:hover{stroke-width:3.5;opacity:1}.computed{stroke-dasharray:5 3}rect.node{fill-opacity:.14;rx:3px}"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The data flow of one function and where it stands.

    Attributes:
        name: of the function.
        first_line: of its text in the file, from 1.
        first_byte: of its text in the file.
        flow: its graph.
    """

    name: str
    first_line: int
    first_byte: int
    flow: DataFlow


class Places:
    """Lines and columns of a function's bytes."""

    def __init__(self, drawn: Drawn) -> None:
        self._bytes = drawn.flow.source.encode("utf-8", "replace")
        lengths = (len(line) + 1 for line in self._bytes.split(b"\n"))
        self._starts = list(accumulate(lengths, initial=0))
        self._first_line = drawn.first_line

    def of(self, offset: int) -> tuple[int, int]:
        """Line in the file and column in characters, both from 1."""
        row, before = self.row(offset)
        return self._first_line + row, len(before) + 1

    def row(self, offset: int) -> tuple[int, str]:
        """Row from 0, and what stands before the offset in it."""
        row = max(0, bisect_right(self._starts, offset) - 1)
        return row, self._bytes[self._starts[row] : offset].decode("utf-8", "replace")


def dot(functions: Sequence[Drawn]) -> str:
    """The graphs for Graphviz: arrows lead from where a value comes from to where it goes."""
    lines = ["digraph dataflow {", "  rankdir=LR;", "  node [shape=box, fontname=monospace];"]
    for number, drawn in enumerate(functions):
        positions, nodes = Places(drawn), drawn.flow.nodes
        lines += [f"  subgraph cluster_{number} {{", f"    label={_quoted(drawn.name)};"]
        for index, node in enumerate(nodes):
            line, _ = positions.of(drawn.flow.tokens[node.token].start)
            lines.append(f"    n{number}_{index} [label={_quoted(f'{_short(node.name)} :{line}')}];")
        for index, source in drawn.flow.edges:
            style = " [style=dashed]" if nodes[index].relation == "computedFrom" else ""
            lines.append(f"    n{number}_{source} -> n{number}_{index}{style};")
        lines.append("  }")
    return "\n".join([*lines, "}"])


def svg(functions: Sequence[Drawn]) -> str:
    """The source of the functions, one below the other, with an arc for every edge."""
    pieces, top, width = list[str](), 16.0, 400.0
    for drawn in functions:
        picture = _Picture(drawn, top)
        pieces += picture.elements()
        top, width = picture.bottom + 2 * ROW, max(width, picture.width)
    arrow = (
        '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<polygon points="0 0 8 4 0 8" fill="context-stroke"/></marker>'
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{top:.0f}">'
    legend = f'<text x="{MARGIN}" y="{top - 12:.0f}">solid: comesFrom   dashed: computedFrom</text>'
    background = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([head, f"<style>{_STYLE}</style>", f"<defs>{arrow}</defs>", background, *pieces, legend, "</svg>"])


def _lines(text: str) -> list[str]:
    """Lines as the scan counts them: a form feed or U+2028 ends none."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


class _Picture:
    """One function of an SVG, from `top` on."""

    def __init__(self, drawn: Drawn, top: float) -> None:
        self.drawn = drawn
        self.places = Places(drawn)
        self.lines = [_printable(line) for line in _lines(drawn.flow.source)]
        self.top = top + ROW
        self.bottom = self.top + ROW * len(self.lines)
        self.width = MARGIN * 2 + COLUMN * max((len(line) for line in self.lines), default=0)
        names = dict.fromkeys(node.name for node in drawn.flow.nodes)
        self.colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}

    def elements(self) -> list[str]:
        """Title, lines, nodes and arcs."""
        title = f'<text class="title" x="{MARGIN}" y="{self.top - ROW / 2:.0f}">{_escaped(self.drawn.name)}</text>'
        nodes = [self._node(index) for index in range(len(self.drawn.flow.nodes))]
        return [title, *nodes, *map(self._line, range(len(self.lines))), *map(self._arc, self.drawn.flow.edges)]

    def _line(self, row: int) -> str:
        y = self.top + ROW * (row + 0.7)
        number = f'<text class="line" x="{MARGIN - 12}" y="{y:.1f}">{self.drawn.first_line + row}</text>'
        text = self.lines[row]
        if not text.strip():
            return number
        length = f'textLength="{COLUMN * len(text):.1f}" lengthAdjust="spacingAndGlyphs"'
        return f'{number}<text xml:space="preserve" x="{MARGIN}" y="{y:.1f}" {length}>{_escaped(text)}</text>'

    def _box(self, node: int) -> tuple[float, float, float]:
        """Left end, middle and vertical middle of a node's token; a token on several lines is shown on its first."""
        token = self.drawn.flow.tokens[self.drawn.flow.nodes[node].token]
        row, before = self.places.row(token.start)
        left = MARGIN + COLUMN * len(_printable(before))
        text = _lines(token.text)[0] if token.text.strip() else ""
        return left, left + COLUMN * len(_printable(text)) / 2, self.top + ROW * (row + 0.55)

    def _node(self, index: int) -> str:
        node = self.drawn.flow.nodes[index]
        left, middle, y = self._box(index)
        box = f'x="{left - 1:.1f}" y="{y - 10:.1f}" width="{2 * (middle - left) + 2:.1f}" height="20"'
        return f'<rect class="node" {box} fill="{self.colours[node.name]}"><title>{self._label(index)}</title></rect>'

    def _label(self, index: int) -> str:
        """What a node or its arcs show under the mouse."""
        node, flow = self.drawn.flow.nodes[index], self.drawn.flow
        sources = ", ".join(self._named(one) for one in node.sources)
        return _escaped(f"{self._named(index)} {node.relation} {sources}" if sources and flow else self._named(index))

    def _named(self, index: int) -> str:
        node = self.drawn.flow.nodes[index]
        line, column = self.places.of(self.drawn.flow.tokens[node.token].start)
        return f"{_short(node.name)} {line}:{column}"

    def _arc(self, edge: tuple[int, int]) -> str:
        index, source = edge
        node = self.drawn.flow.nodes[index]
        (_, x1, y1), (_, x2, y2) = self._box(source), self._box(index)
        if index == source:
            path = f"M{x1 - 3:.1f} {y1 - 9:.1f} c-12 -16 18 -16 8 -1"
        elif abs(y1 - y2) < 1:
            lift = 6 + min(16.0, abs(x1 - x2) / 14)
            path = f"M{x1:.1f} {y1 - 9:.1f} Q{(x1 + x2) / 2:.1f} {y1 - 9 - lift:.1f} {x2:.1f} {y2 - 9:.1f}"
        else:
            down = 9 if y2 > y1 else -9
            bend = (y2 - y1) / 2.5
            path = (
                f"M{x1:.1f} {y1 + down:.1f} C{x1 + 14:.1f} {y1 + bend:.1f} {x2 + 14:.1f} {y2 - bend:.1f} "
                f"{x2:.1f} {y2 - down:.1f}"
            )
        kind = ' class="computed"' if node.relation == "computedFrom" else ""
        said = _escaped(f"{self._named(source)} → {self._named(index)} ({node.relation})")
        colour = self.colours[self.drawn.flow.nodes[source].name]
        return f'<path{kind} d="{path}" stroke="{colour}" marker-end="url(#arrow)"><title>{said}</title></path>'


def _short(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= _LONGEST_LABEL else shown[: _LONGEST_LABEL - 1] + "…"


def _printable(text: str) -> str:
    """Tabs as blanks, and nothing that XML forbids."""
    shown = text.expandtabs(_TAB)
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in shown)


def _escaped(text: str) -> str:
    return escape(_printable(text))


def _quoted(text: str) -> str:
    inner = _printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'
