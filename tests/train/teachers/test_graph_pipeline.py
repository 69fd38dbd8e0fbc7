"""Data flow through the commands: fine-tune, label, distil; folders that remember it; the papers' checkpoints."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny import (
    PAPERS_HEADS,
    TEXTS,
    make_functions,
    make_pairs,
    make_recipe,
    papers_model,
    roberta_config,
    save_papers,
    seed_weights,
)
from torch import nn
from transformers import AutoTokenizer, BertConfig, BertModel, RobertaForSequenceClassification

import codewren
from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.core.task import VULNERABILITY
from codewren.data.load import load_split
from codewren.train.teachers import code_graphs as teacher_graphs
from codewren.train.teachers import finetune as module
from codewren.train.teachers import network as network_teacher
from codewren.train.teachers.finetune import finetune
from codewren.train.teachers.folder import SHEET, read_sheet
from codewren.train.teachers.labelling import label, read_logits
from codewren.train.teachers.teacher import load_teacher
from codewren.train.teachers.text_batches import encode_for_teacher, pad
from commands import run

LENGTH = 40
SPLITS = {
    "clone": {"labelled": make_pairs(30), "valid": make_pairs(10, split="valid")},
    "vulnerability": {"labelled": make_functions(30), "valid": make_functions(10, split="valid")},
}
PAIRS = make_pairs(14, split="unlabelled")


def with_data_flow(encoder: Path, task: str, mode: str = "repaired", **teacher: object) -> Recipe:
    recipe = make_recipe(encoder, task, teacher={"max_sequence_length": LENGTH, **teacher})
    options = replace(recipe.finetune, data_flow=True, data_flow_mode=mode, max_sequence_length=LENGTH)
    return replace(recipe, finetune=options)


@pytest.fixture(scope="module")
def folders(encoder, tmp_path_factory) -> dict[str, Path]:
    """A pair teacher fine-tuned with data flow in either mode."""
    made = {}
    for mode in ("repaired", "papers"):
        made[mode] = tmp_path_factory.mktemp(mode)
        finetune(with_data_flow(encoder, "clone", mode), made[mode], **SPLITS["clone"], quiet=True)
    return made


class Killed(BaseException):
    """Not an Exception, so that nothing can swallow it."""


@pytest.mark.parametrize("task", ["vulnerability", "clone"])
def test_a_killed_run_resumes_to_the_last_digit(encoder, tmp_path, monkeypatch, task):
    recipe = with_data_flow(encoder, task)
    whole = finetune(recipe, tmp_path / "whole", **SPLITS[task], quiet=True)
    step = module.FinetuneLoop.train_step

    def killing(run, indices):
        if run.step == 11:
            raise Killed
        return step(run, indices)

    with monkeypatch.context() as context, pytest.raises(Killed):
        context.setattr(module.FinetuneLoop, "train_step", killing)
        finetune(recipe, tmp_path / "parts", **SPLITS[task], checkpoint_every=3, quiet=True)
    torch.manual_seed(999)  # a new process knows nothing of the old one's generator
    assert finetune(recipe, tmp_path / "parts", **SPLITS[task], checkpoint_every=3, quiet=True) == whole
    for name in ("model.safetensors", "head.safetensors"):
        one, other = (load_file(tmp_path / folder / name) for folder in ("whole", "parts"))
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_the_row_of_nodes_is_trained(encoder, tmp_path):
    """Position 0 is read by nodes alone, so only data flow can have changed it."""
    finetune(with_data_flow(encoder, "clone"), tmp_path / "graph", **SPLITS["clone"], quiet=True)
    finetune(make_recipe(encoder, "clone"), tmp_path / "plain", **SPLITS["clone"], quiet=True)
    name = "embeddings.position_embeddings.weight"
    before = load_file(encoder / "model.safetensors")[name]
    assert not torch.equal(load_file(tmp_path / "graph/model.safetensors")[name][0], before[0])
    assert torch.equal(load_file(tmp_path / "plain/model.safetensors")[name][0], before[0])


@pytest.mark.parametrize("mode", ["repaired", "papers"])
def test_the_folder_remembers_and_labels_with_data_flow(encoder, folders, tmp_path, mode):
    folder = folders[mode]
    assert read_sheet(folder).data_flow == mode
    teacher = load_teacher(make_recipe(encoder, "clone", teacher={"path": str(folder), "max_sequence_length": 9}))
    assert (teacher.data_flow, teacher.max_sequence_length) == (mode, LENGTH)
    network, tokenizer = teacher.network, AutoTokenizer.from_pretrained(folder)
    split = encode_for_teacher(tokenizer, PAIRS, max_length=LENGTH, data_flow=mode)
    with torch.inference_mode():
        both = torch.tensor([[0, 1]])
        wanted = [network(pad(split, item, pad_id=1), both)[0].numpy() for item in split.items]
    np.testing.assert_allclose(teacher.logits(PAIRS), wanted, atol=1e-5)


def test_data_flow_is_part_of_what_a_teacher_is(folders, encoder):
    recipe = make_recipe(encoder, "clone", teacher={"path": str(folders["repaired"])})
    teacher = load_teacher(recipe)
    others = [replace(teacher, data_flow=mode) for mode in (None, "papers")]
    assert len({teacher.sha256, *(other.sha256 for other in others)}) == 3
    assert not np.allclose(teacher.logits(PAIRS), others[0].logits(PAIRS), atol=1e-6)


def test_asking_a_folder_for_another_data_flow_is_an_error(encoder, folders, siamese_without):
    for folder, mode, was in (
        (folders["papers"], "repaired", "with data flow in the papers mode"),
        (siamese_without, "papers", "without data flow"),
    ):
        teacher = {"path": str(folder), "data_flow": True, "data_flow_mode": mode}
        with pytest.raises(TeacherError, match=f"was fine-tuned {was}, the recipe asks for the {mode} mode"):
            load_teacher(make_recipe(encoder, "clone", teacher=teacher))
    same = {"path": str(folders["papers"]), "data_flow": True, "data_flow_mode": "papers"}
    assert load_teacher(make_recipe(encoder, "clone", teacher=same)).data_flow == "papers"


@pytest.fixture(scope="module")
def siamese_without(encoder, tmp_path_factory) -> Path:
    """A pair teacher of code alone, with a sheet as it was written before there was data flow."""
    folder = tmp_path_factory.mktemp("plain")
    finetune(make_recipe(encoder, "clone"), folder, **SPLITS["clone"], quiet=True)
    sheet = json.loads((folder / SHEET).read_text())
    del sheet["data_flow"]
    (folder / SHEET).write_text(json.dumps(sheet))
    return folder


def test_a_sheet_from_before_data_flow_is_a_teacher_of_code(encoder, siamese_without):
    recipe = make_recipe(encoder, "clone", teacher={"path": str(siamese_without)})
    assert load_teacher(recipe).data_flow is None


def test_a_run_from_before_data_flow_is_known_again(encoder, siamese_without, monkeypatch):
    """The fields of data flow must not enter what identifies a run that does not use it."""
    identity = read_sheet(siamese_without).recipe["identity"]
    recipe = make_recipe(encoder, "clone")
    mode = replace(recipe, finetune=replace(recipe.finetune, data_flow_mode="papers"))
    assert module._identity(mode, *SPLITS["clone"].values()) == identity
    graph = with_data_flow(encoder, "clone")
    papers = with_data_flow(encoder, "clone", "papers")
    identities = {module._identity(one, *SPLITS["clone"].values()) for one in (recipe, graph, papers)}
    assert len(identities) == 3


def test_a_sheet_with_an_unknown_mode_is_refused(encoder, folders, tmp_path):
    sheet = json.loads((folders["papers"] / SHEET).read_text())
    (tmp_path / SHEET).write_text(json.dumps({**sheet, "data_flow": "newer"}))
    with pytest.raises(TeacherError, match=r"not a teacher's sheet \(data_flow is 'newer', wanted one of"):
        read_sheet(tmp_path)


def test_each_graph_is_built_once(encoder, folders, tmp_path, monkeypatch):
    seen: list[str] = []
    plain = teacher_graphs.data_flow

    def counting(source, language, *, mode):
        seen.append(source)
        return plain(source, language, mode=mode)

    monkeypatch.setattr(teacher_graphs, "data_flow", counting)
    label(make_recipe(encoder, "clone", teacher={"path": str(folders["papers"])}), tmp_path, [PAIRS], quiet=True)
    assert sorted(seen) == sorted(PAIRS.functions)


def test_a_killed_labelling_goes_on_and_gives_the_same_file(encoder, folders, tmp_path, monkeypatch):
    recipe = make_recipe(encoder, "clone", teacher={"path": str(folders["repaired"]), "batch_size": 2})
    monkeypatch.setattr(network_teacher, "SAVE_EVERY_S", -1.0)
    (whole,) = label(recipe, tmp_path / "whole", [PAIRS], quiet=True)
    plain, calls = network_teacher.function_vectors, []

    def killing(*args, **options):
        calls.append(1)
        if len(calls) == 3:
            raise Killed
        return plain(*args, **options)

    with monkeypatch.context() as context, pytest.raises(Killed):
        context.setattr(network_teacher, "function_vectors", killing)
        label(recipe, tmp_path / "parts", [PAIRS], quiet=True)
    (parts,) = label(recipe, tmp_path / "parts", [PAIRS], quiet=True)
    assert whole.read_bytes() == parts.read_bytes()


class PapersGraphClone(nn.Module):
    """GraphCodeBERT's clone model as the papers save it: a sequence classifier with its head dead, and a live one."""

    def __init__(self) -> None:
        super().__init__()
        config = roberta_config(300, num_labels=2, num_attention_heads=PAPERS_HEADS)
        self.encoder = RobertaForSequenceClassification(config)
        self.classifier = nn.Module()
        self.classifier.dense = nn.Linear(2 * config.hidden_size, config.hidden_size)
        self.classifier.out_proj = nn.Linear(config.hidden_size, 2)


def papers_settings(path: Path, folder: Path, **changes: object) -> dict[str, object]:
    settings = {"kind": "papers", "path": str(path), "encoder": str(folder), "num_attention_heads": PAPERS_HEADS}
    return {**settings, "max_sequence_length": LENGTH, "data_flow": True, "data_flow_mode": "papers", **changes}


def test_the_papers_clone_checkpoint_has_a_dead_head(encoder, tmp_path):
    """Its logits are those of the live head over two functions fed with data flow."""
    model = PapersGraphClone().eval()
    seed_weights(model)
    recipe = make_recipe(encoder, "clone", teacher=papers_settings(save_papers(model, tmp_path / "a.bin"), encoder))
    teacher = load_teacher(recipe)
    split = encode_for_teacher(AutoTokenizer.from_pretrained(encoder), PAIRS, max_length=LENGTH, data_flow="papers")
    roberta, head = model.encoder.roberta, model.classifier
    wanted = []
    with torch.inference_mode():
        for item in split.items:
            batches = [pad(split, item[[side]], pad_id=1) for side in (0, 1)]
            firsts = [roberta(**batch.arguments(roberta)).last_hidden_state[0, 0] for batch in batches]
            wanted.append(head.out_proj(torch.tanh(head.dense(torch.cat(firsts)))).numpy())
    np.testing.assert_allclose(teacher.logits(PAIRS), wanted, atol=1e-5)
    with torch.no_grad():
        model.encoder.classifier.dense.weight.zero_()
    again = replace(recipe, teacher=replace(recipe.teacher, path=str(save_papers(model, tmp_path / "b.bin"))))
    np.testing.assert_array_equal(load_teacher(again).logits(PAIRS), teacher.logits(PAIRS))


def test_a_dead_head_alone_is_no_clone_teacher(encoder, tmp_path):
    model = PapersGraphClone()
    changes = {f"classifier__{name}__{part}": None for name in ("dense", "out_proj") for part in ("weight", "bias")}
    path = save_papers(model, tmp_path / "model.bin", **changes)
    with pytest.raises(TeacherError, match=r"dense\.weight has shape \(16, 16\), task 'clone'.*another task"):
        load_teacher(make_recipe(encoder, "clone", teacher=papers_settings(path, encoder)))


def test_the_papers_vulnerability_checkpoint_reads_data_flow(encoder, tmp_path):
    model = papers_model(VULNERABILITY, 300, seed=3)
    path = save_papers(model, tmp_path / "model.bin")
    functions = make_functions(6, split="unlabelled")
    logits = load_teacher(make_recipe(encoder, teacher=papers_settings(path, encoder))).logits(functions)
    split = encode_for_teacher(AutoTokenizer.from_pretrained(encoder), functions, max_length=LENGTH, data_flow="papers")
    batch = pad(split, np.arange(6), pad_id=1)
    with torch.inference_mode():
        wanted = model.encoder(**batch.arguments(model.encoder.roberta)).logits.numpy()
    np.testing.assert_allclose(logits, wanted[:, ::-1], atol=1e-5)


def test_a_plain_classifier_may_read_data_flow(encoder, tmp_path):
    folder = tmp_path / "classifier"
    AutoTokenizer.from_pretrained(encoder).save_pretrained(folder)
    model = papers_model(VULNERABILITY, 300, seed=4).encoder
    model.save_pretrained(folder)
    functions = make_functions(6, split="unlabelled")
    teacher = {"path": str(folder), "max_sequence_length": LENGTH, "data_flow": True}
    logits = load_teacher(make_recipe(encoder, teacher=teacher)).logits(functions)
    split = encode_for_teacher(
        AutoTokenizer.from_pretrained(encoder), functions, max_length=LENGTH, data_flow="repaired"
    )
    with torch.inference_mode():
        wanted = model(**pad(split, np.arange(6), pad_id=1).arguments(model.roberta)).logits.numpy()
    np.testing.assert_allclose(logits, wanted, atol=1e-5)


def test_fine_tuning_another_architecture_with_data_flow_is_refused(encoder, tmp_path):
    AutoTokenizer.from_pretrained(encoder).save_pretrained(tmp_path)
    BertModel(BertConfig(vocab_size=300, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)).save_pretrained(
        tmp_path
    )
    with pytest.raises(TeacherError, match=r"a bert encoder has no position for the nodes.*data_flow = false"):
        finetune(with_data_flow(tmp_path, "clone"), tmp_path / "out", **SPLITS["clone"], quiet=True)


RECIPE = """
[task]
name = "vulnerability"
[data]
labelled = {{ path = "labelled.jsonl" }}
unlabelled = {{ path = "unlabelled.jsonl" }}
valid = {{ path = "valid.jsonl" }}
[finetune]
encoder = "{encoder}"
epochs = 1
max_sequence_length = 40
data_flow = true
[teacher]
path = "out/teacher"
[search]
strategy = "fixed"
[student]
vocab_size = 300
hidden_size = 16
num_attention_heads = 2
intermediate_size = 16
max_sequence_length = 40
[distil]
epochs = 1
"""


def test_from_an_encoder_to_a_student_by_the_commands(encoder, tmp_path):
    for split, start in (("labelled", 0), ("unlabelled", 40), ("valid", 80)):
        rows = [{"idx": k, "func": f"{TEXTS[k % 40]}/* {k} */", "label": k % 2} for k in range(start, start + 24)]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.format(encoder=encoder))
    out = tmp_path / "out"
    run("finetune", recipe, "--out", out, "--quiet")
    for verb in ("label", "search", "distil", "export"):
        run(verb, recipe, "--out", out, "--quiet")
    teacher = load_teacher(Recipe.load(recipe))
    unlabelled = load_split(Recipe.load(recipe), "unlabelled")
    assert teacher.data_flow == "repaired"
    np.testing.assert_allclose(read_logits(out / "logits-unlabelled.npz", unlabelled), teacher.logits(unlabelled))
    assert len(codewren.load(out / "student.wren").predict([TEXTS[0], TEXTS[1]])) == 2
