"""Teachers of every architecture read what transformers reads, and as the recipe says: raw or collapsed text."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from classifiers import CONFIGS, FUNCTIONS, LAID_OUT, LENGTH, oracle, save_classifier, save_roberta, with_teacher
from tiny import (
    PapersVulnerability,
    make_pairs,
    make_recipe,
    roberta_config,
    save_papers,
    save_tokenizer,
    seed_weights,
)
from tokenizers import Tokenizer, processors
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from codewren.core.dataset import Dataset
from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.train.teachers.finetune import finetune
from codewren.train.teachers.folder import SHEET
from codewren.train.teachers.teacher import load_teacher


@pytest.mark.parametrize("kind", CONFIGS)
def test_each_architecture_gives_the_librarys_own_logits(kind, tmp_path):
    folder = save_classifier(tmp_path, CONFIGS[kind])
    logits = load_teacher(with_teacher(folder)).logits(FUNCTIONS)
    assert logits.std(axis=0).min() > 1e-3, "texts must differ, else nothing is compared"
    np.testing.assert_allclose(logits, oracle(folder, FUNCTIONS), atol=1e-5)


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


def cross_oracle(folder: Path, dataset: Dataset) -> np.ndarray:
    """Each pair alone as the library's users ask, with the types of its own tokenizer."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    logits = []
    for i, j in dataset.items:
        first, second = dataset.functions[i], dataset.functions[j]
        given = tokenizer(first, second, truncation=True, max_length=LENGTH, return_tensors="pt")
        with torch.inference_mode():
            logits.append(model(**given).logits[0].numpy())
    return np.stack(logits)


def with_types(folder: Path) -> None:
    """A tokenizer that numbers the two texts of a pair, as BERT's does."""
    backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    special = [("<s>", 0), ("</s>", 2)]
    both = "<s> $A </s> $B:1 </s>:1"
    backend.post_processor = processors.TemplateProcessing("<s> $A </s>", both, special_tokens=special)
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, model_input_names=inputs, **names)
    fast.save_pretrained(folder)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("kind", ["bert", "roberta", "modernbert", "xlnet"])
def test_a_cross_encoder_reads_the_pair_as_one_text(kind, outputs, tmp_path):
    config = CONFIGS.get(kind) or roberta_config(300)
    folder = save_classifier(tmp_path, config, num_labels=outputs)
    if kind == "bert":
        with_types(folder)
    pairs = make_pairs(9)
    recipe = make_recipe(Path("unused"), "clone", teacher={"path": str(folder), "max_sequence_length": LENGTH})
    logits = load_teacher(recipe).logits(pairs)
    wanted = cross_oracle(folder, pairs)
    assert wanted.std(axis=0).min() > 1e-3
    if outputs == 1:
        wanted = np.stack([np.zeros(len(wanted)), wanted[:, 0]], axis=1)
    np.testing.assert_allclose(logits, wanted, atol=1e-5)
    with pytest.raises(TeacherError, match="no data flow"):
        load_teacher(replace(recipe, teacher=replace(recipe.teacher, data_flow=True)))


def save_sentence_encoder(folder: Path, *, mean: bool, normalise: bool = True) -> Path:
    """Laid out as sentence-transformers does; weights from their names."""
    size = save_tokenizer(folder)
    model = transformers.RobertaModel(roberta_config(size))
    seed_weights(model)
    model.save_pretrained(folder)
    kinds = ["Transformer", "Pooling", *["Normalize"] * normalise]
    paths = ["", "1_Pooling", "2_Normalize"]
    types = [f"sentence_transformers.models.{kind}" for kind in kinds]
    modules = [{"type": kind, "path": path} for kind, path in zip(types, paths, strict=False)]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 16, "pooling_mode_cls_token": not mean, "pooling_mode_mean_tokens": mean}
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 30, "do_lower_case": False}))
    return folder


def sentence_recipe(folder: Path, tmp_path: Path, labels: list[int]) -> tuple[Recipe, Dataset]:
    pairs = replace(make_pairs(len(labels)), labels=tuple(labels))
    rows = [
        {"func1": first, "func2": second, "label": label}
        for (first, second), label in zip(pairs.sources(), labels, strict=True)
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    labelled = {"path": "pairs.jsonl", "text": "func1", "text2": "func2"}
    data = {"root": str(tmp_path), "labelled": labelled}
    return make_recipe(Path("unused"), "clone", data=data, teacher={"path": str(folder)}), pairs


def cosines(folder: Path, pairs: Dataset, *, mean: bool) -> np.ndarray:
    """Each text alone, in plain transformers."""
    model = transformers.RobertaModel.from_pretrained(folder, add_pooling_layer=False).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def vector(text: str) -> torch.Tensor:
        ids = tokenizer(text, truncation=True, max_length=30, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            hidden = model(input_ids=ids).last_hidden_state[0]
        return hidden.mean(0) if mean else hidden[0]

    found = [torch.nn.functional.cosine_similarity(*map(vector, texts), dim=0) for texts in pairs.sources()]
    return np.asarray([float(cosine) for cosine in found])


@pytest.mark.parametrize("mean", [True, False])
def test_a_sentence_encoder_compares_pairs_by_a_cosine_that_labels_give_a_meaning(mean, tmp_path):
    folder = save_sentence_encoder(tmp_path / "encoder", mean=mean)
    wanted = cosines(folder, make_pairs(60), mean=mean)
    labels = [int((cosine > np.median(wanted)) ^ (index % 7 == 0)) for index, cosine in enumerate(wanted)]
    recipe, pairs = sentence_recipe(folder, tmp_path, labels)
    teacher = load_teacher(recipe)
    odds = np.diff(teacher.logits(pairs), axis=1)[:, 0]
    scale, middle = float(teacher.network.scale), float(teacher.network.middle)
    np.testing.assert_allclose(odds, scale * (wanted - middle), atol=1e-5 * scale)
    probabilities = 1 / (1 + np.exp(-odds))
    assert abs(probabilities.mean() - np.mean(labels)) < 0.01, "a property of logistic regression's fit"
    recipe, _ = sentence_recipe(folder, tmp_path, [1 - label for label in labels])
    with pytest.raises(TeacherError, match="cosines are no larger for 'clone' pairs"):
        load_teacher(recipe)


def test_what_a_sentence_encoder_cannot_do_is_one_line(tmp_path):
    folder = save_sentence_encoder(tmp_path / "encoder", mean=True)
    with pytest.raises(TeacherError, match="compares two texts, task 'vulnerability' does not"):
        load_teacher(with_teacher(folder))
    recipe, _ = sentence_recipe(folder, tmp_path, [1] * 60)
    with pytest.raises(TeacherError, match="60 labelled pairs of one label"):
        load_teacher(recipe)
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps([*modules[:2], {"type": "x.Dense", "path": "2"}]))
    with pytest.raises(TeacherError, match="modules Transformer, Pooling, Dense; only"):
        load_teacher(recipe)
