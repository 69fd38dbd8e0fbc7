"""What a student costs, for one configuration and for millions: bytes and FLOPs, the papers' or real ones, latency."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.core import formulas
from codewren.core.layout import ALIGNMENT, ITEM_BYTES, SCALE_BYTES
from codewren.core.shipped_size import weights_size_bytes
from codewren.core.space import SearchSpace
from codewren.core.student_config import PositionType, Storage, StudentConfig
from codewren.core.task import Task, Unit
from codewren.search.points import Points

Amounts = NDArray[Any]
ARCHITECTURE = ("vocab_size", "num_hidden_layers", "hidden_size", "intermediate_size")


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount to keep small.

    Attributes:
        name: in words, for messages.
        one: the amount of one configuration.
        fields: the fields it depends on.
        rising: those of them in which it never falls, so that the smallest value gives a lower bound.
        many: the amounts of a table; without it, `one` is asked for every distinct combination of `fields`.
    """

    name: str
    one: Callable[[StudentConfig], float]
    fields: tuple[str, ...]
    rising: tuple[str, ...] = ()
    many: Callable[[Points], Amounts] | None = None

    def of(self, points: Points) -> Amounts:
        """Amounts at every point, shape (n,)."""
        amounts = self.many(points) if self.many else _one_by_one(self.one, points, self.fields)
        return np.broadcast_to(amounts, (len(points),))


def papers_size(task: Task, length: int | None = None) -> Cost:
    """The papers' size formula in bytes; `length` fixes the position rows (the first paper's 514)."""

    def many(points: Points) -> Amounts:
        sizes = {field: points.numbers(field) for field in ARCHITECTURE}
        return np.asarray(formulas.papers_size_bytes(**sizes, length=_papers_length(points, task, length)))

    fields = ARCHITECTURE if length else (*ARCHITECTURE, "max_sequence_length")
    return Cost("size by the papers' formula", _through(many), fields, fields, many)


def papers_flops(task: Task, length: int | None = None) -> Cost:
    """The papers' FLOPs formula."""

    def many(points: Points) -> Amounts:
        sizes = {field: points.numbers(field) for field in (*ARCHITECTURE, "num_attention_heads")}
        return np.asarray(formulas.papers_flops(**sizes, length=_papers_length(points, task, length)))

    fields = (*ARCHITECTURE, "num_attention_heads") if length else (*_SHAPE, "num_attention_heads")
    return Cost("FLOPs by the papers' formula", _through(many), fields, fields, many)


def honest_flops(task: Task) -> Cost:
    """FLOPs of the matrix products of the shipped form."""

    def many(points: Points) -> Amounts:
        hidden, heads, inner = (points.numbers(f) for f in ("hidden_size", "num_attention_heads", "intermediate_size"))
        tokens, full = points.numbers("max_sequence_length"), points.numbers("num_hidden_layers") - 1
        encoder = formulas.plain_flops(
            hidden_size=hidden, num_hidden_layers=full, intermediate_size=inner, tokens=tokens
        ) + formulas.first_token_layer_flops(
            hidden_size=hidden, intermediate_size=inner, num_attention_heads=heads, tokens=tokens
        )
        kind = points.values("position_embedding_type")
        terms = (kind == PositionType.RELATIVE_KEY) * 1 + (kind == PositionType.RELATIVE_KEY_QUERY) * 2
        distances = terms * 2 * tokens * hidden * (full * tokens + 1)
        pooled = 2 * hidden if task.unit is Unit.PAIR else hidden
        head = 2 * hidden * pooled + 2 * hidden * len(task.labels)
        return np.asarray(task.functions_per_item * (encoder + distances) + head)

    rising = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "max_sequence_length")
    fields = (*rising, "position_embedding_type")
    return Cost("FLOPs", lambda config: formulas.student_flops(config, task), fields, rising, many)


def shipped_size(size_bytes: Callable[[StudentConfig], int], task: Task) -> Cost:
    """Bytes of the whole bundle: tables add the exact bytes of the weights to what else the file holds.

    What else depends on few fields, so it is asked once for each of their combinations. That it depends on no others
    is checked on a sample of every table; where it does not hold, every combination of all fields is asked.
    """

    def rest(config: StudentConfig) -> int:
        return size_bytes(config) - weights_size_bytes(config, task)

    def many(points: Points) -> Amounts:
        amounts = weights_bytes(points, task) + _one_by_one(rest, points, _WRAPPING)
        probe = np.random.default_rng(0).integers(len(points), size=min(16, len(points)))
        if all(amounts[i] == size_bytes(points.config(i)) for i in probe.tolist()):
            return amounts
        return _one_by_one(size_bytes, points, _SHIPPED)

    return Cost("shipped bytes", size_bytes, _SHIPPED, (*_SHAPE,), many)


def latency(latency_s: Callable[[StudentConfig], float]) -> Cost:
    """Seconds per function by a model of this machine."""
    fields = (*_SHAPE[1:], "num_attention_heads", "position_embedding_type", "hidden_act", "storage")
    return Cost("latency", latency_s, (*fields, "tokenizer", "vocab_size"))


def weights_bytes(points: Points, task: Task) -> Amounts:
    """Exact bytes of `weights.bin` at every point: `core.layout.weights_size_bytes` for a table, shape (n,)."""
    vocab, layers, hidden, inner = (points.numbers(field) for field in ARCHITECTURE)
    heads, length = points.numbers("num_attention_heads"), points.numbers("max_sequence_length")
    storage, kind = points.values("storage"), points.values("position_embedding_type")
    int8 = storage == Storage.INT8
    item = np.where(int8, ITEM_BYTES[Storage.INT8], np.where(storage == Storage.FP16, 2, 4))
    item_of_vector = np.where(int8, ITEM_BYTES[Storage.FP16], item)

    def matrix(rows: Amounts, columns: Amounts) -> Amounts:
        return _aligned(rows * columns * item) + np.where(int8, _aligned(SCALE_BYTES * rows), 0)

    def vector(size: Amounts) -> Amounts:
        return _aligned(size * item_of_vector)

    absolute = kind == PositionType.ABSOLUTE
    labels = np.asarray(len(task.labels))
    pooled = 2 * hidden if task.unit is Unit.PAIR else hidden
    layer = 4 * matrix(hidden, hidden) + matrix(inner, hidden) + matrix(hidden, inner) + vector(inner)
    layer = layer + 9 * vector(hidden)
    width = hidden // heads
    distances = (layers - 1) * matrix(2 * length - 1, width) + matrix(length, width)
    positions = np.where(absolute, matrix(length, hidden), distances)
    head = matrix(hidden, pooled) + vector(hidden) + matrix(labels, hidden) + labels * item_of_vector
    total = matrix(vocab, hidden) + positions + 3 * vector(hidden) + layers * layer + head
    return np.broadcast_to(total, (len(points),))


_SHAPE = (*ARCHITECTURE, "max_sequence_length")
_SHIPPED = (*_SHAPE, "num_attention_heads", "position_embedding_type", "tokenizer", "pair_head", "storage")
_WRAPPING = ("tokenizer", "vocab_size", "num_hidden_layers", "position_embedding_type", "storage", "pair_head")


def _aligned(size: Amounts) -> Amounts:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _papers_length(points: Points, task: Task, length: int | None) -> Amounts:
    if length:
        return np.asarray(length)
    return points.numbers("max_sequence_length") * task.functions_per_item


def _through(many: Callable[[Points], Amounts]) -> Callable[[StudentConfig], float]:
    return lambda config: many(Points(SearchSpace("one", (), config), {})).item()


def _one_by_one(one: Callable[[StudentConfig], float], points: Points, fields: Sequence[str]) -> Amounts:
    """Ask `one` once for each distinct combination of `fields`; the other fields stand where they first occur."""
    varied = [field for field in fields if field in points.codes]
    key = np.zeros(len(points), dtype=np.int64)
    for field in varied:
        key = key * len(points.space.values(field)) + points.codes[field]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    amounts = np.array([one(points.config(index)) for index in first.tolist()])
    return amounts[inverse]
