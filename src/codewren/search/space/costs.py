"""What a student costs, for one configuration and for millions: bytes and FLOPs, the papers' or real ones, latency.

Each closed form is written once, in plain arithmetic, and serves numbers, numpy columns and solver terms alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from codewren.bundle.layout import ALIGNMENT, ITEM_BYTES, SCALE_BYTES
from codewren.bundle.size import weights_size_bytes
from codewren.core import formulas
from codewren.core.errors import InputError
from codewren.core.formulas import Quantity
from codewren.core.student_config import PositionType, Storage, StudentConfig
from codewren.core.task import Task, Unit
from codewren.search.space.points import Points
from codewren.search.space.space import SearchSpace

Amounts: TypeAlias = NDArray[Any]
ARCHITECTURE = ("vocab_size", "num_hidden_layers", "hidden_size", "intermediate_size")
SHAPE = (*ARCHITECTURE, "max_sequence_length")


class Terms(Protocol):
    """Fields of an unknown configuration: numpy columns, or unknowns of a solver."""

    @property
    def space(self) -> SearchSpace:
        """Where the configuration lies."""

    def numbers(self, field: str) -> Quantity:
        """A whole-number field."""

    def choose(self, field: str, amounts: Mapping[Any, Quantity]) -> Quantity:
        """The amount that belongs to the value of a field."""

    def rounded_up(self, amount: Quantity, multiple: int) -> Quantity:
        """The smallest multiple that is not below a whole amount."""


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount to keep small.

    Attributes:
        name: in words, for messages.
        amount: the amount of one configuration.
        fields: the fields it depends on.
        rising: those of them in which it never falls, so that the smallest value gives a lower bound.
        form: its closed form, which a solver can reason about.
        many: the amounts of a table, where that is not the closed form; without both, `amount` is asked for every
            distinct combination of `fields`.
    """

    name: str
    amount: Callable[[StudentConfig], float]
    fields: tuple[str, ...]
    rising: tuple[str, ...] = ()
    form: Callable[[Terms], Quantity] | None = None
    many: Callable[[Points], Amounts] | None = None

    def __call__(self, config: StudentConfig) -> float:
        """The amount of one configuration."""
        return self.amount(config)

    def of(self, points: Points) -> Amounts:
        """Amounts at every point, shape (n,)."""
        many = self.many or self.form
        amounts = many(points) if many else one_by_one(self.amount, points, self.fields)
        return np.broadcast_to(amounts, (len(points),))


def papers_size(task: Task, length: int | None = None) -> Cost:
    """The papers' size formula in bytes; `length` fixes the position rows (the first paper's 514)."""

    def form(terms: Terms) -> Quantity:
        sizes = {field: terms.numbers(field) for field in ARCHITECTURE}
        return formulas.papers_size_bytes(**sizes, length=_papers_length(terms, task, length))

    fields = ARCHITECTURE if length else SHAPE
    return Cost("size by the papers' formula", _on_one(form), fields, fields, form)


def papers_flops(task: Task, length: int | None = None) -> Cost:
    """The papers' FLOPs formula."""

    def form(terms: Terms) -> Quantity:
        sizes = {field: terms.numbers(field) for field in (*ARCHITECTURE, "num_attention_heads")}
        return formulas.papers_flops(**sizes, length=_papers_length(terms, task, length))

    fields = (*(ARCHITECTURE if length else SHAPE), "num_attention_heads")
    return Cost("FLOPs by the papers' formula", _on_one(form), fields, fields, form)


def honest_flops(task: Task) -> Cost:
    """FLOPs of the matrix products of the shipped form."""

    def form(terms: Terms) -> Quantity:
        hidden, heads, inner = (terms.numbers(f) for f in ("hidden_size", "num_attention_heads", "intermediate_size"))
        code, full = terms.numbers("max_sequence_length"), terms.numbers("num_hidden_layers") - 1
        tokens = code + terms.numbers("max_data_flow")
        encoder = formulas.plain_flops(
            hidden_size=hidden, num_hidden_layers=full, intermediate_size=inner, tokens=tokens
        ) + formulas.first_token_layer_flops(
            hidden_size=hidden, intermediate_size=inner, num_attention_heads=heads, tokens=tokens
        )
        distances = 2 * code * hidden * (full * code + 1)
        kinds = {kind: terms_of_kind * distances for kind, terms_of_kind in formulas.DISTANCE_TERMS.items()}
        encoder = encoder + terms.choose("position_embedding_type", kinds)
        head = 2 * hidden * (2 * hidden if task.unit is Unit.PAIR else hidden) + 2 * hidden * len(task.labels)
        return task.functions_per_item * encoder + head

    rising = (*SHAPE[1:], "num_attention_heads", "max_data_flow")
    fields = (*rising, "position_embedding_type")
    return Cost("FLOPs", lambda config: formulas.student_flops(config, task), fields, rising, form)


@lru_cache(maxsize=8)
def shipped_size(size_bytes: Callable[[StudentConfig], int], task: Task) -> Cost:
    """Bytes of the whole bundle: the exact bytes of the weights, and what else the file holds.

    What else depends on few fields, so it is asked once for each of their combinations and remembered. That it depends
    on no others is checked on a sample of every table; where it does not hold, every combination of all fields is
    asked.
    """
    known: dict[tuple[Any, ...], int] = {}

    def wrapping(config: StudentConfig) -> int:
        return size_bytes(config) - weights_size_bytes(config, task)

    def many(points: Points) -> Amounts:
        weights = np.broadcast_to(weights_bytes(points, task), (len(points),))
        first, inverse = _combinations(points, _WRAPPING)
        wrappings = []
        for config, weight in zip(points.take(first).configs(), weights[first].tolist(), strict=True):
            key = tuple(getattr(config, field) for field in _WRAPPING)
            if key not in known:
                known[key] = size_bytes(config) - weight
            wrappings.append(known[key])
        amounts = weights + np.array(wrappings)[inverse]
        probe = np.random.default_rng(0).integers(len(points), size=min(16, len(points)))
        if all(amounts[i] == size_bytes(points.config(i)) for i in probe.tolist()):
            return np.asarray(amounts)
        return one_by_one(size_bytes, points, _SHIPPED)

    def form(terms: Terms) -> Quantity:
        return weights_bytes(terms, task) + _wrapping_form(wrapping, terms)

    return Cost("shipped bytes", size_bytes, _SHIPPED, SHAPE, form, many)


def weights_bytes(terms: Terms, task: Task) -> Quantity:
    """Exact bytes of `weights.bin`: `core.layout.weights_size_bytes` in closed form."""
    return terms.choose("storage", {s: _weights_form(terms, task, s) for s in terms.space.values("storage")})


def one_by_one(amount: Callable[[StudentConfig], float], points: Points, fields: Sequence[str]) -> Amounts:
    """Ask `amount` once for each distinct combination of `fields`; the other fields stand as where it first occurs."""
    first, inverse = _combinations(points, fields)
    return np.asarray(np.array([amount(config) for config in points.take(first).configs()])[inverse])


def _combinations(points: Points, fields: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each distinct combination of fields first occurs, and for every point the number of its combination."""
    key = np.zeros(len(points), dtype=np.int64)
    for field in fields:
        if field in points.codes:
            key = key * len(points.space.values(field)) + points.codes[field]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return first, inverse


_SHIPPED = (
    *SHAPE,
    "num_attention_heads",
    "position_embedding_type",
    "tokenizer",
    "pair_head",
    "storage",
    "embedding_size",
    "max_data_flow",
)
_WRAPPING = ("tokenizer", "vocab_size", "num_hidden_layers", "position_embedding_type", "storage", "pair_head")


def _weights_form(terms: Terms, task: Task, storage: Storage) -> Quantity:
    vocab, layers, hidden, inner, length = (terms.numbers(field) for field in SHAPE)
    quantised = storage is Storage.INT8
    item, item_of_vector = ITEM_BYTES[storage], ITEM_BYTES[Storage.FP16 if quantised else storage]

    def matrix(rows: Quantity, columns: Quantity) -> Quantity:
        numbers = terms.rounded_up(rows * columns * item, ALIGNMENT)
        return numbers + terms.rounded_up(SCALE_BYTES * rows, ALIGNMENT) if quantised else numbers

    def vector(size: Quantity) -> Quantity:
        return terms.rounded_up(size * item_of_vector, ALIGNMENT)

    layer = 4 * matrix(hidden, hidden) + matrix(inner, hidden) + matrix(hidden, inner) + vector(inner)
    layer = layer + 9 * vector(hidden)
    width = terms.numbers("head_size")
    absolute = terms.choose(
        "max_data_flow",
        {nodes: matrix(length + bool(nodes), hidden) for nodes in terms.space.values("max_data_flow")},
    )
    positions = {
        kind: absolute
        if kind == PositionType.ABSOLUTE
        else (layers - 1) * matrix(2 * length - 1, width) + matrix(length, width)
        for kind in terms.space.values("position_embedding_type")
    }
    labels = len(task.labels)
    pooled = 2 * hidden if task.unit is Unit.PAIR else hidden
    head = matrix(hidden, pooled) + vector(hidden) + matrix(labels, hidden) + labels * item_of_vector
    words = {
        size: matrix(vocab, size) + matrix(hidden, size) if size else matrix(vocab, hidden)
        for size in terms.space.values("embedding_size")
    }
    tables = terms.choose("embedding_size", words) + terms.choose("position_embedding_type", positions)
    return tables + 3 * vector(hidden) + layers * layer + head


def _wrapping_form(wrapping: Callable[[StudentConfig], int], terms: Terms) -> Quantity:
    """What else the file holds, as tokenizer and vocabulary together, plus each other field by itself.

    Raises:
        InputError: the size function does not fall apart like that, so nothing can be proven about it.
    """
    space = terms.space
    start = Points(space, {}).config(0)
    base = wrapping(start)

    def joint(tokenizer: Any, vocab: int) -> int:
        return wrapping(start.replace(tokenizer=tokenizer, vocab_size=vocab))

    tables: dict[str, dict[Any, int]] = {
        field: {value: wrapping(start.replace(**{field: value})) - base for value in space.values(field)}
        for field in _WRAPPING[2:]
    }
    rng = np.random.default_rng(0)
    for _ in range(32):
        drawn = {field: space.values(field)[int(rng.integers(len(space.values(field))))] for field in _WRAPPING}
        apart = sum(tables[field][drawn[field]] for field in tables) + joint(drawn["tokenizer"], drawn["vocab_size"])
        if wrapping(start.replace(**drawn)) != apart:
            raise InputError("the size of the shipped file has no closed form, so a solver cannot bound it; enumerate")
    by_tokenizer = {
        kind: terms.choose("vocab_size", {vocab: joint(kind, vocab) for vocab in space.values("vocab_size")})
        for kind in space.values("tokenizer")
    }
    total = terms.choose("tokenizer", by_tokenizer)
    for field, table in tables.items():
        total = total + terms.choose(field, table)
    return total


def _papers_length(terms: Terms, task: Task, length: int | None) -> Quantity:
    return length or terms.numbers("max_sequence_length") * task.functions_per_item


def _on_one(form: Callable[[Terms], Quantity]) -> Callable[[StudentConfig], float]:
    return lambda config: int(form(Points(SearchSpace("one", (), config), {})))
