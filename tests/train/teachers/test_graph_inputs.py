"""How code and data flow become one input, against layouts written out position by position."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from codewren.dataflow import Node
from codewren.train.teachers.graph_inputs import (
    GraphInput,
    InputLimits,
    SpecialIds,
    additive_mask,
    encode_code_tokens,
    graph_input,
    graph_tensors,
    node_embeddings,
    position_ids,
    visible,
)

BOS, PAD, EOS, UNK = range(4)
LENGTH = 24


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[list[int]], list[Node]]:
    """Sub-tokens of up to 30 code tokens (special ids among them), and nodes in the order of their tokens."""
    ids = st.lists(st.sampled_from([BOS, EOS, 4, 5, 6, 7]), min_size=0, max_size=3)
    pieces = draw(st.lists(ids, min_size=1, max_size=30))
    tokens = sorted(draw(st.lists(st.integers(0, len(pieces) - 1), max_size=20)))
    sources = st.sets(st.integers(0, max(0, len(tokens) - 1)), max_size=3)
    nodes = [Node(token, "x", "comesFrom", tuple(sorted(draw(sources)))) for token in tokens]
    return pieces, nodes


def papers_layout(pieces, nodes, reserved):
    """Ids, position ids and the mask of SPEC 1.13, padded to full length, each cell decided on its own."""
    owner = [token for token, piece in enumerate(pieces) for _ in piece]
    room = LENGTH - reserved - min(len(nodes), LENGTH // 4)
    code = [one for piece in pieces for one in piece][:room]
    end = len(code) + 1  # where `</s>` stands
    kept = nodes[: LENGTH - (len(code) + 2)]
    ids = [BOS, *code, EOS, *[UNK for _ in kept]]
    positions = [*range(2, 2 + len(code) + 2), *[0 for _ in kept]]
    ids += [PAD] * (LENGTH - len(ids))
    positions += [1] * (LENGTH - len(positions))

    def owns(node: Node, place: int) -> bool:
        whole = owner.count(node.token) == owner[: len(code)].count(node.token)
        return whole and 0 < place < end and owner[place - 1] == node.token

    def feeds(source: int, target: Node) -> bool:
        wanted = {nodes[one].token for one in target.sources}
        last = all(later.token != kept[source].token for later in kept[source + 1 :])
        return last and kept[source].token in wanted

    def sees(query: int, key: int) -> bool:
        if positions[query] == 1 or positions[key] == 1:
            return False
        if ids[query] in (BOS, EOS):
            return True
        if positions[query] > 1 and positions[key] > 1:
            return True
        if positions[query] == 0 and positions[key] == 0:
            return feeds(key - end - 1, kept[query - end - 1])
        node, place = (query, key) if positions[query] == 0 else (key, query)
        return owns(kept[node - end - 1], place)

    return ids, positions, [[sees(query, key) for key in range(LENGTH)] for query in range(LENGTH)]


@given(graphs(), st.sampled_from([2, 3]))
def test_the_papers_layout_defects_included(graph, reserved):
    pieces, nodes = graph
    one = graph_input(pieces, nodes, limits=InputLimits(LENGTH, "papers", reserved))
    ids, positions, sees = papers_layout(pieces, nodes, reserved)
    np.testing.assert_array_equal(one.ids(SpecialIds()), ids[: len(one)])
    np.testing.assert_array_equal(position_ids(one, LENGTH), positions)
    np.testing.assert_array_equal(visible(one, LENGTH), sees)
    assert set(ids[len(one) :]) <= {PAD}


@given(graphs(), st.sampled_from([2, 3]))
def test_a_papers_node_that_sees_nothing_asks_for_full_length(graph, reserved):
    one = graph_input(*graph, limits=InputLimits(LENGTH, "papers", reserved))
    blind = not visible(one, LENGTH)[: len(one)].any(axis=1).all()
    assert one.least_length == (LENGTH if blind else len(one))


@given(graphs())
def test_repaired_nodes_have_their_whole_token_and_room(graph):
    pieces, nodes = graph
    one = graph_input(pieces, nodes, limits=InputLimits(LENGTH))
    code = one.code_C[1:-1].tolist()
    assert len(one) <= LENGTH
    assert len(one.spans_N2) <= LENGTH // 4
    assert code == [piece for part in pieces for piece in part][: len(code)]
    assert visible(one, LENGTH)[: len(one)].any(axis=1).all()
    assert one.least_length == len(one)
    kept = kept_nodes(pieces, nodes, len(code))[: LENGTH // 4]
    for (start, end), node in zip(one.spans_N2.tolist(), kept, strict=True):
        assert one.code_C[start:end].tolist() == pieces[nodes[node].token]
    wanted = {(new, kept.index(source)) for new, k in enumerate(kept) for source in nodes[k].sources if source in kept}
    assert {tuple(edge) for edge in one.edges_E2.tolist()} == wanted


@given(graphs())
def test_repaired_code_is_as_long_as_can_be(graph):
    """Every length is tried: the code kept is the longest that leaves its own nodes room."""
    pieces, nodes = graph
    one = graph_input(pieces, nodes, limits=InputLimits(LENGTH))
    total = sum(map(len, pieces))
    fits = [
        length
        for length in range(total + 1)
        if length + 2 + min(LENGTH // 4, len(kept_nodes(pieces, nodes, length))) <= LENGTH
    ]
    assert len(one.code_C) - 2 == max(fits)


def kept_nodes(pieces, nodes, length):
    """Nodes whose token has sub-tokens, all of them among the first `length`."""
    ends = np.cumsum([len(piece) for piece in pieces])
    return [k for k, node in enumerate(nodes) if pieces[node.token] and ends[node.token] <= length]


def test_special_tokens_spelt_in_the_text_see_everything_only_for_the_papers():
    pieces, nodes = [[5], [EOS], [6]], [Node(2, "x", "comesFrom", ())]
    for mode, anchors in (("repaired", [0, 4]), ("papers", [0, 2, 4])):
        assert graph_input(pieces, nodes, limits=InputLimits(LENGTH, mode)).anchors_A.tolist() == anchors


def test_an_empty_text_is_two_special_tokens():
    for mode in ("repaired", "papers"):
        one = graph_input([], [], limits=InputLimits(LENGTH, mode))
        assert one.code_C.tolist() == [BOS, EOS]
        assert len(one) == one.least_length == 2


@settings(max_examples=25)
@given(st.lists(graphs(), min_size=1, max_size=3), st.integers(0, 5))
def test_nodes_are_the_mean_of_the_tokens_they_see(many, seed):
    inputs = [graph_input(*graph, limits=InputLimits(LENGTH, "papers")) for graph in many]
    positions, sees = graph_tensors(inputs)
    words = np.random.default_rng(seed).normal(size=(*positions.shape, 3)).astype(np.float32)
    got = node_embeddings(torch.from_numpy(words), positions, sees).numpy()
    for row, one in enumerate(inputs):
        wanted = words[row].copy()
        for node, (start, end) in enumerate(one.spans_N2, start=len(one.code_C)):
            wanted[node] = words[row, start:end].mean(axis=0) if start < end else 0
        np.testing.assert_allclose(got[row], wanted, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_mask_is_finite_in_the_format_of_the_scores(dtype):
    sees = torch.tensor([[[True, False], [False, False]]])
    mask = additive_mask(sees, dtype)
    assert mask.shape == (1, 1, 2, 2)
    assert mask.dtype == dtype
    scores = torch.tensor([[[[5.0, 90.0], [-3.0, 7.0]]]], dtype=dtype) + mask
    np.testing.assert_array_equal(scores.float().softmax(-1)[0, 0].numpy(), [[1, 0], [0.5, 0.5]])


def test_each_distinct_code_token_is_encoded_once():
    asked: list[list[str]] = []

    def spell(texts):
        asked.append(texts)
        return [[ord(letter) for letter in text] for text in texts]

    functions = [["a", "b", "a"], [], ["a", "b"], ["b"]]
    pieces = encode_code_tokens(functions, first=spell, later=lambda texts: [[9, *one] for one in spell(texts)])
    assert pieces == [[[97], [9, 98], [9, 97]], [], [[97], [9, 98]], [[98]]]
    assert asked == [["a", "b"], ["b", "a"]]


def test_padding_is_seen_by_nobody():
    one = graph_input([[5], [6]], [Node(1, "x", "comesFrom", ())], limits=InputLimits(LENGTH))
    longer = GraphInput(one.code_C, one.spans_N2, one.edges_E2, one.anchors_A, 12)
    positions, sees = graph_tensors([longer])
    assert positions[0].tolist() == [2, 3, 4, 5, 0, 1, 1, 1, 1, 1, 1, 1]
    assert not sees[0, :, 5:].any()
    assert not sees[0, 5:].any()
