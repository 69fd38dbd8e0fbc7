"""Closed forms of size and arithmetic: the papers' own, and honest ones beside them.

Every argument may be a number or a numpy array of them (this file needs neither), so one formula serves a single
student and a table of millions. V vocabulary, H hidden, L layers, I intermediate, A heads, S length, T tokens.
"""

from typing import Any, TypeAlias

from codewren.core.student_config import PositionType, StudentConfig
from codewren.core.task import Task, Unit

Quantity: TypeAlias = Any  # int, float, or a numpy array of either

PAPERS_LENGTH = 514
"""Rows of the position table in every size and FLOPs figure of the first paper, whatever the real input."""

BYTES_PER_PARAMETER = 4
"""Both papers count float32."""

DISTANCE_TERMS = {PositionType.ABSOLUTE: 0, PositionType.RELATIVE_KEY: 1, PositionType.RELATIVE_KEY_QUERY: 2}
"""Dot products with a distance table for each pair of tokens."""


def papers_parameters(
    *,
    vocab_size: Quantity,
    hidden_size: Quantity,
    num_hidden_layers: Quantity,
    intermediate_size: Quantity,
    length: Quantity = PAPERS_LENGTH,
) -> Quantity:
    """Parameters as both papers count them: with a pooler that the students lack, heads and relative tables left out.

    Source: Compressor `flops.py`; SPEC 1.3.

    >>> papers_parameters(vocab_size=1000, hidden_size=96, num_hidden_layers=12, intermediate_size=64)
    765410
    """
    embeddings = vocab_size * hidden_size + length * hidden_size + 3 * hidden_size
    layer = 4 * hidden_size * hidden_size + 2 * hidden_size * intermediate_size + intermediate_size + 9 * hidden_size
    head = 2 * (hidden_size * hidden_size + hidden_size) + 2 * hidden_size + 2
    return embeddings + num_hidden_layers * layer + head


def papers_size_bytes(
    *,
    vocab_size: Quantity,
    hidden_size: Quantity,
    num_hidden_layers: Quantity,
    intermediate_size: Quantity,
    length: Quantity = PAPERS_LENGTH,
) -> Quantity:
    """Bytes as both papers count them: float32 parameters, no tokenizer.

    Source: SPEC 1.3.
    """
    return BYTES_PER_PARAMETER * papers_parameters(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        num_hidden_layers=num_hidden_layers,
        intermediate_size=intermediate_size,
        length=length,
    )


def papers_flops(
    *,
    vocab_size: Quantity,
    hidden_size: Quantity,
    num_hidden_layers: Quantity,
    intermediate_size: Quantity,
    num_attention_heads: Quantity,
    length: Quantity = PAPERS_LENGTH,
) -> Quantity:
    """FLOPs as both papers count them: a token look-up costs a dense V x H product, the head runs on every token.

    Source: Compressor `flops.py`, after ELECTRA's script; SPEC 1.4.
    """
    layer = (
        8 * hidden_size * hidden_size
        + 4 * hidden_size * length
        + 4 * hidden_size * intermediate_size
        + 10 * length * num_attention_heads
        + 9 * intermediate_size
        + 20 * hidden_size
        + 5
    )
    embeddings = 2 * hidden_size * vocab_size + 2 * hidden_size * length + 15 * hidden_size
    head = 2 * hidden_size * hidden_size + 15 * hidden_size
    return length * (num_hidden_layers * layer + embeddings + head)


def plain_flops(
    *,
    hidden_size: Quantity,
    num_hidden_layers: Quantity,
    intermediate_size: Quantity,
    tokens: Quantity,
) -> Quantity:
    """FLOPs of the matrix products of an ordinary encoder on one function, absolute positions, head left out.

    This is what `torch.utils.flop_counter` counts under eager attention.

    Source: SPEC 1.4, last column.
    """
    layer = 8 * hidden_size * hidden_size + 4 * tokens * hidden_size + 4 * hidden_size * intermediate_size
    return tokens * num_hidden_layers * layer


def first_token_layer_flops(
    *,
    hidden_size: Quantity,
    intermediate_size: Quantity,
    num_attention_heads: Quantity,
    tokens: Quantity,
) -> Quantity:
    """FLOPs of a last layer of which only token 0 is wanted: one query, keys and values never formed.

    `q.(W_k x) = (W_k' q).x` and `sum a (W_v x) = W_v (sum a x)`, a head at a time: query, key (transposed), value and
    output cost H x H once each, the scores and the mix T x H a head.

    Source: DESIGN.md, "What is known to matter".
    """
    return (
        8 * hidden_size * hidden_size
        + 4 * num_attention_heads * tokens * hidden_size
        + 4 * hidden_size * intermediate_size
    )


def student_flops(config: StudentConfig, task: Task, *, tokens: int | None = None) -> int:
    """Honest FLOPs of the matrix products for one item in the shipped form; a look-up is free.

    A pair is two functions encoded apart. `tokens` is the length of one function's code, by default the maximum; nodes
    of the data flow are as many as there may be, and have no distance to anything.
    """
    hidden, code = config.hidden_size, config.max_sequence_length if tokens is None else tokens
    length = code + config.max_data_flow
    functions = task.functions_per_item
    full = config.num_hidden_layers - 1
    encoder = plain_flops(
        hidden_size=hidden, num_hidden_layers=full, intermediate_size=config.intermediate_size, tokens=length
    ) + first_token_layer_flops(
        hidden_size=hidden,
        intermediate_size=config.intermediate_size,
        num_attention_heads=config.num_attention_heads,
        tokens=length,
    )
    distances = DISTANCE_TERMS[config.position_embedding_type] * 2 * code * hidden * (full * code + 1)
    head = 2 * hidden * hidden * (2 if task.unit is Unit.PAIR else 1) + 2 * hidden * len(task.labels)
    return int(functions * (encoder + distances) + head)
