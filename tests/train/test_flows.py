"""Students that read data flow: who sees whom, what a node is made of, and the same ids in training as at run time."""

import numpy as np
import pytest
import torch
from test_student import LENGTHS, as_roberta, ids, student

from codewren.core.errors import InputError
from codewren.core.student_config import PositionType, StudentConfig, TokenizerKind
from codewren.core.task import CLONE, VULNERABILITY
from codewren.predict.graph_ids import GraphEncoder, lay_out
from codewren.predict.tokenizer import Tokenizer
from codewren.train.flows import Flows, Graph, as_graph, batch_nodes
from codewren.train.student import LAYER_NORM_EPS, FlowPacking
from codewren.train.teachers.graph_inputs import GraphInput, additive_mask, graph_tensors, node_embeddings
from codewren.train.tokenizer_training import train_tokenizer

CONFIG = StudentConfig(
    vocab_size=50,
    num_hidden_layers=2,
    hidden_size=24,
    intermediate_size=20,
    num_attention_heads=3,
    max_sequence_length=30,
    max_data_flow=4,
)
GRAPHS = [  # of functions of 5, 1 and 9 ids
    Graph(np.array([[1, 3], [3, 4]], np.int32), np.array([[1, 0], [0, 0]], np.int32)),
    Graph(np.zeros((0, 2), np.int32), np.zeros((0, 2), np.int32)),
    Graph(np.array([[2, 3], [4, 7], [7, 8]], np.int32), np.array([[1, 0], [2, 0], [2, 1], [0, 2]], np.int32)),
]
NODES = batch_nodes(GRAPHS, LENGTHS.tolist())
C = """int scale(int *xs, int n) {
  int total = 0; /* sum */
  for (int i = 0; i < n; i++) total += xs[i] * 2;
  return total;
}"""
JAVA = """public int scale(int[] xs) { int total = 0; for (int x : xs) { total += x; } return total; }"""


def test_sight_is_graphcodeberts():
    packing = FlowPacking(LENGTHS, NODES, node_position=30)
    whole = [one.tolist() for one in packing.visible()]
    code = [1] * 5
    assert np.array(whole[0])[:7, :7].astype(int).tolist() == [
        [*code, 1, 1],
        [*code, 1, 0],
        [*code, 1, 0],
        [*code, 0, 1],
        [*code, 1, 1],
        [0, 1, 1, 0, 0, 1, 0],
        [0, 0, 0, 1, 0, 1, 0],
    ]
    assert not np.array(whole[0])[:7, 7:].any()


def test_student_equals_transformers_roberta_under_the_graph_guided_mask():
    from transformers import RobertaConfig, RobertaModel

    model = student(CONFIG)
    theirs = RobertaModel(
        RobertaConfig(
            vocab_size=50,
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=20,
            max_position_embeddings=32,
            type_vocab_size=1,
            layer_norm_eps=LAYER_NORM_EPS,
            pad_token_id=1,
            attn_implementation="eager",
        ),
        add_pooling_layer=False,
    ).eval()
    position = model.embeddings.position.data
    model.embeddings.position.data = position[:-1]
    theirs.load_state_dict(as_roberta(model, theirs.state_dict()))
    theirs.embeddings.position_embeddings.weight.data[0] = position[-1]
    model.embeddings.position.data = position
    packed = ids(CONFIG)
    inputs = [
        GraphInput(part.numpy().astype(np.int32), graph.spans, graph.edges, np.array([0, len(part) - 1], np.int32), 12)
        for part, graph in zip(packed.split(LENGTHS.tolist()), GRAPHS, strict=True)
    ]
    positions, sees = graph_tensors(inputs)
    padded = torch.zeros(positions.shape, dtype=torch.long)
    for row, part in zip(padded, packed.split(LENGTHS.tolist()), strict=True):
        row[: len(part)] = part
    with torch.no_grad():
        words = node_embeddings(theirs.embeddings.word_embeddings(padded), positions, sees)
        mask = additive_mask(sees, torch.float32)
        want = theirs(inputs_embeds=words, attention_mask=mask, position_ids=positions).last_hidden_state[:, 0]
        got = model.encode(packed, LENGTHS, NODES)
    assert torch.allclose(got, want, atol=2e-5)


@pytest.mark.parametrize("positions", PositionType)
@pytest.mark.parametrize("layers", [1, 2])
def test_a_function_does_not_see_its_neighbours_nodes(positions, layers):
    model = student(CONFIG.replace(position_embedding_type=positions, num_hidden_layers=layers))
    packed = ids(CONFIG)
    with torch.no_grad():
        together = model.encode(packed, LENGTHS, NODES)
        alone = [
            model.encode(part, torch.tensor([len(part)]), batch_nodes([graph], [len(part)]))[0]
            for part, graph in zip(packed.split(LENGTHS.tolist()), GRAPHS, strict=True)
        ]
        without = model.encode(packed, LENGTHS)
    assert torch.allclose(together, torch.stack(alone), atol=1e-5)
    differs = (together - without).abs().amax(1) > 1e-3
    assert differs.tolist() == [True, False, True]


@pytest.mark.parametrize("positions", PositionType)
def test_every_weight_learns_from_nodes_and_padding_spoils_no_gradient(positions):
    model = student(CONFIG.replace(position_embedding_type=positions)).train()
    model(ids(CONFIG), LENGTHS, torch.tensor([[0], [1], [2]]), NODES).square().sum().backward()
    for name, parameter in model.named_parameters():
        if "key.bias" in name:  # the same for every key, so softmax does not see it
            assert parameter.grad is None or parameter.grad.isfinite().all()
            continue
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name
    if model.embeddings.position is not None:
        assert model.embeddings.position.grad[-1].abs().sum() > 0


def test_a_node_counts_the_mean_of_its_tokens_also_through_a_projection():
    model = student(CONFIG.replace(embedding_size=6, num_hidden_layers=1, hidden_dropout_prob=0.0))
    packed = ids(CONFIG)
    with torch.no_grad():
        x = model.embeddings(packed, FlowPacking(LENGTHS, NODES, node_position=30))
        word = model.embeddings.word[packed[1:3]].mean(0) @ model.embeddings.projection.T
        want = model.embeddings.norm(word + model.embeddings.position[30] + model.embeddings.token_type)
    assert torch.allclose(x[5], want, atol=1e-5)


@pytest.mark.parametrize("kind", TokenizerKind)
def test_training_and_running_read_a_function_alike(kind, tmp_path):
    spec = train_tokenizer(kind, 300, [C, JAVA] * 4)
    sources = [C, "", "int x", JAVA, "(" * 600]
    for max_length, max_nodes in ((400, 64), (20, 64), (400, 3)):
        at_run_time = GraphEncoder(Tokenizer(spec), "c", max_length=max_length, max_nodes=max_nodes)
        for _ in range(2):  # the second time from the cache
            flows = Flows.cached(sources, VULNERABILITY, cache=tmp_path)
            all_ids, graphs = flows.encoded(spec, max_length=max_length, max_nodes=max_nodes)
            for source, one_ids, graph in zip(sources, all_ids, graphs, strict=True):
                one = at_run_time.encode(source)
                assert one_ids.tolist() == one.ids
                assert graph.spans.tolist() == [list(span) for span in one.spans]
                assert graph.edges.tolist() == [list(edge) for edge in one.edges]
                assert len(one.ids) <= max_length
                assert len(one.spans) <= max_nodes
    assert len(list(tmp_path.iterdir())) == 1


def test_nodes_point_at_their_own_token_and_at_where_its_value_comes_from():
    spec = train_tokenizer(TokenizerKind.WORD, 300, [C] * 4)
    one = GraphEncoder(Tokenizer(spec), "c", max_length=400, max_nodes=64).encode(C)
    names = [spec.vocab[one.ids[start]] for start, end in one.spans]
    assert "total" in names
    assert "sum" not in {spec.vocab[token] for token in one.ids}
    came = {(names[node], names[source]) for node, source in one.edges}
    assert ("total", "xs") in came or ("total", "i") in came
    assert ("i", "i") in came


def test_what_does_not_fit_is_left_out_whole():
    nodes = [(0, []), (1, [0]), (2, [1]), (3, [0])]
    cut = lay_out([[7], [8, 9], [10, 11], [12]], nodes, max_length=6, max_nodes=9, framed=True)
    assert cut.ids == [0, 7, 8, 9, 10, 2]
    assert cut.spans == [(1, 2), (2, 4)]
    assert cut.edges == [(1, 0)]
    bare = lay_out([[], [8, 9]], nodes[:2], max_length=6, max_nodes=1, framed=False)
    assert (bare.ids, bare.spans, bare.edges) == ([8, 9], [(0, 2)], [])
    assert as_graph(lay_out([], [], max_length=6, max_nodes=1, framed=False)).spans.shape == (0, 2)


def test_a_task_without_language_is_refused():
    import dataclasses

    with pytest.raises(InputError, match="names none"):
        Flows.cached([C], dataclasses.replace(CLONE, language=None), cache=None)
