"""The student: a RoBERTa-style encoder whose last layer computes the first token only, exactly.

Tensors carry shape suffixes: B functions, N tokens of all B functions back to back, T longest function, H hidden,
A heads, D = H / A, C labels, R items, M nodes. Nothing but attention ever sees padding. With data flow, a function's
nodes follow its code and are tokens like others, but for what they see.

Source: SPEC 1.7 (Compressor students), 1.13 (data flow), 2.2 (Avatar's activations and position types); DESIGN "What is
known to matter".
"""

import math
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own name for it

from codewren.core.student_config import Activation, PairHead, PositionType, StudentConfig
from codewren.core.task import Task, Unit
from codewren.train.dropout import Dropout, dropout
from codewren.train.first_token import Settings, Tables, first_token
from codewren.train.flows import Nodes

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    Activation.GELU: F.gelu,
    Activation.RELU: F.relu,
    Activation.SILU: F.silu,
    Activation.GELU_NEW: lambda x: F.gelu(x, approximate="tanh"),
}
LAYER_NORM_EPS = 1e-5


class Packing:
    """Where each function's tokens lie in the packed (N, …) tensors, and how to pad them to (B, T, …).

    Args:
        lengths_B: tokens of each function, each at least 1.
    """

    def __init__(self, lengths_B: Tensor) -> None:
        length = int(lengths_B.max())
        steps_T = torch.arange(length, device=lengths_B.device)
        self.first_B = F.pad(lengths_B.cumsum(0)[:-1], (1, 0))
        self.mask_BT = steps_T < lengths_B[:, None]
        self.cell_N = self.mask_BT.flatten().nonzero().squeeze(1)
        self.position_N = steps_T.expand_as(self.mask_BT)[self.mask_BT]
        self.node_BT: Tensor | None = None

    def visible(self) -> Tensor:
        """Which key each query may look at, (B, T, T); here no query counts, so (B, 1, T)."""
        return self.mask_BT[:, None, :]

    def pad(self, packed_N: Tensor) -> Tensor:
        """(N, …) to (B, T, …), zeros where no token is."""
        cells = packed_N.new_zeros(self.mask_BT.numel(), *packed_N.shape[1:])
        return cells.index_copy_(0, self.cell_N, packed_N).view(*self.mask_BT.shape, *packed_N.shape[1:])

    def unpad(self, padded_BT: Tensor) -> Tensor:
        """(B, T, …) to (N, …)."""
        return padded_BT.flatten(0, 1).index_select(0, self.cell_N)


class FlowPacking(Packing):
    """Packing of functions whose nodes follow their code.

    Args:
        lengths_B: tokens of each function's code.
        nodes: of the same functions.
        node_position: position id of every node.
    """

    def __init__(self, lengths_B: Tensor, nodes: Nodes, *, node_position: int) -> None:
        super().__init__(lengths_B + nodes.counts_B)
        self.lengths_B, self.nodes = lengths_B, nodes
        self.node_BT = self.mask_BT & (
            torch.arange(self.mask_BT.shape[1], device=lengths_B.device) >= lengths_B[:, None]
        )
        is_node_N = self.node_BT[self.mask_BT]
        self.position_N = self.position_N.masked_fill(is_node_N, node_position)
        # Where each packed token comes from: all code of the batch, then all its nodes.
        self.origin_N = torch.empty_like(self.position_N)
        code = int(lengths_B.sum())
        self.origin_N[~is_node_N] = torch.arange(code, device=lengths_B.device)
        self.origin_N[is_node_N] = torch.arange(code, len(self.origin_N), device=lengths_B.device)

    def visible(self) -> Tensor:
        """Which key each query may look at, (B, T, T).

        Code looks at code; its first and last token at nodes, too; a node and the tokens it stands for at each other;
        a node at the nodes it gets its value from. Padding looks at everything: no softmax may be empty.

        Source: Guo et al., GraphCodeBERT, section 4.3; SPEC 1.13.
        """
        nodes, length = self.nodes, self.mask_BT.shape[1]
        code_BT = self.mask_BT & ~cast(Tensor, self.node_BT)
        steps_T = torch.arange(length, device=code_BT.device)
        anchor_BT = (steps_T == 0) | (steps_T == self.lengths_B[:, None] - 1)
        sees = (code_BT[:, :, None] & code_BT[:, None, :]) | (anchor_BT[:, :, None] & self.mask_BT[:, None, :])
        sees |= ~self.mask_BT[:, :, None]
        cell_N = self.cell_N.new_empty(len(self.origin_N)).index_copy_(0, self.origin_N, self.cell_N)
        node_M = cell_N[int(self.lengths_B.sum()) :]
        sizes_M = torch.diff(nodes.starts_M, append=nodes.starts_M.new_tensor([len(nodes.seen_P)]))
        node_P, token_P = node_M.repeat_interleave(sizes_M), cell_N[nodes.seen_P]
        node_E, source_E = node_M[nodes.edges_E2].unbind(-1)
        query, key = torch.cat([node_P, token_P, node_E]), torch.cat([token_P, node_P, source_E])
        sees.view(-1, length)[query, key % length] = True
        return sees


class Embeddings(nn.Module):
    """Word + absolute position + token type, then LayerNorm and dropout; a node's word is the mean of those it sees."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        hidden = config.hidden_size
        narrow = config.embedding_size
        self.word = nn.Parameter(torch.empty(config.vocab_size, narrow or hidden))
        self.projection = nn.Parameter(torch.empty(hidden, narrow)) if narrow else None
        absolute = config.position_embedding_type is PositionType.ABSOLUTE
        rows = config.max_sequence_length + bool(config.max_data_flow)
        self.position = nn.Parameter(torch.empty(rows, hidden)) if absolute else None
        self.token_type = nn.Parameter(torch.empty(hidden))
        self.norm = nn.LayerNorm(hidden, eps=LAYER_NORM_EPS)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, ids_N: Tensor, packing: Packing) -> Tensor:
        """(N,) ids of the code to (N, H), nodes included."""
        x_NH = F.embedding(ids_N, self.word)
        if isinstance(packing, FlowPacking):
            x_NH = self._with_nodes(x_NH, ids_N, packing)
        if self.projection is not None:
            x_NH = F.linear(x_NH, self.projection)
        if self.position is None:
            x_NH = x_NH + self.token_type
        else:
            x_NH = x_NH + F.embedding(packing.position_N, self.position + self.token_type)
        out: Tensor = self.dropout(self.norm(x_NH))
        return out

    def _with_nodes(self, words: Tensor, ids: Tensor, packing: FlowPacking) -> Tensor:
        nodes = packing.nodes
        if not len(nodes.starts_M):
            return words
        means = F.embedding_bag(ids[nodes.seen_P], self.word, nodes.starts_M, mode="mean")
        return torch.cat([words, means]).index_select(0, packing.origin_N)


class Attention(nn.Module):
    """Multi-head self-attention with absolute or relative positions, up to and including its residual LayerNorm."""

    def __init__(self, config: StudentConfig, *, last: bool) -> None:
        super().__init__()
        hidden, length = config.hidden_size, config.max_sequence_length
        self.heads = config.num_attention_heads
        self.head_size = hidden // self.heads
        self.kind = config.position_embedding_type
        self.length = length
        self.query = nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)
        self.output = nn.Linear(hidden, hidden)
        rows = length if last else 2 * length - 1
        relative = self.kind is not PositionType.ABSOLUTE
        self.distance = nn.Parameter(torch.empty(rows, self.head_size)) if relative else None
        self.norm = nn.LayerNorm(hidden, eps=LAYER_NORM_EPS)
        self.attention_dropout = config.attention_probs_dropout_prob
        self.dropout = Dropout(config.hidden_dropout_prob)

    def all_tokens(self, x_NH: Tensor, packing: Packing) -> Tensor:
        """Every token attends to its function: (N, H) to (N, H)."""
        q_BATD, k_BATD, v_BATD = (
            packing.pad(projection(x_NH)).view(*packing.mask_BT.shape, self.heads, self.head_size).transpose(1, 2)
            for projection in (self.query, self.key, self.value)
        )
        visible = packing.visible()
        bias: Tensor = torch.zeros_like(visible, dtype=x_NH.dtype).masked_fill(~visible, -math.inf)[:, None]
        if self.distance is not None:
            relative = self._relative(q_BATD, k_BATD, packing.node_BT)
            bias = bias + relative / math.sqrt(self.head_size)
        dropout = self.attention_dropout if self.training else 0.0
        out_BATD = F.scaled_dot_product_attention(q_BATD, k_BATD, v_BATD, attn_mask=bias, dropout_p=dropout)
        out_BTAD = out_BATD.transpose(1, 2).clone(memory_format=torch.contiguous_format)  # a view cannot be exported
        return self._finish(packing.unpad(out_BTAD.flatten(2)), x_NH)

    def first_token(self, x_NH: Tensor, packing: Packing) -> Tensor:
        """Only token 0 attends: (N, H) to (B, H), by q·(W x) = (Wᵀ q)·x and Σ a (W x) = W (Σ a x)."""
        x_BTH, first_BH = packing.pad(x_NH), x_NH[packing.first_B]
        shape = (self.heads, self.head_size)
        q_BAD = self.query(first_BH).view(-1, *shape)
        key_ADH = self.key.weight.view(*shape, -1)
        u_BAH = torch.einsum("bad,adh->bah", q_BAD, key_ADH)
        score_BAT = u_BAH @ x_BTH.transpose(1, 2)  # q·b_k is the same for every token: softmax does not see it
        if self.distance is not None:
            relative = self._relative_first(q_BAD, x_BTH[:, : self.length], key_ADH)
            relative = F.pad(relative, (0, x_BTH.shape[1] - relative.shape[-1]))
            if packing.node_BT is not None:
                relative = relative.masked_fill(packing.node_BT[:, None], 0)
            score_BAT = score_BAT + relative
        score_BAT = (score_BAT / math.sqrt(self.head_size)).masked_fill(~packing.mask_BT[:, None], -math.inf)
        weight_BAT = dropout(score_BAT.softmax(-1), self.attention_dropout, training=self.training)
        return self._from_sums(first_BH, weight_BAT @ x_BTH, weight_BAT.sum(-1))

    def native_first_token(self, embeddings: "Embeddings", ids_N: Tensor, lengths_B: Tensor) -> Tensor:
        """The embeddings and `first_token` at once, in the native core: (N,) ids to (B, H)."""
        training = self.training
        settings = Settings(
            heads=self.heads,
            hidden_dropout=embeddings.dropout.chance if training else 0.0,
            weight_dropout=self.attention_dropout if training else 0.0,
            seed=int(torch.randint(2**62, ())) if training else 0,
        )
        position = embeddings.token_type if embeddings.position is None else embeddings.position + embeddings.token_type
        tables = Tables(
            embeddings.word if embeddings.projection is None else F.linear(embeddings.word, embeddings.projection),
            position.view(-1, embeddings.token_type.shape[0]),
            embeddings.norm.weight,
            embeddings.norm.bias,
            self.query.weight,
            self.query.bias,
            self.key.weight,
            self.distance,
        )
        return self._from_sums(*first_token(tables, ids_N, lengths_B, settings))

    def _from_sums(self, first_BH: Tensor, sum_BAH: Tensor, weights_BA: Tensor) -> Tensor:
        """The attended first token, from the sums of all tokens' vectors and of their weights."""
        shape = (self.heads, self.head_size)
        mix_BAD = torch.einsum("bah,adh->bad", sum_BAH, self.value.weight.view(*shape, -1))
        mix_BAD = mix_BAD + weights_BA[..., None] * self.value.bias.view(shape)
        return self._finish(mix_BAD.flatten(1), first_BH)

    def _relative(self, q_BATD: Tensor, k_BATD: Tensor, node_BT: Tensor | None) -> Tensor:
        """Scores of distances (B, A, T, T); a node has none, and stands where no distance reaches."""
        if node_BT is not None:
            length = min(self.length, q_BATD.shape[2])
            code = self._relative(q_BATD[:, :, :length], k_BATD[:, :, :length], None)
            code = F.pad(code, (0, q_BATD.shape[2] - length, 0, q_BATD.shape[2] - length))
            return code.masked_fill((node_BT[:, :, None] | node_BT[:, None, :])[:, None], 0)
        assert self.distance is not None
        length = q_BATD.shape[2]
        steps_T = torch.arange(length, device=q_BATD.device)
        row_TT = steps_T[:, None] - steps_T + self.length - 1
        used = self.distance[self.length - length : self.length + length - 1]
        local_TT = (row_TT - (self.length - length)).expand(*q_BATD.shape[:2], -1, -1)
        score_BATT = (q_BATD @ used.T).gather(-1, local_TT)
        if self.kind is PositionType.RELATIVE_KEY_QUERY:
            score_BATT = score_BATT + (k_BATD @ used.T).gather(-1, local_TT.transpose(-1, -2)).transpose(-1, -2)
        return score_BATT

    def _relative_first(self, q_BAD: Tensor, x_BTH: Tensor, key_ADH: Tensor) -> Tensor:
        assert self.distance is not None
        rows_TD = self.distance[: x_BTH.shape[1]]
        score_BAT = q_BAD @ rows_TD.T
        if self.kind is PositionType.RELATIVE_KEY_QUERY:
            r_ATH = torch.einsum("td,adh->ath", rows_TD, key_ADH)
            bias_AT = self.key.bias.view(self.heads, self.head_size) @ rows_TD.T
            score_BAT = score_BAT + torch.einsum("bth,ath->bat", x_BTH, r_ATH) + bias_AT
        return score_BAT

    def _finish(self, mixed: Tensor, residual: Tensor) -> Tensor:
        out: Tensor = self.norm(residual + self.dropout(self.output(mixed)))
        return out


class Layer(nn.Module):
    """One post-LayerNorm transformer layer."""

    def __init__(self, config: StudentConfig, *, last: bool) -> None:
        super().__init__()
        self.last = last
        self.attention = Attention(config, last=last)
        self.intermediate = nn.Linear(config.hidden_size, config.intermediate_size)
        self.output = nn.Linear(config.intermediate_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=LAYER_NORM_EPS)
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.activation = ACTIVATIONS[config.hidden_act]

    def forward(self, x_NH: Tensor, packing: Packing) -> Tensor:
        """(N, H) to (N, H), or to (B, H) in the last layer."""
        attend = self.attention.first_token if self.last else self.attention.all_tokens
        return self.feed_forward(attend(x_NH, packing))

    def feed_forward(self, y: Tensor) -> Tensor:
        """What follows the attention."""
        out: Tensor = self.norm(y + self.dropout(self.output(self.activation(self.intermediate(y)))))
        return out


def pair_features(a_RH: Tensor, b_RH: Tensor, pair_head: PairHead) -> Tensor:
    """Two vectors as one (R, 2H): `concat` [a; b] as the papers, `symmetric` [|a-b|; a*b]."""
    features = [(a_RH - b_RH).abs(), a_RH * b_RH] if pair_head is PairHead.SYMMETRIC else [a_RH, b_RH]
    return torch.cat(features, dim=-1)


class Head(nn.Module):
    """Dense, tanh, out: on one vector, on [a; b], or on [|a-b|; a*b]."""

    def __init__(self, config: StudentConfig, task: Task) -> None:
        super().__init__()
        self.unit, self.pair_head = task.unit, config.pair_head
        pooled = config.hidden_size * task.functions_per_item
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.dense = nn.Linear(pooled, config.hidden_size)
        self.out = nn.Linear(config.hidden_size, len(task.labels))

    def forward(self, vectors_BH: Tensor, items_RK: Tensor) -> Tensor:
        """Vectors of B functions and the 1 or 2 functions of each item to logits (R, C)."""
        if self.unit is Unit.FUNCTION:
            pooled = vectors_BH[items_RK[:, 0]]
        else:
            pooled = pair_features(vectors_BH[items_RK[:, 0]], vectors_BH[items_RK[:, 1]], self.pair_head)
        out: Tensor = self.out(self.dropout(torch.tanh(self.dense(self.dropout(pooled)))))
        return out


class Student(nn.Module):
    """Encoder and head; `state_dict` keys are the names of `codewren.bundle.tensors.tensor_shapes`.

    Args:
        config: its hyperparameters.
        task: unit and number of labels.
        seed: of the initial weights (normal; biases 0, LayerNorm gains 1; a projection keeps the spread of the word
            vectors).
        initializer_range: their standard deviation; 0.02 as RoBERTa.

    Attributes:
        in_core: let the native core compute what it can; off, torch computes everything.
    """

    def __init__(self, config: StudentConfig, task: Task, *, seed: int, initializer_range: float = 0.02) -> None:
        super().__init__()
        self.config, self.task, self.in_core = config, task, True
        self.embeddings = Embeddings(config)
        last = config.num_hidden_layers - 1
        self.layers = nn.ModuleList(Layer(config, last=index == last) for index in range(last + 1))
        self.head = Head(config, task)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if "norm." in name:
                    parameter.fill_(float(name.endswith("weight")))
                elif name.endswith("bias"):
                    parameter.zero_()
                elif name == "embeddings.projection":
                    parameter.normal_(0.0, config.embedding_size**-0.5, generator=generator)
                else:
                    parameter.normal_(0.0, initializer_range, generator=generator)

    def encode(self, ids_N: Tensor, lengths_B: Tensor, nodes: Nodes | None = None) -> Tensor:
        """Packed token ids of B functions, and nodes of their data flow, to their first-token vectors (B, H)."""
        if nodes is None and self._is_native(ids_N):
            only = cast(Layer, self.layers[0])
            return only.feed_forward(only.attention.native_first_token(self.embeddings, ids_N, lengths_B))
        if nodes is None:
            packing = Packing(lengths_B)
        else:
            packing = FlowPacking(lengths_B, nodes, node_position=self.config.max_sequence_length)
        x: Tensor = self.embeddings(ids_N, packing)
        for layer in self.layers:
            x = layer(x, packing)
        return x

    def _is_native(self, ids_N: Tensor) -> bool:
        """Whether the native core computes the first layer: it is the last one, too, and on the CPU."""
        simple = self.config.position_embedding_type is not PositionType.RELATIVE_KEY_QUERY
        alone = len(self.layers) == 1 and self.embeddings.word.dtype == torch.float32
        return self.in_core and simple and alone and ids_N.device.type == "cpu"

    def forward(self, ids_N: Tensor, lengths_B: Tensor, items_RK: Tensor, nodes: Nodes | None = None) -> Tensor:
        """Packed ids, lengths, the functions of each item, and nodes to logits (R, C)."""
        out: Tensor = self.head(self.encode(ids_N, lengths_B, nodes), items_RK)
        return out
