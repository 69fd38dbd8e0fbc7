"""The `extended` space of similarity encoders: how many features have rows, how wide rows are, how long sketches."""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from codewren.core.errors import InfeasibleError
from codewren.core.similarity_recipe import EncoderSizes, TableSizes
from codewren.search.octaves import octaves

EXTENDED: Mapping[str, Sequence[int]] = {
    "names_rows": (600, 1200, 2500, 5000, 10_000),
    "structure_rows": (800, 1700, 3500, 7000, 17_500),
    "width": (32, 48, 64, 96, 128),
    "names_sketch": (64, 128, 256, 512),
    "structure_sketch": (64, 128, 256),
}
"""About twice as much from one value to the next; both tables have rows of one width."""

ENTRIES_A_ROW = 3
"""Features with a weight in the sketch for each that has a row: they cost 5 bytes, a row ten times that."""


def encoder_space(base: EncoderSizes) -> Iterator[EncoderSizes]:
    """Every point; shares are those of `base`."""
    for names_rows, structure_rows, width, names_sketch, structure_sketch in product(*EXTENDED.values()):
        yield replace(
            base,
            names=TableSizes(ENTRIES_A_ROW * names_rows, names_rows, width, names_sketch),
            structure=TableSizes(ENTRIES_A_ROW * structure_rows, structure_rows, width, structure_sketch),
        )


def spread_sizes(base: EncoderSizes, most_bytes: int, count: int, *, seed: int) -> list[EncoderSizes]:
    """So many points within a budget, drawn in turn from every octave of bytes that holds some.

    Raises:
        InfeasibleError: no point keeps the budget.
    """
    feasible = [sizes for sizes in encoder_space(base) if sizes.table_bytes <= most_bytes]
    if not feasible:
        least = min(sizes.table_bytes for sizes in encoder_space(base))
        raise InfeasibleError(f"no encoder of the space keeps {most_bytes:,} bytes; the smallest has {least:,}")
    levels = octaves(np.array([sizes.table_bytes for sizes in feasible], np.float64), most_bytes)
    by_level: defaultdict[int, list[EncoderSizes]] = defaultdict(list)
    for sizes, level in zip(feasible, levels.tolist(), strict=True):
        by_level[level].append(sizes)
    rng = random.Random(seed)
    for members in by_level.values():
        rng.shuffle(members)
    drawn: list[EncoderSizes] = []
    while len(drawn) < min(count, len(feasible)):
        for _, members in sorted(by_level.items()):
            if members and len(drawn) < count:
                drawn.append(members.pop())
    return drawn


def described(sizes: EncoderSizes) -> dict[str, int]:
    """The values of a point, by the names of the space."""
    return {
        "names_rows": sizes.names.rows,
        "structure_rows": sizes.structure.rows,
        "width": sizes.names.width,
        "names_sketch": sizes.names.sketch_width,
        "structure_sketch": sizes.structure.sketch_width,
    }
