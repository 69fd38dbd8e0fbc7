"""The native core against a NumPy reference that reads only the file."""

import json
import lzma
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codewren import _native
from codewren.bundle.read import Bundle
from codewren.bundle.write import write_bundle
from codewren.core.student_config import Activation, PositionType, Storage, StudentConfig
from codewren.core.task import VULNERABILITY
from codewren.predict.predictor import Predictor
from codewren.predict.tokenizer import Tokenizer
from oracle import Oracle
from students import CONFIG, HEADS, random_ids, random_tensors, wordpiece_tokenizer, write_student

TARGETS = _native.targets()
LENGTHS = (1, 2, 33)


def kernel_vectors(predictor: Predictor, functions: list[list[int]], threads: int = 1) -> np.ndarray:
    packed = predictor._model.encode_ids(functions, threads)
    return np.frombuffer(packed, np.float32).reshape(len(functions), -1)


def kernel_logits(predictor: Predictor, functions: list[list[int]], items: list[int]) -> np.ndarray:
    vectors = predictor._model.encode_ids(functions, 1)
    return np.frombuffer(predictor._model.logits(vectors, items), np.float32).reshape(-1, len(predictor.task.labels))


def assert_equals_reference(path: Path, target: str, lengths: tuple[int, ...] = LENGTHS) -> None:
    predictor, oracle = Predictor(Bundle.read(path), target=target), Oracle(path)
    rng = np.random.default_rng(1)
    functions = [random_ids(rng, predictor.config, tokens) for tokens in lengths]
    parts = predictor.task.functions_per_item
    items = [(i + part) % len(functions) for i in range(len(functions)) for part in range(parts)]
    found = kernel_logits(predictor, functions, items)
    wanted = np.array(
        [oracle.logits(*(functions[k] for k in items[i : i + parts])) for i in range(0, len(items), parts)]
    )
    assert np.ptp(wanted[:, 0]) > 0.01  # the reference itself tells the functions apart
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("storage", Storage)
@pytest.mark.parametrize("activation", Activation)
@pytest.mark.parametrize("positions", PositionType)
def test_every_kind_of_student_equals_the_reference(
    tmp_path: Path, positions: PositionType, activation: Activation, storage: Storage, layers: int, head: str
) -> None:
    task, pair_head = HEADS[head]
    config = CONFIG.replace(
        position_embedding_type=positions,
        hidden_act=activation,
        storage=storage,
        num_hidden_layers=layers,
        pair_head=pair_head,
    )
    assert_equals_reference(write_student(tmp_path / "x.wren", config, task), TARGETS[0])


SHAPES = [(1, 1, 1), (5, 5, 1), (16, 4, 16), (17, 1, 40), (48, 12, 33), (64, 1, 7), (72, 18, 100)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("hidden", "heads", "inner"), SHAPES)
def test_every_shape_equals_the_reference_on_every_instruction_set(
    tmp_path: Path, hidden: int, heads: int, inner: int, target: str
) -> None:
    for positions, layers in product(PositionType, (1, 2)):
        config = CONFIG.replace(
            hidden_size=hidden,
            num_attention_heads=heads,
            intermediate_size=inner,
            num_hidden_layers=layers,
            position_embedding_type=positions,
            storage=Storage.FP32,
        )
        path = write_student(tmp_path / "x.wren", config)
        if hidden > 1:  # LayerNorm of a single number is its bias, whatever the function
            assert_equals_reference(path, target, lengths=(1, 7, 8, 9, 33, 80))
        else:
            predictor, oracle = Predictor(Bundle.read(path), target=target), Oracle(path)
            np.testing.assert_allclose(kernel_logits(predictor, [[0, 5]], [0])[0], oracle.logits([0, 5]), atol=1e-5)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("storage", Storage)
@pytest.mark.parametrize("narrow", [1, 7, 16, 40])
def test_a_factorised_word_table_equals_the_reference(
    tmp_path: Path, narrow: int, storage: Storage, target: str
) -> None:
    for layers, vocab in ((1, 60), (2, 300)):  # 300 rows are more than one block of the expansion
        config = CONFIG.replace(embedding_size=narrow, storage=storage, num_hidden_layers=layers, vocab_size=vocab)
        assert_equals_reference(write_student(tmp_path / "x.wren", config), target)


GRAPH_CONFIG = CONFIG.replace(max_data_flow=40)


def random_graph(rng: np.random.Generator, tokens: int, nodes: int) -> tuple[list[int], list[Any], list[Any]]:
    """Ids, spans of one to three ids in order, and edges in both directions, some to the node itself."""
    ids = random_ids(rng, CONFIG, tokens)
    starts = sorted(rng.integers(0, tokens, nodes).tolist())
    spans = [(start, min(tokens, start + int(rng.integers(1, 4)))) for start in starts]
    edges = {(int(a), int(b)) for a, b in rng.integers(0, max(nodes, 1), (2 * nodes, 2))}
    return ids, spans, sorted(edges)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("positions", PositionType)
def test_a_student_with_data_flow_equals_the_reference(
    tmp_path: Path, positions: PositionType, layers: int, target: str
) -> None:
    for narrow, storage in ((0, Storage.FP32), (7, Storage.INT8)):
        config = GRAPH_CONFIG.replace(
            position_embedding_type=positions, num_hidden_layers=layers, embedding_size=narrow, storage=storage
        )
        path = write_student(tmp_path / "x.wren", config)
        predictor, oracle, rng = Predictor(Bundle.read(path), target=target), Oracle(path), np.random.default_rng(5)
        shapes = ((1, 1), (9, 0), (16, 16), (33, 5), (80, 40), (80, 17), (32, 33), (5, 40))
        functions = [random_graph(rng, tokens, nodes) for tokens, nodes in shapes]
        vectors = predictor._model.encode_graphs(functions, 2)
        logits = predictor._model.logits(vectors, range(len(functions)))
        found = np.frombuffer(logits, np.float32).reshape(len(functions), -1)
        wanted = np.array([oracle.logits(function) for function in functions])
        np.testing.assert_allclose(found, wanted, atol=2e-5)
        bare = np.array([oracle.logits((ids, [], [])) for ids, _, _ in functions])
        assert np.abs(bare - wanted).max() > 0.01  # nodes matter to the reference itself
        if layers > 1:
            loose = np.array([oracle.logits((ids, spans, [])) for ids, spans, _ in functions])
            assert np.abs(loose - wanted).max() > 1e-3


def test_nodes_and_edges_outside_the_function_are_refused(tmp_path: Path) -> None:
    predictor = Predictor(Bundle.read(write_student(tmp_path / "x.wren", GRAPH_CONFIG)))
    code = Predictor(Bundle.read(write_student(tmp_path / "y.wren")))
    for model, spans, edges in (
        (predictor, [(0, 3)], []),
        (predictor, [(1, 1)], []),
        (predictor, [(-1, 1)], []),
        (predictor, [(0, 1)] * 41, []),
        (predictor, [(0, 1)], [(0, 1)]),
        (predictor, [(0, 1)], [(-1, 0)]),
        (code, [(0, 1)], []),
    ):
        with pytest.raises(ValueError, match=r"stands for no tokens|max_data_flow|leads to no node"):
            model._model.encode_graphs([([0, 5], spans, edges)], 1)


def test_a_function_without_special_tokens_asks_with_its_own_first_token(tmp_path: Path) -> None:
    path = write_student(tmp_path / "x.wren", CONFIG.replace(storage=Storage.FP32))
    predictor, oracle = Predictor(Bundle.read(path)), Oracle(path)
    for ids in ([7, 8, 9], [0, 8, 9], [59]):
        np.testing.assert_allclose(kernel_logits(predictor, [ids], [0])[0], oracle.logits(ids), atol=1e-5)


def test_attention_survives_scores_that_overflow_a_plain_exponential(tmp_path: Path) -> None:
    for layers in (1, 2):
        config = CONFIG.replace(storage=Storage.FP32, num_hidden_layers=layers)
        tensors = random_tensors(config, VULNERABILITY)
        for index in range(layers):
            tensors[f"layers.{index}.attention.query.weight"] *= 200
        path = tmp_path / "x.wren"
        write_bundle(
            path, task=VULNERABILITY, config=config, tensors=tensors, tokenizer=wordpiece_tokenizer(config.vocab_size)
        )
        ids = random_ids(np.random.default_rng(3), config, 70)
        found = kernel_logits(Predictor(Bundle.read(path)), [ids], [0])[0]
        np.testing.assert_allclose(found, Oracle(path).logits(ids), atol=2e-3)


def test_results_do_not_depend_on_threads_order_or_neighbours(tmp_path: Path) -> None:
    config = CONFIG.replace(num_hidden_layers=2, position_embedding_type=PositionType.RELATIVE_KEY)
    predictor = Predictor(Bundle.read(write_student(tmp_path / "x.wren", config)))
    rng = np.random.default_rng(0)
    functions = [random_ids(rng, config, int(tokens)) for tokens in rng.integers(1, 80, 60)]
    alone = np.concatenate([kernel_vectors(predictor, [ids]) for ids in functions])
    for threads in (1, 2, 7):
        assert (kernel_vectors(predictor, functions, threads) == alone).all()
    assert (kernel_vectors(predictor, functions[::-1], 3) == alone[::-1]).all()


def test_ids_and_lengths_outside_the_model_are_refused(tmp_path: Path) -> None:
    predictor = Predictor(Bundle.read(write_student(tmp_path / "x.wren")))
    for ids in ([60], [-1], [0, 2**31 - 1], [0] * 81):
        with pytest.raises(ValueError, match=r"vocabulary|max_sequence_length"):
            predictor._model.encode_ids([[0], ids], 2)
    for items in ([1], [-1]):
        with pytest.raises(ValueError, match="names no vector"):
            predictor._model.logits(predictor._model.encode_ids([[0]], 1), items)


def test_an_unknown_instruction_set_is_refused(tmp_path: Path) -> None:
    bundle = Bundle.read(write_student(tmp_path / "x.wren"))
    with pytest.raises(ValueError, match="abacus"):
        Predictor(bundle, target="abacus")


def test_probabilities_equal_the_reference_on_real_functions(tmp_path: Path, shared: Path) -> None:
    with lzma.open(shared / "data/devign/valid.jsonl.xz", "rt") as lines:
        codes = [json.loads(line)["func"] for line, _ in zip(lines, range(10), strict=False)]
    config = StudentConfig(
        tokenizer=CONFIG.tokenizer, vocab_size=60, hidden_size=96, num_hidden_layers=3, storage=Storage.FP32
    )
    path = write_student(tmp_path / "x.wren", config)
    predictor, oracle = Predictor(Bundle.read(path)), Oracle(path)
    tokenizer = Tokenizer(predictor.bundle.tokenizer)
    wanted = [oracle.probabilities(tokenizer.encode(code, config.max_sequence_length)) for code in codes]
    np.testing.assert_allclose(predictor.predict_proba(codes), wanted, atol=1e-5)
