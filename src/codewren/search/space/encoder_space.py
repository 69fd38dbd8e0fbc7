"""The `extended` space of similarity encoders: how many features have rows, how wide rows are, how long sketches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from operator import attrgetter

from codewren.core.similarity_recipe import EncoderSizes, TableSizes
from codewren.search.space.size_space import SizeSpace

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


def encoder_space(base: EncoderSizes) -> SizeSpace[EncoderSizes]:
    """The space; shares are those of `base`."""
    return SizeSpace("encoder", EXTENDED, tuple(_points(base)), attrgetter("table_bytes"), described)


def _points(base: EncoderSizes) -> Iterator[EncoderSizes]:
    for names_rows, structure_rows, width, names_sketch, structure_sketch in product(*EXTENDED.values()):
        yield replace(
            base,
            names=TableSizes(ENTRIES_A_ROW * names_rows, names_rows, width, names_sketch),
            structure=TableSizes(ENTRIES_A_ROW * structure_rows, structure_rows, width, structure_sketch),
        )


def described(sizes: EncoderSizes) -> dict[str, int]:
    """The values of a point, by the names of the space."""
    return {
        "names_rows": sizes.names.rows,
        "structure_rows": sizes.structure.rows,
        "width": sizes.names.width,
        "names_sketch": sizes.names.sketch_width,
        "structure_sketch": sizes.structure.sketch_width,
    }
