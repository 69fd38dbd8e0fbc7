"""A map of the folders that were scanned: area is code, shade is how much of it is copied, or stands in findings.

Source: Bruls, Huizing, van Wijk, "Squarified Treemaps" (2000).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from codewren.core.files import unicode_path
from codewren.core.markup import Markup, element
from codewren.scan.finding import CloneKind, Finding
from codewren.scan.record import covered

WIDTH, HEIGHT = 960.0, 340.0
MOST_CELLS = 60
_OPENED_SHARE = 0.03  # of all lines: smaller folders stay closed
SHADES = (0.0, 0.02, 0.05, 0.1, 0.2)
"""Shares of lines from which on a cell has the next shade."""
_LETTER, _LINE = 6.6, 15.0  # of a label


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder or a file, with all below it.

    Attributes:
        path: with `/` at the end for a folder, `/*` for the files right in it; empty for the root of all.
        lines: inside functions.
        marked: of these, lines that are copied or stand in a finding.
    """

    path: str
    lines: int
    marked: int

    @property
    def share(self) -> float:
        """Of the lines, how many are marked."""
        return self.marked / self.lines if self.lines else 0.0

    @property
    def shade(self) -> int:
        """Number of the shade, from 0."""
        return sum(self.share > start for start in SHADES)


class Box(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


def marked_lines(findings: Sequence[Finding]) -> dict[str, int]:
    """By file, the lines that stand in a finding, each counted once; semantic classes are guesses and mark none."""
    spans: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for finding in findings:
        for location in finding.locations if finding.kind is not CloneKind.SEMANTIC else ():
            spans[location.path].append((location.start_line, location.end_line))
    return {path: covered(lines) for path, lines in spans.items()}


def cells(lines: Mapping[str, int], marked: Mapping[str, int], most: int = MOST_CELLS) -> list[Folder]:
    """The folders of a map, largest first: the largest is opened until there are enough of them."""
    paths = {path: path.replace("\\", "/").split("/") for path in lines}
    open_cells = [("", [path for path in lines if lines[path]])]
    closed = list[tuple[str, list[str]]]()
    total = sum(lines.values())
    while open_cells and len(open_cells) + len(closed) < most:
        open_cells.sort(key=lambda cell: sum(lines[path] for path in cell[1]))
        name, inside = open_cells.pop()
        if sum(lines[path] for path in inside) < _OPENED_SHARE * total:
            closed.append((name, inside))
            break
        children = _children(name, inside, paths)
        if len(children) + len(open_cells) + len(closed) > most or set(children) == {name}:
            closed.append((name, inside))
        else:
            open_cells += children.items()
    folders = [_folder(name, inside, lines, marked) for name, inside in (*open_cells, *closed)]
    return sorted((folder for folder in folders if folder.lines), key=lambda folder: (-folder.lines, folder.path))


def _children(name: str, inside: Sequence[str], paths: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What lies right below a folder; files beside folders are one child, `folder/*`, which has them as its children.

    A file is its own child.
    """
    if name and not name.endswith(("/", "*")):
        return {name: list(inside)}
    depth = name.count("/")
    children: defaultdict[str, list[str]] = defaultdict(list)
    for path in inside:
        parts = paths[path]
        children["/".join(parts[: depth + 1]) + "/" * (len(parts) > depth + 1)].append(path)
    loose = [child for child in children if not child.endswith("/")]
    if name.endswith("*") or len(loose) < 2 or len(loose) == len(children):
        return dict(children)
    together = [path for child in loose for path in children.pop(child)]
    return {**children, f"{name}*": together}


def _folder(name: str, inside: Sequence[str], lines: Mapping[str, int], marked: Mapping[str, int]) -> Folder:
    total = sum(lines[path] for path in inside)
    return Folder(name, total, min(total, sum(marked.get(path, 0) for path in inside)))


def squarified(areas: Sequence[float], box: Box) -> list[Box]:
    """Rectangles that fill a box, in proportion to descending areas, as square as a simple rule makes them."""
    boxes = list[Box]()
    scale = box.width * box.height / (sum(areas) or 1)
    waiting = [area * scale for area in areas]
    while waiting:
        side = min(box.width, box.height)
        count = 1
        while count < len(waiting) and _worst(waiting[: count + 1], side) <= _worst(waiting[:count], side):
            count += 1
        row, waiting = waiting[:count], waiting[count:]
        row_boxes, box = _laid(row, box)
        boxes += row_boxes
    return boxes


def _worst(row: Sequence[float], side: float) -> float:
    """The most oblong of the rectangles in a row, as width over height or the other way round."""
    total = sum(row)
    return max(side * side * max(row) / (total * total), total * total / (side * side * min(row)))


def _laid(row: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """A row along the shorter side of a box, and what is left of the box."""
    depth = sum(row) / (min(box.width, box.height) or 1)
    boxes, start = list[Box](), 0.0
    for area in row:
        length = area / (depth or 1)
        upright = box.width >= box.height
        boxes.append(Box(box.x, box.y + start, depth, length) if upright else Box(box.x + start, box.y, length, depth))
        start += length
    if box.width >= box.height:
        return boxes, Box(box.x + depth, box.y, box.width - depth, box.height)
    return boxes, Box(box.x, box.y + depth, box.width, box.height - depth)


def folder_map(folders: Sequence[Folder], what: str) -> Markup:
    """The map as a drawing whose cells can be reached by keyboard; `what` says what marked lines are."""
    boxes = squarified([folder.lines for folder in folders], Box(0, 0, WIDTH, HEIGHT))
    shared = _shared_folder([folder.path for folder in folders])
    drawn = [_cell(folder, box, what, shared) for folder, box in zip(folders, boxes, strict=True)]
    size = {"viewBox": f"0 0 {WIDTH:.0f} {HEIGHT:.0f}", "class": "map", "role": "group"}
    return element("svg", {**size, "aria-label": "Map of folders"}, drawn)


def _shared_folder(paths: Sequence[str]) -> str:
    """The folder that all paths begin with, which labels need not repeat.

    >>> _shared_folder(["src/scan/", "src/score.c"]), _shared_folder(["a.c"])
    ('src/', '')
    """
    if len(paths) < 2:
        return ""
    first, last = min(paths), max(paths)  # between them all others are sorted
    end = next((number for number, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[: first.rfind("/", 0, end) + 1]


def _described(folder: Folder, what: str) -> str:
    """What a cell says under the pointer, and to a screen reader."""
    name = unicode_path(folder.path) or "all"
    return f"{name}: {folder.lines:,} lines of functions, {folder.share:.1%} {what}"


def _cell(folder: Folder, box: Box, what: str, shared: str) -> Markup:
    geometry = {"x": f"{box.x:.1f}", "y": f"{box.y:.1f}", "width": f"{box.width:.1f}", "height": f"{box.height:.1f}"}
    shape = element(
        "rect", {"class": f"shade{folder.shade}", **geometry}, element("title", None, _described(folder, what))
    )
    texts = [
        element("text", {"x": f"{box.x + 5:.1f}", "y": f"{box.y + _LINE * (number + 1):.1f}"}, text)
        for number, text in enumerate(_label(folder, box, shared))
    ]
    attributes = {"tabindex": "0", "role": "button", "aria-label": _described(folder, what), "data-folder": folder.path}
    return element("g", {"class": "cell", **attributes}, shape, texts)


def _label(folder: Folder, box: Box, shared: str) -> Iterator[str]:
    room = int((box.width - 8) / _LETTER)
    if room < 4 or box.height < _LINE + 5:
        return
    name = unicode_path(folder.path.removeprefix(shared) or folder.path) or "all"
    yield _shortened(name, room)
    if box.height >= 2 * _LINE + 5:
        yield f"{folder.share:.0%}"


def _shortened(path: str, room: int) -> str:
    """The end of a path that fits, from a `/` on where one does.

    >>> _shortened("src/codewren/scan/", 8), _shortened("source.py", 6), _shortened("a.c", 6)
    ('…/scan/', '…ce.py', 'a.c')
    """
    if len(path) <= room:
        return path
    end = path[len(path) - room + 1 :]
    start = end.find("/")
    return "…" + (end[start:] if 0 <= start < len(end) - 2 else end)
