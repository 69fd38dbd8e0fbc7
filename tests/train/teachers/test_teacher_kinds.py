"""Teachers of every architecture read what transformers reads, and as the recipe says: raw or collapsed text."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tiny import (
    PapersVulnerability,
    make_functions,
    make_recipe,
    roberta_config,
    save_papers,
    save_tokenizer,
    seed_weights,
)
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from codewren.core.dataset import Dataset, collapse_whitespace
from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.train.teachers.finetune import finetune
from codewren.train.teachers.folder import SHEET
from codewren.train.teachers.teacher import load_teacher

LENGTH = 40
FUNCTIONS = make_functions(7)
LAID_OUT = replace(FUNCTIONS, functions=tuple(text.replace("; ", ";\n\n    ") for text in FUNCTIONS.functions))
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
DECODER = {**SMALL, "num_key_value_heads": 2, "max_position_embeddings": 64}
CONFIGS = {
    "bert": transformers.BertConfig(**SMALL),
    "distilbert": transformers.DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=24),
    "electra": transformers.ElectraConfig(**SMALL, embedding_size=16),
    "modernbert": transformers.ModernBertConfig(**SMALL, pad_token_id=1, cls_token_id=0, sep_token_id=2),
    "deberta": transformers.DebertaConfig(**SMALL, relative_attention=True, pos_att_type=["c2p", "p2c"]),
    "deberta-v2": transformers.DebertaV2Config(**SMALL, relative_attention=True, pos_att_type=["c2p", "p2c"]),
    "mpnet": transformers.MPNetConfig(**SMALL, pad_token_id=1),
    "longformer": transformers.LongformerConfig(
        **SMALL, attention_window=8, pad_token_id=1, max_position_embeddings=70
    ),
    "big_bird": transformers.BigBirdConfig(**SMALL, attention_type="original_full", pad_token_id=1),
    "xlnet": transformers.XLNetConfig(d_model=16, n_layer=2, n_head=2, d_inner=24, pad_token_id=1),
    "gpt2": transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=64),
    "llama": transformers.LlamaConfig(**DECODER),
    "qwen2": transformers.Qwen2Config(**DECODER),
}


def save_classifier(folder: Path, config: transformers.PreTrainedConfig, **changes: object) -> Path:
    """A classifier with weights large enough that texts differ, and its tokenizer."""
    config.vocab_size = save_tokenizer(folder)
    for name, value in {"num_labels": 2, "bos_token_id": 0, "eos_token_id": 2, **changes}.items():
        setattr(config, name, value)
    model = AutoModelForSequenceClassification.from_config(config)
    seed_weights(model)
    model.save_pretrained(folder)
    return folder


def save_roberta(folder: Path, **changes: object) -> Path:
    return save_classifier(folder, roberta_config(300), **changes)


def with_teacher(folder: Path, **teacher: object) -> Recipe:
    return make_recipe(Path("unused"), teacher={"path": str(folder), "max_sequence_length": LENGTH, **teacher})


def oracle(folder: Path, dataset: Dataset, *, collapsed: bool = False) -> np.ndarray:
    """Each text alone, no padding, as the library's own users ask."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model.config.pad_token_id = tokenizer.pad_token_id
    logits = []
    for text in dataset.functions:
        given = collapse_whitespace(text) if collapsed else text
        ids = tokenizer(given, truncation=True, max_length=LENGTH, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            logits.append(model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].numpy())
    return np.stack(logits)


@pytest.mark.parametrize("kind", CONFIGS)
def test_each_architecture_gives_the_librarys_own_logits(kind, tmp_path):
    folder = save_classifier(tmp_path, CONFIGS[kind])
    logits = load_teacher(with_teacher(folder)).logits(FUNCTIONS)
    assert logits.std(axis=0).min() > 1e-3, "texts must differ, else nothing is compared"
    np.testing.assert_allclose(logits, oracle(folder, FUNCTIONS), atol=2e-4)


def test_a_plain_classifier_reads_the_text_as_it_stands(tmp_path):
    folder = save_roberta(tmp_path)
    raw, collapsed = (load_teacher(with_teacher(folder, **key)) for key in ({}, {"whitespace": "collapsed"}))
    np.testing.assert_allclose(raw.logits(LAID_OUT), oracle(folder, LAID_OUT), atol=1e-5)
    np.testing.assert_allclose(collapsed.logits(LAID_OUT), oracle(folder, LAID_OUT, collapsed=True), atol=1e-5)
    assert not np.allclose(raw.logits(LAID_OUT), collapsed.logits(LAID_OUT), atol=1e-3)
    assert raw.sha256 != collapsed.sha256


def test_a_papers_teacher_reads_collapsed_text(tmp_path):
    folder = save_roberta(tmp_path)
    model = PapersVulnerability(roberta_config(300, num_labels=2))
    model.encoder.load_state_dict(AutoModelForSequenceClassification.from_pretrained(folder).state_dict())
    path = save_papers(model, tmp_path / "papers.bin")
    settings = {"kind": "papers", "encoder": str(folder), "num_attention_heads": 4}
    logits = load_teacher(with_teacher(path, **settings)).logits(LAID_OUT)
    np.testing.assert_allclose(logits, oracle(folder, LAID_OUT, collapsed=True)[:, ::-1], atol=1e-5)


@pytest.mark.parametrize("whitespace", ["raw", "collapsed"])
def test_a_finetuned_teacher_reads_what_it_was_trained_on(encoder, tmp_path, whitespace):
    recipe = make_recipe(encoder)
    recipe = replace(recipe, finetune=replace(recipe.finetune, whitespace=whitespace))
    finetune(recipe, tmp_path, labelled=LAID_OUT, valid=LAID_OUT, quiet=True)
    assert load_teacher(with_teacher(tmp_path)).whitespace == whitespace
    other = "raw" if whitespace == "collapsed" else "collapsed"
    with pytest.raises(TeacherError, match=rf"{whitespace} white space, the recipe asks for {other}; leave teacher\."):
        load_teacher(with_teacher(tmp_path, whitespace=other))


def test_a_teacher_from_before_white_space_was_recorded_reads_collapsed_text(encoder, tmp_path):
    finetune(make_recipe(encoder), tmp_path, labelled=FUNCTIONS, valid=FUNCTIONS, quiet=True)
    sheet = json.loads((tmp_path / SHEET).read_text())
    assert sheet.pop("whitespace") == "collapsed"
    (tmp_path / SHEET).write_text(json.dumps(sheet))
    assert load_teacher(with_teacher(tmp_path)).whitespace == "collapsed"


@pytest.mark.parametrize("name", ["gpt2", "distilbert", "modernbert", "llama", "qwen2", "deberta-v2"])
def test_any_encoder_is_finetuned(name, tmp_path):
    folder = save_classifier(tmp_path / "encoder", CONFIGS[name])
    recipe = make_recipe(folder)
    recipe = replace(recipe, finetune=replace(recipe.finetune, epochs=1, pooling="mean"))
    sheet = finetune(recipe, tmp_path / "out", labelled=FUNCTIONS, valid=FUNCTIONS, quiet=True)
    assert sheet.complete


def test_the_first_token_of_a_decoder_has_read_nothing(tmp_path):
    folder = save_classifier(tmp_path / "encoder", CONFIGS["gpt2"])
    with pytest.raises(TeacherError, match=r"first token has read nothing.*finetune\.pooling = 'mean'"):
        finetune(make_recipe(folder), tmp_path / "out", labelled=FUNCTIONS, valid=FUNCTIONS, quiet=True)


@pytest.mark.parametrize("names", [("Vulnerable", "Safe"), ("VULNERABLE", "SAFE ")])
def test_label_names_are_compared_without_case(names, tmp_path):
    folder = save_roberta(tmp_path, id2label=dict(enumerate(names)))
    logits = load_teacher(with_teacher(folder)).logits(FUNCTIONS)
    np.testing.assert_allclose(logits, oracle(folder, FUNCTIONS)[:, ::-1], atol=1e-5)


def test_foreign_label_names_are_asked_about(tmp_path):
    folder = save_roberta(tmp_path, id2label={0: "bad", 1: "good"})
    with pytest.raises(TeacherError, match=r"outputs are bad, good, the task's labels safe, vulnerable.*columns"):
        load_teacher(with_teacher(folder))
    logits = load_teacher(with_teacher(folder, columns=["vulnerable", "safe"])).logits(FUNCTIONS)
    np.testing.assert_allclose(logits, oracle(folder, FUNCTIONS)[:, ::-1], atol=1e-5)


def test_one_output_is_the_log_odds_of_the_positive_label(tmp_path):
    folder = save_roberta(tmp_path, num_labels=1)
    logits = load_teacher(with_teacher(folder)).logits(FUNCTIONS)
    np.testing.assert_allclose(logits[:, 1], oracle(folder, FUNCTIONS)[:, 0], atol=1e-5)
    np.testing.assert_array_equal(logits[:, 0], 0)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_codexglues_own_defect_checkpoint_is_read(prefix, tmp_path):
    folder = save_roberta(tmp_path, num_labels=1)
    plain = AutoModelForSequenceClassification.from_pretrained(folder).state_dict()
    torch.save({f"{prefix}encoder.{name}": value for name, value in plain.items()}, tmp_path / "model.bin")
    settings = {"kind": "papers", "encoder": str(folder), "num_attention_heads": 4}
    logits = load_teacher(with_teacher(tmp_path / "model.bin", **settings)).logits(FUNCTIONS)
    np.testing.assert_allclose(logits[:, 1], oracle(folder, FUNCTIONS, collapsed=True)[:, 0], atol=1e-5)
    np.testing.assert_array_equal(logits[:, 0], 0)


def test_unused_rows_of_the_embedding_do_no_harm(tmp_path):
    config = roberta_config(300)
    save_classifier(tmp_path, config)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    model.resize_token_embeddings(300 + 120, mean_resizing=False)
    model.save_pretrained(tmp_path)
    np.testing.assert_allclose(
        load_teacher(with_teacher(tmp_path)).logits(FUNCTIONS), oracle(tmp_path, FUNCTIONS), atol=1e-5
    )


@pytest.mark.parametrize(
    ("tokenizer", "model", "fits"),
    [(151_665, 151_936, True), (50_295, 51_200, True), (5, 50_265, False), (30_522, 50_265, False)],
)
def test_how_far_tokenizer_and_embedding_may_differ(tokenizer, model, fits):
    from codewren.train.teachers.pretrained import fits_vocabulary

    assert fits_vocabulary(tokenizer, model) is fits


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda f: f.write_bytes(f.read_bytes()[:-100]), "cannot be loaded"),
        (lambda f: f.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "git-lfs pointer"),
    ],
)
def test_broken_weights_are_one_line(tmp_path, broken, message):
    folder = save_roberta(tmp_path)
    broken(folder / "model.safetensors")
    with pytest.raises(TeacherError, match=message):
        load_teacher(with_teacher(folder))


def test_a_multi_label_head_is_no_softmax(tmp_path):
    folder = save_roberta(tmp_path, problem_type="multi_label_classification")
    with pytest.raises(TeacherError, match="a multi-label classifier"):
        load_teacher(with_teacher(folder))


def test_an_adapter_without_its_model_says_so(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(TeacherError, match="a LoRA adapter without its model; merge them"):
        load_teacher(with_teacher(tmp_path))


def test_a_tokenizer_without_padding_is_one_line(tmp_path):
    folder = save_classifier(tmp_path, CONFIGS["gpt2"])
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings.pop("pad_token")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(TeacherError, match="no padding token"):
        load_teacher(with_teacher(folder))


def test_a_teacher_of_equal_weights_and_other_heads_is_another_teacher(tmp_path):
    folder = save_roberta(tmp_path)
    before = load_teacher(with_teacher(folder)).sha256
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "num_attention_heads": 2, "_name_or_path": "x"}))
    assert load_teacher(with_teacher(folder)).sha256 != before
    (folder / "config.json").write_text(json.dumps({**settings, "_name_or_path": "x", "architectures": []}))
    assert load_teacher(with_teacher(folder)).sha256 == before


def test_a_teacher_whose_tokenizer_cuts_otherwise_is_another_teacher(tmp_path):
    folder = save_roberta(tmp_path)
    before = load_teacher(with_teacher(folder))
    before.logits(FUNCTIONS)  # sets truncation in the tokenizer
    file = folder / "tokenizer.json"
    assert load_teacher(with_teacher(folder)).sha256 == before.sha256
    file.write_text(json.dumps({**json.loads(file.read_text()), "normalizer": {"type": "Lowercase"}}))
    assert load_teacher(with_teacher(folder)).sha256 != before.sha256
