"""Small problems with known answers, shared by the search tests. Nothing here trains."""

from math import prod

from codewren.bundle.size import bundle_size_bytes
from codewren.core.pareto import Budget, Scores
from codewren.core.student_config import PositionType, StudentConfig, TokenizerKind
from codewren.core.task import CLONE
from codewren.search.space.space import Domain, SearchSpace


def shipped(config):
    return bundle_size_bytes(config, CLONE)


def small_space():
    """1,440 points, some with heads that do not divide, some over half a megabyte."""
    domains = {
        "tokenizer": (TokenizerKind.BPE, TokenizerKind.WORD),
        "vocab_size": (1000, 2000, 8000),
        "num_hidden_layers": (1, 2, 4),
        "hidden_size": (48, 96, 160, 192),
        "intermediate_size": (32, 256, 1024),
        "num_attention_heads": (1, 3, 4, 6, 8),
        "position_embedding_type": (PositionType.ABSOLUTE, PositionType.RELATIVE_KEY),
        "learning_rate": (1e-3, 1e-4),
    }
    return SearchSpace("small", tuple(Domain(name, values) for name, values in domains.items()), StudentConfig())


def one_point_space(config=None):
    base = config or StudentConfig()
    names = ("vocab_size", "num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads")
    return SearchSpace("one", tuple(Domain(name, (getattr(base, name),)) for name in names), base)


def grid_size(space):
    """Points of the whole product, also those whose heads do not divide the hidden size."""
    return prod(len(domain.values) for domain in space.domains)


HALF_A_MEGABYTE = Budget(max_bytes=500_000)


def scores(config, effectiveness, flips=None):
    return Scores(effectiveness, shipped(config), measured=True, flips=flips)
