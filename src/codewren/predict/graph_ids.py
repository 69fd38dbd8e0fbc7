"""A function with its data flow as a student reads it: ids of its code, and for each node where its code token lies.

Every code token is tokenised alone, so that a node knows which ids are its own.

Source: SPEC 1.13; Guo et al., GraphCodeBERT, ICLR 2021, section 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from codewren.bundle.tokenizer_spec import BOS_ID, EOS_ID
from codewren.core.errors import InputError
from codewren.dataflow import data_flow
from codewren.predict.tokenizer import Tokenizer

CACHED_TOKENS = 50_000
"""Distinct code tokens whose ids are kept."""

Ids = Sequence[int]
FlowNode = tuple[int, Sequence[int]]
"""A node's code token, and the nodes it gets its value from."""


@dataclass(frozen=True, slots=True)
class GraphIds:
    """One function.

    Attributes:
        ids: of the code, special tokens included.
        spans: for each node the half-open range of `ids` that its code token became, never empty.
        edges: (node, node it gets its value from).
    """

    ids: list[int]
    spans: list[tuple[int, int]]
    edges: list[tuple[int, int]]


def lay_out(
    pieces: Sequence[Ids], nodes: Sequence[FlowNode], *, max_length: int, max_nodes: int, framed: bool
) -> GraphIds:
    """Lay one function out: the first ids that fit, and the first nodes whose code token is whole among them.

    Args:
        pieces: ids of each code token.
        nodes: of the data-flow graph, in the order of their tokens.
        max_length: ids at most, special tokens included.
        max_nodes: nodes at most.
        framed: whether `<s>` and `</s>` stand around the code; without them a function without ids is `<s>` alone.

    >>> lay_out([[7], [8, 9], [7]], [(0, []), (1, []), (2, [0])], max_length=6, max_nodes=9, framed=True)
    GraphIds(ids=[0, 7, 8, 9, 7, 2], spans=[(1, 2), (2, 4), (4, 5)], edges=[(2, 0)])
    """
    first, room = (1, max_length - 2) if framed else (0, max_length)
    ids: list[int] = [BOS_ID] if framed else []
    last = first + room
    starts = []
    for piece in pieces:
        starts.append(len(ids))
        ids += piece
        if len(ids) > last:
            break
    kept: dict[int, int] = {}
    spans: list[tuple[int, int]] = []
    for number, (token, _) in enumerate(nodes):
        if len(spans) == max_nodes or token >= len(starts):
            break
        start = starts[token]
        end = start + len(pieces[token])
        if start < end <= last:
            kept[number] = len(spans)
            spans.append((start, end))
    edges = [(place, kept[source]) for number, place in kept.items() for source in nodes[number][1] if source in kept]
    del ids[last:]
    if framed:
        ids.append(EOS_ID)
    return GraphIds(ids or [BOS_ID], spans, edges)


class GraphEncoder:
    """Source code to `GraphIds`, the same as in training.

    A text that the parser gives up on (brackets nested absurdly deep) is tokenised as a whole and has no nodes.

    Args:
        tokenizer: of the student.
        language: of the source.
        max_length: ids at most.
        max_nodes: nodes at most.
    """

    def __init__(self, tokenizer: Tokenizer, language: str, *, max_length: int, max_nodes: int) -> None:
        self.tokenizer, self.language = tokenizer, language
        self.max_length, self.max_nodes = max_length, max_nodes
        self._known: dict[str, Ids] = {}

    def encode(self, source: str) -> GraphIds:
        """One function.

        Raises:
            InputError: the language is unknown, or the text is not Unicode.
        """
        texts, nodes = flow_of(source, self.language)
        pieces = self._pieces(texts)
        framed = self.tokenizer.spec.add_special_tokens
        return lay_out(pieces, nodes, max_length=self.max_length, max_nodes=self.max_nodes, framed=framed)

    def _pieces(self, texts: Sequence[str]) -> list[Ids]:
        new = list({text for text in texts if text not in self._known})
        if len(self._known) + len(new) > CACHED_TOKENS:
            self._known.clear()
            new = list(set(texts))
        self._known |= zip(new, token_ids(self.tokenizer, new, self.max_length), strict=True)
        return [self._known[text] for text in texts]


def flow_of(source: str, language: str) -> tuple[list[str], list[FlowNode]]:
    """Texts of the code tokens, and the nodes; the whole text as one token where the parser gives up.

    Raises:
        InputError: no data flow for this language.
    """
    try:
        flow = data_flow(source, language)
    except InputError:
        data_flow("", language)  # an unknown language is no reason to go on
        return [source], []
    return [token.text for token in flow.tokens], [(node.token, node.sources) for node in flow.nodes]


def token_ids(tokenizer: Tokenizer, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Ids of each code token alone, without special tokens; one more than can be used where a token has too many.

    Raises:
        InputError: a text is not Unicode.
    """
    framed = tokenizer.spec.add_special_tokens
    batch = tokenizer.encode_batch(list(texts), max_length + 1)
    return [ids[1:-1] for ids in batch] if framed else batch
