"""Configurations as numbers a regression can learn from: ratios as logarithms, categories as indicators."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.core.student_config import Activation, PositionType, StudentConfig, TokenizerKind
from codewren.search.space.points import Points

Matrix = NDArray[np.float64]
PAPERS_CODES: dict[str, dict[Any, int]] = {
    "tokenizer": {kind: code for code, kind in enumerate(TokenizerKind, start=1)},
    "hidden_act": {kind: code for code, kind in enumerate(Activation, start=1)},
    "position_embedding_type": {kind: code for code, kind in enumerate(PositionType, start=1)},
    "learning_rate": {1e-3: 1, 1e-4: 2, 5e-5: 3},
}
"""Integers that stand for values in Avatar's chromosome. Source: SPEC 2.2."""

_LINEAR = {"hidden_dropout_prob", "attention_probs_dropout_prob", "max_sequence_length"}


def features(points: Points, *, fidelity: NDArray[np.int64] | int | None = None) -> Matrix:
    """Encode points for our surrogate, shape (n, f).

    Sizes and rates enter as logarithms, every column is centred and scaled by the spread of its own domain (not of
    the sample), a category becomes one indicator a value. A factorised word table counts by how much narrower than
    the hidden size it is. Fields without a choice have no column. With `fidelity`, the logarithm of the epochs is the
    last column.
    """
    columns: list[NDArray[np.float64]] = []
    for domain in points.space.domains:
        if len(domain.values) > 1:
            columns += _columns(points, domain.field)
    if fidelity is not None:
        columns.append(np.log2(np.broadcast_to(np.asarray(fidelity, dtype=np.float64), (len(points),))))
    return np.column_stack(columns) if columns else np.zeros((len(points), 0))


def papers_codes(points: Points) -> Matrix:
    """Avatar's chromosome as its surrogate sees it: 13 raw numbers, categories as ordered codes, no scaling.

    Source: Avatar `surrogate.py`; SPEC 2.5.
    """
    columns = [_papers_column(points, field) for field in tuple(StudentConfig().to_dict())[:13]]
    return np.column_stack(columns)


def _columns(points: Points, field: str) -> list[NDArray[np.float64]]:
    values = points.space.values(field)
    if isinstance(values[0], str):
        return [np.broadcast_to(points.values(field) == str(value), (len(points),)) * np.sqrt(2) for value in values]
    if field == "embedding_size":
        return [np.broadcast_to(_narrowing(points), (len(points),))]
    scale = (lambda x: x) if field in _LINEAR else np.log1p if field == "max_data_flow" else np.log
    domain = scale(np.asarray(values, dtype=np.float64))
    column = scale(points.values(field).astype(np.float64))
    return [np.broadcast_to((column - domain.mean()) / domain.std(), (len(points),))]


def _narrowing(points: Points) -> NDArray[np.float64]:
    """log2(hidden / embedding) where the word table is factorised, 0 elsewhere and where that does not narrow it."""
    narrow, hidden = points.numbers("embedding_size"), points.numbers("hidden_size")
    return np.asarray(np.log2(hidden / np.where((narrow > 0) & (narrow < hidden), narrow, hidden)))


def _papers_column(points: Points, field: str) -> NDArray[np.float64]:
    codes = PAPERS_CODES.get(field)
    if codes is None:
        column = points.values(field).astype(np.float64)
    else:
        column = points.choose(field, {value: float(codes[value]) for value in points.space.values(field)})
    return np.broadcast_to(column, (len(points),))
