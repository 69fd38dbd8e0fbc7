"""Embeddings and first-token attention of a one-layer student in the native core, forward and backward.

A step of such a student is memory traffic: in torch every operation reads and writes the vectors of all tokens. The
core keeps one function at a time in the cache and makes its rows again on the way back, so that only the softmax
weights are written down. What is small (the queries, and the key matrix of each head) stays here.

Letters as in `codewren.train.student`; X longest function.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from codewren import _native


@dataclass(frozen=True, slots=True)
class Settings:
    """What is no tensor.

    Attributes:
        heads: of the attention.
        hidden_dropout: chance that a number of a token's vector is dropped.
        weight_dropout: chance that a softmax weight is.
        seed: of both.
    """

    heads: int
    hidden_dropout: float
    weight_dropout: float
    seed: int


@dataclass(frozen=True, slots=True)
class Tables:
    """The parameters.

    Attributes:
        word_VH: a row for each id.
        position: (L, H) added by position, or (1, H) added to every token.
        gain_H: of the LayerNorm.
        shift_H: of the LayerNorm.
        query_HH: weight.
        query_H: bias.
        key_HH: weight; the bias changes no softmax.
        distance_LD: what a query is multiplied with for a key's position, or None.
    """

    word_VH: Tensor
    position: Tensor
    gain_H: Tensor
    shift_H: Tensor
    query_HH: Tensor
    query_H: Tensor
    key_HH: Tensor
    distance_LD: Tensor | None = None


def first_token(tables: Tables, ids_N: Tensor, lengths_B: Tensor, settings: Settings) -> tuple[Tensor, Tensor, Tensor]:
    """First rows (B, H), the rows' sums by softmax weights (B, A, H), and the sums of those weights (B, A)."""
    distance = tables.distance_LD
    parameters = (tables.word_VH, tables.position, tables.gain_H, tables.shift_H)
    queries = (tables.query_HH, tables.query_H, tables.key_HH, distance)
    found: tuple[Tensor, Tensor, Tensor] = _FirstToken.apply(*parameters, *queries, ids_N, lengths_B, settings)  # type: ignore[no-untyped-call]
    return found


class _FirstToken(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0913, PLR0917  autograd takes tensors one by one
        ctx: Any,
        word_VH: Tensor,
        position: Tensor,
        gain_H: Tensor,
        shift_H: Tensor,
        query_HH: Tensor,
        query_H: Tensor,
        key_HH: Tensor,
        distance_LD: Tensor | None,
        ids_N: Tensor,
        lengths_B: Tensor,
        settings: Settings,
    ) -> tuple[Tensor, Tensor, Tensor]:
        tables = [array.detach().contiguous() for array in (word_VH, position, gain_H, shift_H)]
        batch = _native.TrainingBatch(
            *(array.numpy() for array in (*tables, ids_N, lengths_B)),
            heads=settings.heads,
            hidden_dropout=settings.hidden_dropout,
            weight_dropout=settings.weight_dropout,
            seed=settings.seed,
            threads=torch.get_num_threads(),
        )
        heads, hidden, count = settings.heads, len(gain_H), len(lengths_B)
        first_BH = word_VH.new_empty(count, hidden)
        batch.first_rows(first_BH.numpy())
        q_BAD = torch.addmm(query_H, first_BH, query_HH.T).view(count, heads, -1)
        key_ADH = key_HH.view(heads, -1, hidden)
        u_BAH = torch.einsum("bad,adh->bah", q_BAD, key_ADH).contiguous()
        extra_BAX = word_VH.new_empty(0)
        if distance_LD is not None:
            extra_BAX = (q_BAD @ distance_LD[: int(lengths_B.max())].T).contiguous()
        weights_NA = word_VH.new_empty(len(ids_N), heads)
        sums_BA, mix_BAH = word_VH.new_empty(count, heads), word_VH.new_empty(count, heads, hidden)
        batch.attend(*(array.numpy() for array in (u_BAH, extra_BAX, weights_NA, sums_BA, mix_BAH)))
        ctx.batch, ctx.shapes = batch, [array.shape for array in tables]
        ctx.save_for_backward(first_BH, q_BAD, u_BAH, extra_BAX, weights_NA, query_HH, key_HH, distance_LD)
        return first_BH, mix_BAH, sums_BA

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        first_BH, q_BAD, u_BAH, extra_BAX, weights_NA, query_HH, key_HH, distance_LD = ctx.saved_tensors
        count, heads, hidden = u_BAH.shape
        dfirst_BH, dmix_BAH, dsums_BA = (gradient.contiguous() for gradient in outer)
        tables = [first_BH.new_zeros(shape) for shape in ctx.shapes]
        into = [table.numpy() for table in tables]
        du_BAH, dextra_BAX = torch.empty_like(u_BAH), torch.zeros_like(extra_BAX)
        given = (u_BAH, extra_BAX, weights_NA, dsums_BA, dmix_BAH, du_BAH, dextra_BAX)
        ctx.batch.attend_backward(*(array.numpy() for array in given), *into)
        dq_BAD = torch.einsum("bah,adh->bad", du_BAH, key_HH.view(heads, -1, hidden))
        ddistance_LD = None
        if distance_LD is not None:
            longest = extra_BAX.shape[-1]
            dq_BAD = dq_BAD + dextra_BAX @ distance_LD[:longest]
            ddistance_LD = torch.zeros_like(distance_LD)
            ddistance_LD[:longest] = torch.einsum("bax,bad->xd", dextra_BAX, q_BAD)
        dkey_HH = torch.einsum("bad,bah->adh", q_BAD, du_BAH).reshape(hidden, hidden)
        dq_BH = dq_BAD.reshape(count, hidden)
        dquery_HH = dq_BH.T @ first_BH
        ctx.batch.first_rows_backward((dfirst_BH + dq_BH @ query_HH).numpy(), *into)
        return *tables, dquery_HH, dq_BH.sum(0), dkey_HH, ddistance_LD, None, None, None
