"""Names and shapes of every tensor of a student: what is trained, what is shipped, what is counted.

Shape letters: V vocabulary, E embedding (where factorised), H hidden, I intermediate, D = H / heads, S maximum length,
C labels.
"""

from math import prod

from codewren.core.student_config import PositionType, StudentConfig
from codewren.core.task import Task, Unit

Shapes = dict[str, tuple[int, ...]]


def tensor_shapes(config: StudentConfig, task: Task) -> Shapes:
    """All tensors of a student in file order; matrices are (out, in), as `torch.nn.Linear` holds them.

    `embeddings.position` row t belongs to token t, and one more, the last, to every node of the data flow. Relative
    types have instead one distance table a layer: row `q - k + S - 1` for query q and key k, and in the last layer,
    whose only query is token 0, row k.

    >>> from codewren.core.task import VULNERABILITY
    >>> tensor_shapes(StudentConfig(), VULNERABILITY)["head.dense.weight"]
    (96, 96)
    """
    hidden, inner, length = config.hidden_size, config.intermediate_size, config.max_sequence_length
    shapes: Shapes = {"embeddings.word": (config.vocab_size, config.embedding_size or hidden)}
    if config.embedding_size:
        shapes["embeddings.projection"] = (hidden, config.embedding_size)
    absolute = config.position_embedding_type is PositionType.ABSOLUTE
    if absolute:
        shapes["embeddings.position"] = (length + bool(config.max_data_flow), hidden)
    shapes["embeddings.token_type"] = (hidden,)
    shapes |= _norm("embeddings.norm", hidden)
    last = config.num_hidden_layers - 1
    for index in range(config.num_hidden_layers):
        layer = f"layers.{index}"
        for part in ("query", "key", "value", "output"):
            shapes |= _linear(f"{layer}.attention.{part}", hidden, hidden)
        if not absolute:
            rows = length if index == last else 2 * length - 1
            shapes[f"{layer}.attention.distance"] = (rows, hidden // config.num_attention_heads)
        shapes |= _norm(f"{layer}.attention.norm", hidden)
        shapes |= _linear(f"{layer}.intermediate", inner, hidden)
        shapes |= _linear(f"{layer}.output", hidden, inner)
        shapes |= _norm(f"{layer}.norm", hidden)
    pooled = 2 * hidden if task.unit is Unit.PAIR else hidden
    shapes |= _linear("head.dense", hidden, pooled)
    shapes |= _linear("head.out", len(task.labels), hidden)
    return shapes


def parameter_count(config: StudentConfig, task: Task) -> int:
    """Numbers in the shipped student (what the papers' formula approximates)."""
    return sum(prod(shape) for shape in tensor_shapes(config, task).values())


def _linear(name: str, out: int, into: int) -> Shapes:
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def _norm(name: str, size: int) -> Shapes:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}
