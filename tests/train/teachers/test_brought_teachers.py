"""Teachers in the forms people keep them: LoRA adapters, ONNX files, several labels at once, a number for an order."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from classifiers import CONFIGS, FUNCTIONS, LENGTH, oracle, save_classifier, save_roberta, with_teacher
from safetensors.torch import save_file
from tiny import roberta_config, save_tokenizer
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig

from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.core.task import VULNERABILITY, Kind
from codewren.train.teachers.teacher import load_teacher

ALPHA, RANK = 16, 4
TARGETS = {
    "roberta": ("attention.self.query", "attention.self.value"),
    "gpt2": ("attn.c_attn",),  # a Conv1D, which keeps its weight the other way round
    "llama": ("self_attn.q_proj", "mlp.down_proj"),
}


def of_kind(recipe: Recipe, kind: Kind, labels: tuple[str, ...] = VULNERABILITY.labels) -> Recipe:
    task = replace(VULNERABILITY, name="mine", labels=labels, positive=labels[-1], kind=kind)
    return replace(recipe, task=task)


def save_adapter(folder: Path, base: Path, targets: tuple[str, ...], **settings: object) -> tuple[Path, Path]:
    """An adapter as peft writes it, and the model that has it merged, made by the paper's formula."""
    model = AutoModelForSequenceClassification.from_pretrained(base)
    generator = torch.Generator().manual_seed(0)
    tensors, changed = {}, dict(model.state_dict())
    turned = bool(settings.get("fan_in_fan_out"))
    for name, weight in model.state_dict().items():
        if name.removesuffix(".weight").endswith(targets):
            out, inside = reversed(weight.shape) if turned else weight.shape
            down, up = (torch.randn(*shape, generator=generator) * 0.1 for shape in ((RANK, inside), (out, RANK)))
            layer = "base_model.model." + name.removesuffix(".weight")
            tensors |= {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up}
            scale = ALPHA / (RANK**0.5 if settings.get("use_rslora") else RANK)
            change = scale * up @ down
            changed[name] = weight + (change.T if turned else change)
        elif name.startswith(("classifier", "score")):
            changed[name] = torch.randn(weight.shape, generator=generator) * 0.2
            tensors[f"base_model.model.{name}"] = changed[name]
    folder.mkdir()
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "adapter_model.safetensors")
    plain = {"peft_type": "LORA", "lora_alpha": ALPHA, "r": RANK, "base_model_name_or_path": str(base), **settings}
    (folder / "adapter_config.json").write_text(json.dumps(plain))
    model.load_state_dict(changed)
    merged = folder.with_name("merged")
    model.save_pretrained(merged)
    for file in base.glob("*token*"):
        (merged / file.name).write_bytes(file.read_bytes())
    return folder, merged


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("roberta", {}), ("roberta", {"use_rslora": True}), ("gpt2", {"fan_in_fan_out": True}), ("llama", {})],
)
def test_an_adapter_is_the_model_that_has_it_merged(kind, settings, tmp_path):
    base = save_classifier(tmp_path / "base", CONFIGS.get(kind) or roberta_config(300))
    adapter, merged = save_adapter(tmp_path / "adapter", base, TARGETS[kind], **settings)
    logits = load_teacher(with_teacher(adapter)).logits(FUNCTIONS)
    assert np.abs(logits - oracle(base, FUNCTIONS)).max() > 0.1, "the adapter must matter"
    np.testing.assert_allclose(logits, oracle(merged, FUNCTIONS), atol=1e-5)


def test_an_adapter_that_peft_made_gives_pefts_logits(tmp_path):
    peft = pytest.importorskip("peft", reason="needs peft, which is no dependency")
    base = save_roberta(tmp_path / "base")
    config = peft.LoraConfig(task_type="SEQ_CLS", r=RANK, lora_alpha=ALPHA, init_lora_weights=False)
    model = peft.get_peft_model(AutoModelForSequenceClassification.from_pretrained(base), config)
    model.save_pretrained(tmp_path / "adapter")
    model.merge_and_unload().save_pretrained(tmp_path / "merged")
    for file in base.glob("*token*"):
        (tmp_path / "merged" / file.name).write_bytes(file.read_bytes())
    logits = load_teacher(with_teacher(tmp_path / "adapter")).logits(FUNCTIONS)
    np.testing.assert_allclose(logits, oracle(tmp_path / "merged", FUNCTIONS), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "a PREFIX_TUNING adapter; only plain LoRA is merged here: merge it"),
        ({"use_dora": True}, "a LORA adapter with use_dora"),
        ({"base_model_name_or_path": None}, "names no model; give its folder or hub id as teacher.encoder"),
    ],
)
def test_adapters_that_cannot_be_merged_are_one_line(settings, message, tmp_path):
    base = save_roberta(tmp_path / "base")
    adapter, _ = save_adapter(tmp_path / "adapter", base, TARGETS["roberta"], **settings)
    with pytest.raises(TeacherError, match=message):
        load_teacher(with_teacher(adapter))


def test_an_adapter_of_another_model_or_without_a_head_is_one_line(tmp_path):
    base, other = save_roberta(tmp_path / "base"), save_classifier(tmp_path / "other", CONFIGS["bert"])
    adapter, _ = save_adapter(tmp_path / "adapter", base, TARGETS["roberta"])
    with pytest.raises(TeacherError, match=r"does not fit the model below.*teacher\.encoder"):
        load_teacher(with_teacher(adapter, encoder=str(other)))
    from safetensors.torch import load_file

    tensors = load_file(adapter / "adapter_model.safetensors")
    save_file({n: t for n, t in tensors.items() if "lora_" in n}, adapter / "adapter_model.safetensors")
    with pytest.raises(TeacherError, match="no classification head"):
        load_teacher(with_teacher(adapter))
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(TeacherError, match=r"an adapter without adapter_model\.safetensors"):
        load_teacher(with_teacher(adapter))


def words_model(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """An ONNX classifier of the mean of its words' vectors, made by hand; returns the vectors and the map."""
    onnx = pytest.importorskip("onnx")
    size = save_tokenizer(folder)
    rng = np.random.default_rng(0)
    vectors, last = rng.normal(size=(size, 8)).astype(np.float32), rng.normal(size=(8, 2)).astype(np.float32)
    node, kinds = onnx.helper.make_node, onnx.TensorProto
    graph = onnx.helper.make_graph(
        [
            node("Gather", ["vectors", "input_ids"], ["words"]),
            node("Cast", ["attention_mask"], ["mask"], to=kinds.FLOAT),
            node("Unsqueeze", ["mask", "last_axis"], ["column"]),
            node("Mul", ["words", "column"], ["kept"]),
            node("ReduceSum", ["kept", "token_axis"], ["sum"], keepdims=0),
            node("ReduceSum", ["column", "token_axis"], ["count"], keepdims=0),
            node("Div", ["sum", "count"], ["mean"]),
            node("MatMul", ["mean", "last"], ["logits"]),
        ],
        "words",
        [onnx.helper.make_tensor_value_info(n, kinds.INT64, ["b", "t"]) for n in ("input_ids", "attention_mask")],
        [onnx.helper.make_tensor_value_info("logits", kinds.FLOAT, ["b", 2])],
        [
            onnx.numpy_helper.from_array(array, name)
            for name, array in (
                ("vectors", vectors),
                ("last", last),
                ("last_axis", np.array([2])),
                ("token_axis", np.array([1])),
            )
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, folder / "model.onnx")
    BertConfig(vocab_size=size, num_labels=2, max_position_embeddings=64).save_pretrained(folder)
    return vectors, last


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """Such a folder, and the logits of each text alone by NumPy."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("words")
    vectors, last = words_model(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = [tokenizer(text, truncation=True, max_length=LENGTH)["input_ids"] for text in FUNCTIONS.functions]
    return folder, np.stack([vectors[row].mean(axis=0) @ last for row in ids])


def test_an_onnx_file_is_fed_its_own_tokens_without_the_padding(words):
    folder, expected = words
    for path in (folder, folder / "model.onnx"):
        teacher = load_teacher(with_teacher(path))
        np.testing.assert_allclose(teacher.logits(FUNCTIONS), expected, atol=1e-5)
    assert teacher.sha256 == load_teacher(with_teacher(folder)).sha256


@pytest.mark.filterwarnings("ignore")
def test_an_onnx_file_that_scales_by_its_batch_reads_one_text_at_a_time(words, tmp_path):
    quantization = pytest.importorskip("onnxruntime.quantization")
    folder, _ = words
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    quantization.quantize_dynamic(folder / "model.onnx", tmp_path / "model.onnx")
    teacher = load_teacher(with_teacher(tmp_path))
    assert teacher.network.one_by_one
    alone = np.concatenate([teacher.logits(FUNCTIONS.subset([index])) for index in range(len(FUNCTIONS))])
    np.testing.assert_allclose(teacher.logits(FUNCTIONS), alone, atol=1e-6)


class Plain(torch.nn.Module):
    """A classifier that takes and gives tensors, as exporters want it."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_an_exported_classifier_gives_the_logits_of_its_model(tmp_path):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    folder, target = save_classifier(tmp_path / "bert", CONFIGS["bert"]), tmp_path / "onnx"
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    target.mkdir()
    given = (torch.tensor([[0, 5, 6, 2], [0, 7, 2, 1]]), torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]))
    size = {0: torch.export.Dim("texts", max=64), 1: torch.export.Dim("length", max=LENGTH)}
    torch.onnx.export(
        Plain(model), given, target / "model.onnx", dynamo=True, external_data=False, verbose=False,
        input_names=["input_ids", "attention_mask"], output_names=["logits"],
        dynamic_shapes={"input_ids": size, "attention_mask": size},
    )  # fmt: skip
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            (target / file.name).write_bytes(file.read_bytes())
    logits = load_teacher(with_teacher(target)).logits(FUNCTIONS)
    np.testing.assert_allclose(logits, oracle(folder, FUNCTIONS), atol=1e-5)


def test_what_an_onnx_file_lacks_is_one_line(tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(TeacherError, match=r"no config\.json beside it"):
        load_teacher(with_teacher(tmp_path / "model.onnx"))
    folder = save_roberta(tmp_path / "roberta")
    (folder / "model.safetensors").unlink()
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(TeacherError, match="no ONNX model that can be run"):
        load_teacher(with_teacher(folder))
    (folder / "second.onnx").write_bytes(b"")
    with pytest.raises(TeacherError, match=r"holds model\.onnx, second\.onnx; name one"):
        load_teacher(with_teacher(folder))


def test_a_head_of_several_labels_teaches_a_task_of_them_alone(tmp_path):
    names = {0: "slow", 1: "VULNERABLE", 2: "safe"}
    folder = save_roberta(tmp_path, num_labels=3, id2label=names, problem_type="multi_label_classification")
    recipe = of_kind(with_teacher(folder), Kind.MULTI_LABEL, ("safe", "slow", "vulnerable"))
    data = replace(FUNCTIONS, task=recipe.task)
    np.testing.assert_allclose(load_teacher(recipe).logits(data), oracle(folder, FUNCTIONS)[:, [2, 0, 1]], atol=1e-5)
    with pytest.raises(TeacherError, match=r"of multi_label_classification, .* is single-label; set task\.kind"):
        load_teacher(of_kind(recipe, Kind.SINGLE_LABEL, recipe.task.labels))
    single = save_roberta(tmp_path / "single", num_labels=3, problem_type="single_label_classification")
    with pytest.raises(TeacherError, match=r"of single_label_classification, .* is multi-label"):
        load_teacher(of_kind(with_teacher(single), Kind.MULTI_LABEL, recipe.task.labels))


def test_a_regression_places_items_in_an_order(tmp_path):
    folder = save_roberta(tmp_path, num_labels=1, problem_type="regression")
    with pytest.raises(TeacherError, match=r"a regression of 1 numbers, .* is single-label; one number teaches"):
        load_teacher(with_teacher(folder))
    recipe = of_kind(with_teacher(folder), Kind.ORDINAL, ("low", "middle", "high"))
    logits = load_teacher(recipe).logits(replace(FUNCTIONS, task=recipe.task))
    grades = oracle(folder, FUNCTIONS)[:, 0]
    # The mean of a bell curve's places can be read back from two logits: (l1 - l0) = (2z - 1) / (2 s^2), s = 1/2.
    np.testing.assert_allclose((logits[:, 1] - logits[:, 0] + 2) / 4, grades, atol=1e-5)
    np.testing.assert_array_equal(logits.argmax(1), np.clip(np.rint(grades), 0, 2))
