"""A teacher that reads data flow, against plain RoBERTa, transformers 4, and attention written out query by query."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import make_functions, roberta_config, seed_weights
from transformers import AutoTokenizer, BertConfig, BertModel, RobertaModel

from codewren.core.errors import TeacherError
from codewren.core.task import VULNERABILITY
from codewren.dataflow import DataFlow, Node, Token
from codewren.train.teachers import code_graphs as teacher_graphs
from codewren.train.teachers.graph_inputs import GraphInput, InputLimits, graph_input, graph_tensors
from codewren.train.teachers.headed_encoder import FunctionBatch, TeacherNetwork
from codewren.train.teachers.text_batches import TeacherSplit, encode_for_teacher, encode_texts, function_vectors, pad

PAD = 1
FUNCTIONS = make_functions(8)
FIXTURE = Path(__file__).with_name("fixtures") / "graph_attention.json"


def fake_flow(source: str, language: str, *, mode: str) -> DataFlow:
    """Code tokens end at spaces; each repeated one gets its value from the one before it."""
    texts = source.split()
    last: dict[str, int] = {}
    nodes: list[Node] = []
    for token, text in enumerate(texts):
        if texts.count(text) > 1:
            nodes.append(Node(token, text, "comesFrom", (last[text],) if text in last else ()))
            last[text] = len(nodes) - 1
    return DataFlow(tuple(Token(text, 0, 0) for text in texts), tuple(nodes), False, source)


@pytest.fixture
def flows(monkeypatch):
    """Graphs that do not depend on any parser."""
    monkeypatch.setattr(teacher_graphs, "data_flow", fake_flow)


def network(attention: str = "sdpa", *, layers: int = 2, pooling: str = "first") -> TeacherNetwork:
    config = roberta_config(300, num_hidden_layers=layers, attn_implementation=attention)
    made = TeacherNetwork(RobertaModel(config, add_pooling_layer=False), VULNERABILITY, pooling=pooling)
    seed_weights(made)
    return made.eval()


def as_batch(*inputs: GraphInput) -> FunctionBatch:
    items = np.zeros((0, 1), dtype=np.int64)
    functions = [one.ids(teacher_graphs.SpecialIds()) for one in inputs]
    split = TeacherSplit(functions=functions, items=items, logits=None, labels=items[:, 0], inputs=list(inputs))
    return pad(split, np.arange(len(inputs)), pad_id=PAD)


def vectors(made: TeacherNetwork, *inputs: GraphInput) -> np.ndarray:
    with torch.inference_mode():
        return made.encode(as_batch(*inputs)).numpy()


def some_inputs(mode: str = "repaired", *, positions: int = 40) -> list[GraphInput]:
    """Inputs of several lengths with nodes in chains, the last ones too long for their code."""
    rng = np.random.default_rng(0)
    made = []
    for count in (3, 9, 17, 40):
        pieces = [rng.integers(4, 300, size=rng.integers(1, 4)).tolist() for _ in range(count)]
        nodes = [Node(k, "x", "comesFrom", (k // 2 - 1,) if k % 4 == 2 else ()) for k in range(0, count, 2)]
        made.append(graph_input(pieces, nodes, limits=InputLimits(positions, mode)))
    return made


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_without_nodes_it_is_plain_roberta(attention, pooling):
    made = network(attention, pooling=pooling)
    inputs = [graph_input([[5, 6], [7]], []), graph_input([[8]] * 20, [])]
    wanted = []
    with torch.inference_mode():
        for one in inputs:
            hidden = made.encoder(input_ids=torch.from_numpy(one.code_C.astype(np.int64))[None]).last_hidden_state[0]
            wanted.append((hidden[0] if pooling == "first" else hidden.mean(0)).numpy())
    np.testing.assert_allclose(vectors(made, *inputs), wanted, atol=1e-5)


def layer_norm(x: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def written_out(made: TeacherNetwork, one: GraphInput, *, layers: int, heads: int = 4) -> np.ndarray:
    """Hidden states of one function, unpadded, in float64: every query looks at a list of keys and at nothing else."""
    weights = {name: value.double().numpy() for name, value in made.encoder.state_dict().items()}
    code, real = len(one.code_C), len(one)
    looks = {query: set(range(code)) for query in range(code)}
    looks |= {query: set() for query in range(code, real)}
    for node, (start, end) in enumerate(one.spans_N2.tolist(), start=code):
        for place in range(start, end):
            looks[node].add(place)
            looks[place].add(node)
    for node, source in one.edges_E2.tolist():
        looks[code + node].add(code + source)
    for anchor in one.anchors_A.tolist():
        looks[anchor] = set(range(real))
    words = weights["embeddings.word_embeddings.weight"][one.code_C]
    nodes = [words[start:end].mean(0) if start < end else words[0] * 0 for start, end in one.spans_N2]
    places = [*range(2, 2 + code), *[0] * len(nodes)]
    x = np.stack([*words, *nodes]) + weights["embeddings.position_embeddings.weight"][places]
    x = layer_norm(x + weights["embeddings.token_type_embeddings.weight"][0], weights, "embeddings.LayerNorm")
    for layer in range(layers):
        x = transformed(x, weights, f"encoder.layer.{layer}", looks, heads)
    return x


def transformed(x, weights, name, looks, heads):
    def linear(part: str, y: np.ndarray) -> np.ndarray:
        return y @ weights[f"{name}.{part}.weight"].T + weights[f"{name}.{part}.bias"]

    query, key, value = (linear(f"attention.self.{part}", x) for part in ("query", "key", "value"))
    size = x.shape[1] // heads
    context = np.zeros_like(x)
    for q, keys in looks.items():
        seen = sorted(keys)
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            powers = np.exp(key[seen, part] @ query[q, part] / math.sqrt(size))
            context[q, part] = powers / powers.sum() @ value[seen, part]
    x = layer_norm(x + linear("attention.output.dense", context), weights, f"{name}.attention.output.LayerNorm")
    inner = linear("intermediate.dense", x)
    inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
    return layer_norm(x + linear("output.dense", inner), weights, f"{name}.output.LayerNorm")


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("layers", [1, 3])
def test_attention_is_what_the_graph_allows_and_nothing_else(attention, layers):
    made = network(attention, layers=layers)
    inputs = some_inputs()
    assert sum(len(one.edges_E2) for one in inputs) > 3
    batch = as_batch(*inputs)
    with torch.inference_mode():
        hidden = made.encoder(**batch.arguments(made.encoder)).last_hidden_state.numpy()
    for row, one in enumerate(inputs):
        np.testing.assert_allclose(hidden[row, : len(one)], written_out(made, one, layers=layers), atol=2e-5)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_transformers_4_with_the_papers_boolean_mask_gives_the_same(attention):
    """The fixture holds a node that sees nothing: it averages over all positions, padding included."""
    fixture = json.loads(FIXTURE.read_text())
    encoder = RobertaModel(roberta_config(60, attn_implementation=attention), add_pooling_layer=False).eval()
    seed_weights(encoder)
    positions = torch.tensor([fixture["positions"]])
    sees = torch.tensor([[[cell == "1" for cell in row] for row in fixture["sees"]]])
    batch = FunctionBatch(torch.tensor([fixture["ids"]]), (positions > 1).long(), positions, sees)
    with torch.inference_mode():
        hidden = encoder(**batch.arguments(encoder)).last_hidden_state[0]
    np.testing.assert_allclose(hidden.numpy(), fixture["hidden"], atol=2e-5)


def test_the_fixture_is_the_papers_input():
    """`<s>` a b b c `</s>` with nodes of a, of b (fed by a) and of c, whose token is cut off, padded to eleven."""
    fixture = json.loads(FIXTURE.read_text())
    pieces, nodes = [[10], [11, 12], [13, 14]], [(0, ()), (1, (0,)), (2, ())]
    limits = InputLimits(12, "papers", reserved=3 + 2)  # so that one sub-token of c is cut off
    one = graph_input(pieces, [Node(token, "x", "comesFrom", sources) for token, sources in nodes], limits=limits)
    positions, sees = graph_tensors([replace(one, least_length=11)])
    assert one.least_length == 12
    assert one.ids(teacher_graphs.SpecialIds()).tolist() == fixture["ids"][: len(one)]
    assert positions[0].tolist() == fixture["positions"]
    assert ["".join("01"[int(cell)] for cell in row) for row in sees[0]] == fixture["sees"]


@pytest.mark.parametrize("mode", ["repaired", "papers"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_company_and_padding_change_nothing(mode, attention):
    made = network(attention)
    inputs = some_inputs(mode)
    together = vectors(made, *inputs)
    alone = np.concatenate([vectors(made, one) for one in inputs])
    turned = vectors(made, *reversed(inputs))[::-1]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(together, turned, atol=1e-5)
    # A node that sees nothing averages over padding too; such a function always has the papers' length.
    free = [k for k, one in enumerate(inputs) if one.least_length == len(one) < 40]
    assert len(free) >= 2
    padded = vectors(made, *(replace(inputs[k], least_length=46) for k in free))
    np.testing.assert_allclose(together[free], padded, atol=1e-5)


def test_the_order_of_nodes_changes_nothing():
    made = network()
    one = some_inputs()[-1]
    order = np.random.default_rng(1).permutation(len(one.spans_N2))
    shuffled = replace(one, spans_N2=one.spans_N2[order], edges_E2=np.argsort(order)[one.edges_E2])
    np.testing.assert_allclose(vectors(made, shuffled), vectors(made, one), atol=1e-5)


def test_the_graph_matters():
    made = network()
    one = some_inputs()[-1]
    bare = replace(one, edges_E2=one.edges_E2[:0])
    assert not np.allclose(vectors(made, bare), vectors(made, one), atol=1e-3)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_autocast_to_bf16_stays_near(attention):
    made = network(attention)
    inputs = some_inputs("papers")
    with torch.autocast("cpu", torch.bfloat16):
        rough = vectors(made, *inputs)
    np.testing.assert_allclose(rough, vectors(made, *inputs), atol=0.1)


def test_a_code_token_is_tokenised_as_after_a_space(encoder, flows):
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    graphs = teacher_graphs.build_graphs(tokenizer, FUNCTIONS, max_length=46, mode="repaired")
    plain = encode_texts(tokenizer, FUNCTIONS.functions, max_length=10_000)
    for graph, ids in zip(graphs, plain, strict=True):
        # The fake's tokens are the words between spaces, so the plain tokenisation is the same sequence.
        assert graph.code_C[:-1].tolist() == ids[: len(graph.code_C) - 1].tolist()


def test_functions_are_judged_one_by_one_whatever_the_batch(encoder, flows):
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    split = encode_for_teacher(tokenizer, FUNCTIONS, max_length=46, data_flow="repaired")
    assert [len(ids) for ids in split.functions] == [len(graph) for graph in split.inputs]
    made = network()
    every = function_vectors(made, split, np.arange(8), pad_id=PAD)
    for index in range(8):
        one = function_vectors(made, split, np.array([index]), pad_id=PAD)
        np.testing.assert_allclose(one[0], every[index], atol=1e-5)


def test_an_encoder_without_room_for_nodes_is_refused(tmp_path):
    config = BertConfig(vocab_size=300, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    with pytest.raises(TeacherError, match=r"a bert encoder has no position for the nodes.*microsoft/graphcodebert"):
        teacher_graphs.check_graph_encoder("x", BertModel(config))


def test_a_task_without_a_language_is_refused(encoder):
    functions = make_functions(2, task=replace(VULNERABILITY, language=None))
    with pytest.raises(TeacherError, match=r"task 'vulnerability' names none; add for example: \[task\] language"):
        teacher_graphs.build_graphs(AutoTokenizer.from_pretrained(encoder), functions, max_length=40, mode="repaired")


def test_a_tokenizer_that_joins_across_spaces_is_refused(encoder, flows):
    def characters(texts, **_):
        return {"input_ids": [[len(text)] for text in texts]}

    characters.cls_token_id, characters.sep_token_id, characters.pad_token_id, characters.unk_token_id = 0, 2, 1, 3
    with pytest.raises(TeacherError, match=r"joins '@' with the text after a space"):
        teacher_graphs.build_graphs(characters, FUNCTIONS, max_length=40, mode="repaired")
