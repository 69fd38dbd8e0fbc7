"""The ONNX file answers what the native runtime answers, and carries no ballast."""

import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
import tokenizers

from codewren.bundle.read import Bundle
from codewren.bundle.tensors import parameter_count
from codewren.compress.bundle_to_onnx import bundle_to_onnx
from codewren.core.errors import InputError
from codewren.core.student_config import Activation, PositionType, StudentConfig, TokenizerKind
from codewren.core.task import Task, Unit
from codewren.predict.predictor import Predictor
from students import HEADS, random_ids, write_student

CONFIG = StudentConfig(
    tokenizer=TokenizerKind.WORDPIECE, vocab_size=60, hidden_size=24, intermediate_size=20, num_attention_heads=3
).replace(max_sequence_length=80)
CASES = [
    ("function", 1, PositionType.ABSOLUTE, Activation.GELU, 0),
    ("function", 1, PositionType.ABSOLUTE, Activation.GELU, 7),
    ("symmetric", 2, PositionType.RELATIVE_KEY, Activation.SILU, 0),
    ("concat", 2, PositionType.RELATIVE_KEY_QUERY, Activation.GELU_NEW, 0),
]


def test_data_flow_stays_with_the_runtime_that_can_parse(tmp_path):
    bundle = Bundle.read(write_student(tmp_path / "x.wren", CONFIG.replace(max_data_flow=4)))
    with pytest.raises(InputError, match="reads data flow"):
        bundle_to_onnx(bundle, tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


@pytest.mark.parametrize(("head", "layers", "positions", "act", "narrow"), CASES)
def test_onnx_equals_the_runtime(tmp_path, head, layers, positions, act, narrow):
    task, pair_head = HEADS[head]
    config = CONFIG.replace(
        num_hidden_layers=layers,
        position_embedding_type=positions,
        hidden_act=act,
        pair_head=pair_head,
        embedding_size=narrow,
    )
    bundle = Bundle.read(write_student(tmp_path / "x.wren", config, task))
    size = bundle_to_onnx(bundle, tmp_path / "x.onnx")
    assert size < 4 * parameter_count(config, task) + 60_000
    model = onnx.load(tmp_path / "x.onnx")
    assert max(one.version for one in model.opset_import if not one.domain) <= 20
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx")
    predictor, rng = Predictor(bundle), np.random.default_rng(0)
    for tokens in (3, 17, 78):
        ids = [[*random_ids(rng, config, tokens), 2] for _ in session.get_inputs()]
        texts = [" ".join(f"w{token}" for token in one[1:-1]) for one in ids]
        feed = {i.name: np.array(one) for i, one in zip(session.get_inputs(), ids, strict=True)}
        (logits,) = session.run(["logits"], feed)
        want = predictor.logits([tuple(texts) if len(texts) == 2 else texts[0]])
        assert np.allclose(logits, want, atol=1e-4)


@pytest.mark.parametrize("head", ["function", "symmetric", "concat", "labels"])
def test_dynamic_quantisation_survives(tmp_path, head):
    """Weights are square here, and both functions of a pair share them: each must be transposed once."""
    from onnxruntime.quantization import quantize_dynamic

    task, pair_head = HEADS.get(head, (None, None))
    if head == "labels":
        task, pair_head = Task("kind", Unit.FUNCTION, ("a", "b", "c", "d"), "c"), HEADS["function"][1]
    config = CONFIG.replace(intermediate_size=24, pair_head=pair_head)
    bundle = Bundle.read(write_student(tmp_path / "x.wren", config, task))
    bundle_to_onnx(bundle, tmp_path / "x.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantize_dynamic(tmp_path / "x.onnx", tmp_path / "q.onnx")
    session, rng = onnxruntime.InferenceSession(tmp_path / "q.onnx"), np.random.default_rng(0)
    assert "MatMulInteger" in {node.op_type for node in onnx.load(tmp_path / "q.onnx").graph.node}
    words = [[random_ids(rng, config, 30)[1:] for _ in session.get_inputs()] for _ in range(40)]
    texts = [[" ".join(f"w{token}" for token in text) for text in item] for item in words]
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    feeds = [
        {i.name: np.array(tokenizer.encode(text).ids) for i, text in zip(session.get_inputs(), item, strict=True)}
        for item in texts
    ]
    found = np.concatenate([session.run(["logits"], feed)[0] for feed in feeds])
    wanted = np.array(Predictor(bundle).logits([tuple(item) if len(item) == 2 else item[0] for item in texts]))
    assert np.abs(found - wanted).mean() < 0.1 * wanted.std()
