"""What the `wren` search of an encoder trains next."""

import math

import numpy as np

from codewren.core.similarity_recipe import EncoderSizes, TableSizes
from codewren.search.octaves import octaves
from codewren.search.size_proposals import greatest_bounds
from codewren.search.space.encoder_space import described, encoder_space

BASE = EncoderSizes(TableSizes(3, 1), TableSizes(3, 1))
MOST = 1_000_000


def effectiveness(sizes: EncoderSizes) -> float:
    """Wider rows help, and nothing else does."""
    return 0.5 + 0.07 * math.log2(sizes.names.width / 32) + 1e-6 * (sizes.names.rows % 7)


def test_what_the_surrogate_has_seen_to_help_is_proposed() -> None:
    seen = {sizes: effectiveness(sizes) for sizes in encoder_space(BASE).spread(MOST, 40, seed=0)}
    proposed = greatest_bounds(encoder_space(BASE), seen, MOST, 12, seed=0)
    every = [sizes.names.width for sizes in encoder_space(BASE).points if sizes.table_bytes <= MOST]
    assert np.mean([sizes.names.width for sizes in proposed]) > np.mean(every) + 0.5 * np.std(every)


def test_proposals_are_untrained_feasible_and_distinct() -> None:
    seen = {sizes: effectiveness(sizes) for sizes in encoder_space(BASE).spread(MOST, 6, seed=1)}
    proposed = greatest_bounds(encoder_space(BASE), seen, MOST, 10, seed=0)
    assert len({str(described(sizes)) for sizes in proposed}) == 10
    assert not set(proposed) & set(seen)
    assert all(sizes.table_bytes <= MOST for sizes in proposed)


def test_octaves_with_the_fewest_trainings_come_first() -> None:
    large = [sizes for sizes in encoder_space(BASE).points if MOST / 2 < sizes.table_bytes <= MOST][:8]
    proposed = greatest_bounds(encoder_space(BASE), {sizes: effectiveness(sizes) for sizes in large}, MOST, 4, seed=0)
    levels = octaves(np.array([sizes.table_bytes for sizes in proposed], np.float64), MOST)
    assert levels.min() > 0


def test_too_few_trainings_propose_nothing() -> None:
    seen = dict.fromkeys(encoder_space(BASE).spread(MOST, 3, seed=0), 0.9)
    assert greatest_bounds(encoder_space(BASE), seen, MOST, 5, seed=0) == []
