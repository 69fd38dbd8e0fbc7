"""One function as GraphCodeBERT reads it: its code, then a slot for each variable, and who may look at whom.

Nothing here knows a model library: a teacher brings the ids of its tokenizer, a student those of its own.

Letters: C positions of the code with its two special tokens, N nodes, E edges, A anchors, T positions in all,
B functions, H hidden.

Two modes. `repaired`: a node needs its whole code token in the input, there are never more than a quarter of the
positions, edges join the very nodes the graph joins, and room that nodes leave goes to the code. `papers` is the
released preprocessing with its defects: room is reserved for nodes that are then cut away, nodes whose token was cut
stay without anything to look at, short functions may have more nodes than the limit, an edge from a token with several
nodes leads to the last of them, and `<s>` or `</s>` spelt in the text look at everything.

Source: SPEC 1.13; Guo et al., GraphCodeBERT, ICLR 2021, section 4.3 (graph-guided masked attention).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codewren.bundle.tokenizer_spec import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from codewren.dataflow import Node
from codewren.dataflow.graph import Mode

Ids = Sequence[int]
Encode = Callable[[list[str]], Sequence[Ids]]
"""Texts to the ids of their sub-tokens, no special tokens added."""

NODE_POSITION, PAD_POSITION, FIRST_POSITION = 0, 1, 2
FRAME = 2
"""`<s>` and `</s>`."""


@dataclass(frozen=True, slots=True)
class SpecialIds:
    """What the tokenizer calls the start, padding, the end, and a node's slot."""

    bos: int = BOS_ID
    pad: int = PAD_ID
    eos: int = EOS_ID
    unk: int = UNK_ID


@dataclass(frozen=True, slots=True)
class InputLimits:
    """How long an input may be.

    Attributes:
        positions: of code, special tokens and nodes together; the papers' 512.
        mode: see the module.
        reserved: `papers` only: positions kept from code and nodes, 2 for the special tokens; clones give away a third.
    """

    positions: int = 512
    mode: Mode = "repaired"
    reserved: int = FRAME

    @property
    def nodes(self) -> int:
        """Positions for nodes, a quarter: the papers' 128 of 512."""
        return self.positions // 4


@dataclass(frozen=True, slots=True, eq=False)
class GraphInput:
    """One function, unpadded.

    Attributes:
        code_C: ids of `<s>`, the code, `</s>`.
        spans_N2: for each node the positions [start, end) of its code token's sub-tokens; start = end: none is left.
        edges_E2: (node, node it gets its value from), numbers of nodes.
        anchors_A: positions that look at everything.
        least_length: positions to pad to at least. A node that sees nothing (`papers`) averages over all positions,
            padding included, so its function needs the papers' length to give the papers' numbers.
    """

    code_C: NDArray[np.int32]
    spans_N2: NDArray[np.int32]
    edges_E2: NDArray[np.int32]
    anchors_A: NDArray[np.int32]
    least_length: int

    def __len__(self) -> int:
        return len(self.code_C) + len(self.spans_N2)

    def ids(self, special: SpecialIds) -> NDArray[np.int32]:
        """Ids (C + N,): the code, then an unknown token for each node."""
        return np.concatenate([self.code_C, np.full(len(self.spans_N2), special.unk, dtype=np.int32)])


def encode_code_tokens(functions: Sequence[Sequence[str]], *, first: Encode, later: Encode) -> list[list[Ids]]:
    """Sub-token ids of every code token of every function; each distinct text is encoded once.

    Args:
        functions: texts of the code tokens of each function.
        first: encodes the token a function starts with.
        later: encodes the others, as a tokenizer sees text after a space.
    """
    heads = _table((tokens[0] for tokens in functions if tokens), first)
    later_tokens = _table(chain.from_iterable(tokens[1:] for tokens in functions), later)
    return [
        [*(heads[text] for text in tokens[:1]), *(later_tokens[text] for text in tokens[1:])] for tokens in functions
    ]


def graph_input(
    pieces: Sequence[Ids],
    nodes: Sequence[Node],
    *,
    special: SpecialIds | None = None,
    limits: InputLimits | None = None,
) -> GraphInput:
    """Lay one function out.

    Args:
        pieces: sub-token ids of each code token.
        nodes: of the data-flow graph; `token` counts code tokens, `sources` count nodes.
        special: ids of the special tokens, by default our own tokenizers'.
        limits: length and mode.
    """
    special, limits = special or SpecialIds(), limits or InputLimits()
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    spans = [(int(ends[node.token]) - len(pieces[node.token]), int(ends[node.token])) for node in nodes]
    total = int(ends[-1]) if len(ends) else 0
    cut = _cut_as_papers if limits.mode == "papers" else _cut
    length, shown, edges = cut(total, nodes, spans, limits)
    code = np.fromiter(chain([special.bos], _first(pieces, length), [special.eos]), dtype=np.int32)
    whole = [(start + 1, end + 1) if start < end <= length else (0, 0) for start, end in (spans[k] for k in shown)]
    seeing = {node for node, _ in edges} | {node for node, (start, end) in enumerate(whole) if start < end}
    anchors = [0, len(code) - 1]
    if limits.mode == "papers":
        anchors = np.flatnonzero(np.isin(code, (special.bos, special.eos))).tolist()
    return GraphInput(
        code,
        np.asarray(whole, dtype=np.int32).reshape(-1, 2),
        np.asarray(edges, dtype=np.int32).reshape(-1, 2),
        np.asarray(anchors, dtype=np.int32),
        limits.positions if len(seeing) < len(shown) else len(code) + len(shown),
    )


def position_ids(one: GraphInput, length: int) -> NDArray[np.int64]:
    """Position ids (T,): the code counts from 2, nodes are 0, padding is 1."""
    ids = np.full(length, PAD_POSITION, dtype=np.int64)
    ids[: len(one.code_C)] = np.arange(FIRST_POSITION, FIRST_POSITION + len(one.code_C))
    ids[len(one.code_C) : len(one)] = NODE_POSITION
    return ids


def visible(one: GraphInput, length: int) -> NDArray[np.bool_]:
    """Who may look at whom, (T, T), row = the one that looks.

    Code looks at all code; a node and the sub-tokens of its code token at each other; a node at the nodes it gets its
    value from (not at itself, unless it does); anchors at all but padding; padding at nothing.
    """
    code = len(one.code_C)
    sees_TT = np.zeros((length, length), dtype=np.bool_)
    sees_TT[:code, :code] = True
    for node, (start, end) in enumerate(one.spans_N2.tolist(), start=code):
        sees_TT[node, start:end] = True
        sees_TT[start:end, node] = True
    sees_TT[code + one.edges_E2[:, 0], code + one.edges_E2[:, 1]] = True
    sees_TT[one.anchors_A, : len(one)] = True
    return sees_TT


def graph_tensors(inputs: Sequence[GraphInput]) -> tuple[Tensor, Tensor]:
    """Position ids (B, T) and who may look at whom (B, T, T); T is the longest, or what one needs at least."""
    length = max(graph.least_length for graph in inputs)
    positions_BT = np.stack([position_ids(graph, length) for graph in inputs])
    sees_BTT = np.stack([visible(graph, length) for graph in inputs])
    return torch.from_numpy(positions_BT), torch.from_numpy(sees_BTT)


def node_embeddings(words_BTH: Tensor, positions_BT: Tensor, sees_BTT: Tensor) -> Tensor:
    """Word embeddings (B, T, H) in which each node has the mean of the code tokens it may see, zeros if it sees none.

    Args:
        words_BTH: word embeddings of the ids.
        positions_BT: position ids, which tell code, nodes and padding apart.
        sees_BTT: who may look at whom.
    """
    is_node_BT = positions_BT == NODE_POSITION
    parts_BTT = (sees_BTT & is_node_BT[:, :, None] & (positions_BT >= FIRST_POSITION)[:, None, :]).to(words_BTH.dtype)
    means_BTH = (parts_BTT / parts_BTT.sum(-1, keepdim=True).clamp(min=1)) @ words_BTH
    return torch.where(is_node_BT[..., None], means_BTH, words_BTH)


def additive_mask(sees_BTT: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to attention scores, (B, 1, T, T): 0 where one may look, else the least number of `dtype`.

    The least number, not minus infinity: a row that sees nothing gets the mean of all, not NaN. It must be that of the
    format the scores are in: the least fp32 number is minus infinity in bf16.
    """
    least = torch.finfo(dtype).min
    return torch.zeros_like(sees_BTT, dtype=dtype).masked_fill_(~sees_BTT, least)[:, None]


_Cut = tuple[int, Sequence[int], list[tuple[int, int]]]
"""Sub-tokens of code that stay, nodes that stay, and edges between those by their new numbers."""


def _cut(total: int, nodes: Sequence[Node], spans: Sequence[tuple[int, int]], limits: InputLimits) -> _Cut:
    room = limits.positions - FRAME
    whole_at = sorted(end for start, end in spans if start < end)
    length = min(total, room)
    # Nodes of the code that stays need room themselves, so the code gives way until both fit.
    while length + min(limits.nodes, bisect_right(whole_at, length)) > room:
        length -= 1
    shown = [k for k, (start, end) in enumerate(spans) if start < end <= length][: limits.nodes]
    index_of = {old: new for new, old in enumerate(shown)}
    edges = [(index_of[k], index_of[source]) for k in shown for source in nodes[k].sources if source in index_of]
    return length, shown, edges


def _cut_as_papers(total: int, nodes: Sequence[Node], spans: Sequence[tuple[int, int]], limits: InputLimits) -> _Cut:
    room = limits.positions - limits.reserved - min(len(nodes), limits.nodes)
    length = max(0, min(total, room))
    shown = range(min(len(nodes), limits.positions - FRAME - length))
    node_of = {nodes[k].token: k for k in shown}
    sources = ((k, nodes[source].token) for k in shown for source in nodes[k].sources)
    return length, shown, [(k, node_of[token]) for k, token in sources if token in node_of]


def _table(texts: Iterable[str], encode: Encode) -> dict[str, Ids]:
    distinct = list(dict.fromkeys(texts))
    return dict(zip(distinct, encode(distinct), strict=True)) if distinct else {}


def _first(pieces: Sequence[Ids], length: int) -> Iterator[int]:
    return islice(chain.from_iterable(pieces), length)
