"""The space of hints: how many features have weights, and up to how many neighbours one is made of."""

from collections.abc import Mapping, Sequence
from itertools import product

from codewren.core.hint_recipe import HintSizes
from codewren.search.space.size_space import SizeSpace

EXTENDED: Mapping[str, Sequence[int]] = {
    "entries": (1000, 2000, 4000, 8000, 15_000, 30_000, 60_000, 100_000, 150_000),
    "order": (1, 2),
}
"""Weights are int8 and one a head: rows have no width, and another number format no meaning."""

ENTRIES_A_KIND = 10
"""Features for each that has weights for kinds too, of which nothing says how well they hold."""

KINDS = 8
FINGERPRINT_BYTES = 4


def hint_space(heads: int) -> SizeSpace[HintSizes]:
    """The space of hints with so many heads."""
    points = tuple(
        HintSizes(entries, entries // ENTRIES_A_KIND, order) for entries, order in product(*EXTENDED.values())
    )

    def table_bytes(sizes: HintSizes) -> int:
        return sizes.entries * (FINGERPRINT_BYTES + heads) + sizes.kind_entries * KINDS

    return SizeSpace("hint", EXTENDED, points, table_bytes, described)


def described(sizes: HintSizes) -> dict[str, int]:
    """The values of a point, by the names of the space."""
    return {"entries": sizes.entries, "order": sizes.order}
