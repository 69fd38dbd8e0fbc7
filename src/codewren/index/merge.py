"""Few segments out of many: each at least twice as large as the next, so that a function is rewritten seldom."""

from collections.abc import Sequence
from pathlib import Path

from codewren.index.catalog import Catalog
from codewren.index.folder import new_segment_name, segment_path
from codewren.index.segment import PackedFile, Segment
from codewren.index.view import View


def merged(view: View, folder: Path) -> View:
    """The same functions in few segments, of which no more than half is dead; the view itself where it is so already.

    Raises:
        DamagedIndexError: what should be copied is damaged.
        InputError: the disk is full.
    """
    live = [segment.rows - view.dead_rows(number) for number, segment in enumerate(view.segments)]
    groups = groups_to_merge(live)
    if all(len(group) == 1 and 2 * live[group[0]] >= view.segments[group[0]].rows for group in groups) and all(live):
        return view
    entries = dict(view.catalog.entries)
    segments: dict[str, Segment] = {}
    for group in groups:
        if len(group) == 1 and 2 * live[group[0]] >= view.segments[group[0]].rows:
            segment = view.segments[group[0]]
            moved = {file.path: file.entry.number for file in view.files_in(group[0])}
        else:
            segment, moved = _rewritten(view, group, folder)
        for path, number in moved.items():
            entries[path] = entries[path]._replace(segment=len(segments), number=number)
        segments[segment.name] = segment
    return View(Catalog(entries, tuple(segments)), segments)


def groups_to_merge(live: Sequence[int]) -> list[list[int]]:
    """Numbers of segments that become one, by how many live rows each has; empty ones are in no group.

    >>> groups_to_merge([100, 0, 7, 5, 30])
    [[3, 2], [4], [0]]
    """
    sized = sorted((rows, [number]) for number, rows in enumerate(live) if rows)
    place = 0
    while place + 1 < len(sized):
        (small, few), (large, many) = sized[place : place + 2]
        if large < 2 * small:
            sized[place : place + 2] = [(small + large, few + many)]
            sized.sort()
            place = 0
        else:
            place += 1
    return [group for _, group in sized]


def _rewritten(view: View, group: Sequence[int], folder: Path) -> tuple[Segment, dict[str, int]]:
    """One segment of the live files of several, and the number of each file in it."""
    packed: list[PackedFile] = []
    numbers: dict[str, int] = {}
    for number in group:
        for file in view.files_in(number):
            numbers[file.path] = len(packed)
            packed.append(view.segments[number].packed(file.entry.number))
    name = new_segment_name()
    return Segment.write(segment_path(folder, name), packed, view.segments[group[0]].vector_bytes), numbers
