import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.scan.finding import CloneKind, Finding, Location
from codewren.scan.formats.folder_map import HEIGHT, MOST_CELLS, WIDTH, Box, cells, folder_map, marked_lines, squarified

PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map("/".join).map(lambda path: path + ".c")
TREES = st.dictionaries(PATHS, st.integers(0, 10_000), max_size=40)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=40))
def test_rectangles_fill_the_box_in_proportion_and_do_not_overlap(areas):
    areas = sorted(areas, reverse=True)
    boxes = squarified(areas, Box(0, 0, 100, 40))
    scale = 4_000 / sum(areas)
    for area, box in zip(areas, boxes, strict=True):
        assert box.width * box.height == pytest.approx(area * scale)
        assert box.x >= -1e-9
        assert box.y >= -1e-9
        assert box.x + box.width <= 100 + 1e-6
        assert box.y + box.height <= 40 + 1e-6
    for a, b in combinations(boxes, 2):
        across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
        down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
        assert across < 1e-6 or down < 1e-6


@given(TREES)
def test_every_line_is_in_one_cell_and_cells_are_few(lines):
    marked = {path: count // 3 for path, count in lines.items()}
    folders = cells(lines, marked)
    assert len(folders) <= MOST_CELLS
    assert sum(folder.lines for folder in folders) == sum(lines.values())
    for folder in folders:
        inside = [path for path in lines if path.startswith(folder.path.removesuffix("*"))]
        assert folder.lines <= sum(lines[path] for path in inside)
    files = {folder.path for folder in folders if folder.path and folder.path[-1] not in "/*"}
    assert files <= lines.keys()


def test_a_large_folder_is_opened_and_small_ones_stay_closed():
    lines = {"big/a/x.c": 500, "big/b/y.c": 400, "small/p.c": 10, "small/q.c": 10}
    assert [folder.path for folder in cells(lines, {})] == ["big/a/x.c", "big/b/y.c", "small/"]


def test_small_files_beside_folders_are_one_cell_and_large_ones_are_not():
    small = {f"src/{i}.c": 1 for i in range(20)}
    lines = {"src/deep/a.c": 500, "src/other/b.c": 480, **small}
    assert [folder.path for folder in cells(lines, {})] == ["src/deep/a.c", "src/other/b.c", "src/*"]
    lines = {"src/deep/a.c": 50, "src/x.c": 40, "src/y.c": 30}
    assert [folder.path for folder in cells(lines, {})] == ["src/deep/a.c", "src/x.c", "src/y.c"]


def test_paths_outside_the_current_folder_and_absolute_ones_have_cells():
    lines = {"/abs/a.c": 5, "../up/b.c": 4, "c.c": 3}
    assert sorted(folder.path for folder in cells(lines, {})) == ["../up/b.c", "/abs/a.c", "c.c"]


def test_lines_in_copies_count_once_and_guesses_do_not():
    def clone(kind: CloneKind, *spans: tuple[int, int]) -> Finding:
        first, *others = (Location("a.c", start, end, "f", kind) for start, end in spans)
        return Finding("clone", 1.0, first, "", tuple(others), kind)

    findings = [clone(CloneKind.EXACT, (1, 10), (21, 30)), clone(CloneKind.EDITED, (5, 12), (41, 41))]
    assert marked_lines([*findings, clone(CloneKind.SEMANTIC, (100, 200), (300, 400))]) == {"a.c": 12 + 10 + 1}


def test_the_drawing_is_xml_whose_cells_have_names_and_can_have_the_focus():
    folders = cells({"src/<b>&\x00.c": 70, "src/y.c": 30}, {"src/y.c": 30})
    tree = ET.fromstring(folder_map(folders, "in copies"))
    buttons = [node for node in tree if node.get("role") == "button"]
    assert len(buttons) == len(folders)
    assert all(node.get("tabindex") == "0" and node.get("aria-label") for node in buttons)
    rects = [node.find("rect") for node in buttons]
    area = sum(float(rect.get("width")) * float(rect.get("height")) for rect in rects)
    assert area == pytest.approx(WIDTH * HEIGHT, rel=0.01)
