"""Few segments out of many: each at least twice as large as the next, so that a function is rewritten seldom."""

from collections.abc import Sequence
from pathlib import Path

from codewren.index.catalog import Catalog
from codewren.index.index_folder import new_segment_name, segment_path
from codewren.index.segment import PackedFile, Segment
from codewren.index.view import View


def merged(view: View, folder: Path) -> View:
    """The same functions in few segments, of which no more than half is dead; the view itself where it is so already.

    What is merged goes to the index of the first of its segments, and leaves gaps at those of the others.

    Raises:
        DamagedIndexError: what should be copied is damaged.
        InputError: the disk is full.
    """
    live = view.catalog.live_rows
    wasteful = {number for number, segment in enumerate(view.segments) if segment and 2 * live[number] < segment.rows}
    groups = [group for group in groups_to_merge(live) if len(group) > 1 or wasteful.intersection(group)]
    empty = [number for number, segment in enumerate(view.segments) if segment and not live[number]]
    if not groups and not empty:
        return view
    entries, rows = dict(view.catalog.entries), list(live)
    segments = list(view.segments)
    for number in empty:
        segments[number] = None
    for group in groups:
        segment, files = _rewritten(view, group, folder)
        for number in group:
            segments[number], rows[number] = None, 0
        segments[group[0]], rows[group[0]] = segment, segment.rows
        for file, path in enumerate(files):
            entries[path] = entries[path]._replace(segment=group[0], number=file)
    names = tuple(segment.name if segment else "" for segment in segments)
    opened = {segment.name: segment for segment in segments if segment}
    return View(Catalog(entries, names, tuple(rows)), opened)


def groups_to_merge(live: Sequence[int]) -> list[list[int]]:
    """Numbers of segments that become one, by how many live rows each has; empty ones are in no group.

    >>> groups_to_merge([100, 0, 7, 5, 30])
    [[3, 2], [4], [0]]
    """
    sized = sorted((rows, [number]) for number, rows in enumerate(live) if rows)
    index = 0
    while index + 1 < len(sized):
        (small, few), (large, many) = sized[index : index + 2]
        if large < 2 * small:
            sized[index : index + 2] = [(small + large, few + many)]
            sized.sort()
            index = 0
        else:
            index += 1
    return [group for _, group in sized]


def _rewritten(view: View, group: Sequence[int], folder: Path) -> tuple[Segment, list[str]]:
    """One segment of the live files of several, and the paths of its files."""
    packed: list[PackedFile] = []
    paths: list[str] = []
    for number in group:
        for file in view.files_in(number).values():
            paths.append(file.path)
            packed.append(view.segment(number).packed(file.entry.number))
    name = new_segment_name()
    return Segment.write(segment_path(folder, name), packed, view.segment(group[0]).vector_bytes), paths
