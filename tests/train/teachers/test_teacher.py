"""Loading teachers strictly, and what their logits are."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import (
    PapersClone,
    PapersVulnerability,
    make_functions,
    make_pairs,
    make_recipe,
    roberta_config,
    save_papers,
    save_tokenizer,
)
from transformers import (
    AutoTokenizer,
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaModel,
)

from codewren.core.dataset import Dataset, collapse_whitespace
from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.core.task import Task
from codewren.train.teachers.finetune import finetune
from codewren.train.teachers.logits_file import write_logits
from codewren.train.teachers.teacher import load_teacher

FUNCTIONS = make_functions(9, split="unlabelled")
PAIRS = make_pairs(14, split="unlabelled")
LENGTH = 24


def with_teacher(task: str = "vulnerability", **teacher: object) -> Recipe:
    return make_recipe(Path("unused"), task, teacher={"max_sequence_length": LENGTH, **teacher})


def tokens_of(folder: Path, text: str) -> torch.Tensor:
    """One text alone, no padding: the plain way to ask a Hugging Face model."""
    ids = AutoTokenizer.from_pretrained(folder)(collapse_whitespace(text))["input_ids"]
    return torch.tensor([[*ids[: LENGTH - 1], ids[-1]] if len(ids) > LENGTH else ids])


def trained_from_scratch(seed: int, config: RobertaConfig) -> RobertaForSequenceClassification:
    torch.manual_seed(seed)
    return RobertaForSequenceClassification(config).eval()


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> Path:
    """Folder of a plain Hugging Face sequence classifier with its tokenizer."""
    folder = tmp_path_factory.mktemp("classifier")
    size = save_tokenizer(folder)
    trained_from_scratch(1, roberta_config(size, num_labels=2)).save_pretrained(folder)
    return folder


def oracle(folder: Path, dataset: Dataset) -> np.ndarray:
    model = RobertaForSequenceClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        return np.stack([model(tokens_of(folder, text)).logits[0].numpy() for text in dataset.functions])


def test_a_plain_classifier_gives_its_own_logits(classifier):
    teacher = load_teacher(with_teacher(path=str(classifier)))
    np.testing.assert_allclose(teacher.logits(FUNCTIONS), oracle(classifier, FUNCTIONS), atol=1e-5)


def test_columns_follow_the_classifiers_own_label_names(classifier, tmp_path):
    folder = shutil.copytree(classifier, tmp_path / "named")
    config = RobertaConfig.from_pretrained(folder)
    config.id2label = {0: "vulnerable", 1: "safe"}
    config.label2id = {"vulnerable": 0, "safe": 1}
    config.save_pretrained(folder)
    teacher = load_teacher(with_teacher(path=str(folder)))
    np.testing.assert_allclose(teacher.logits(FUNCTIONS), oracle(classifier, FUNCTIONS)[:, ::-1], atol=1e-5)


def test_columns_may_be_declared(classifier):
    plain = load_teacher(with_teacher(path=str(classifier)))
    turned = load_teacher(with_teacher(path=str(classifier), columns=["vulnerable", "safe"]))
    np.testing.assert_array_equal(turned.logits(FUNCTIONS), plain.logits(FUNCTIONS)[:, ::-1])
    assert turned.sha256 != plain.sha256
    with pytest.raises(TeacherError, match=r"\['vulnerable', 'ok'\] must name each label once: safe, vulnerable"):
        load_teacher(with_teacher(path=str(classifier), columns=["vulnerable", "ok"]))


def test_a_base_model_without_a_head_is_refused(encoder):
    with pytest.raises(TeacherError, match=r"4 weights of the model are not in the file.*classifier\.dense\.bias"):
        load_teacher(with_teacher(path=str(encoder)))


def test_a_folder_without_tokenizer_is_refused(classifier, tmp_path):
    folder = shutil.copytree(classifier, tmp_path / "bare", ignore=shutil.ignore_patterns("tokenizer*", "special*"))
    with pytest.raises(TeacherError, match="tokenizer"):
        load_teacher(with_teacher(path=str(folder)))


def test_a_tokenizer_of_another_model_is_refused(classifier, tmp_path):
    folder = shutil.copytree(classifier, tmp_path / "foreign")
    save_tokenizer(folder, vocab_size=420)
    with pytest.raises(TeacherError, match=r"the tokenizer has 3\d\d entries, the model 300; they do not belong"):
        load_teacher(with_teacher(path=str(folder)))


def test_another_number_of_labels_is_refused(classifier):
    raw = {"name": "cwe", "unit": "function", "labels": ["none", "a", "b"], "positive": "a"}
    recipe = replace(with_teacher(path=str(classifier)), task=Task.from_dict(raw))
    with pytest.raises(TeacherError, match="classifier of 2 labels, task 'cwe' has 3"):
        load_teacher(recipe)


def test_a_path_that_is_nowhere_is_refused_at_once(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(TeacherError, match=r"switched off \(HF_HUB_OFFLINE\)"):
        load_teacher(with_teacher(path="someone/some-model"))
    with pytest.raises(TeacherError, match="no such folder, and it is not a hub id"):
        load_teacher(with_teacher(path="./runs/missing"))
    with pytest.raises(TeacherError, match=r"teacher\.path is empty"):
        load_teacher(with_teacher())


@pytest.fixture(scope="module")
def siamese(encoder, tmp_path_factory) -> Path:
    """Folder of a fine-tuned pair teacher."""
    folder = tmp_path_factory.mktemp("siamese")
    recipe = make_recipe(encoder, "clone")
    finetune(recipe, folder, labelled=make_pairs(8), valid=make_pairs(4, split="valid"), quiet=True)
    return folder


def test_a_finetuned_pair_teacher_is_the_siamese_network_of_the_papers(siamese):
    """Compared with the two functions sent through Hugging Face's encoder alone and the head written out."""
    from safetensors.torch import load_file

    encoder = RobertaModel.from_pretrained(siamese, add_pooling_layer=False).eval()
    head = load_file(siamese / "head.safetensors")
    wanted = []
    with torch.inference_mode():
        for left, right in PAIRS.sources():
            firsts = [encoder(tokens_of(siamese, text)).last_hidden_state[0, 0] for text in (left, right)]
            inner = torch.tanh(head["dense.weight"] @ torch.cat(firsts) + head["dense.bias"])
            wanted.append((head["out.weight"] @ inner + head["out.bias"]).numpy())
    logits = load_teacher(with_teacher("clone", path=str(siamese))).logits(PAIRS)
    np.testing.assert_allclose(logits, np.stack(wanted), atol=1e-5)


def test_a_teacher_of_lower_cased_text_sees_no_case(siamese):
    plain, folded = (load_teacher(with_teacher("clone", path=str(siamese), lowercase=one)) for one in (False, True))
    loud, quiet = (
        replace(PAIRS, functions=tuple(change(text) for text in PAIRS.functions)) for change in (str.upper, str.lower)
    )
    assert not np.allclose(plain.logits(loud), plain.logits(quiet), atol=1e-5)
    np.testing.assert_array_equal(folded.logits(loud), folded.logits(quiet))
    np.testing.assert_allclose(folded.logits(loud), plain.logits(quiet), atol=1e-6)
    assert plain.sha256 != folded.sha256


def test_a_finetuned_teacher_of_another_task_is_refused(siamese):
    with pytest.raises(TeacherError, match=r"of task 'clone' \(pair.*the recipe's is 'vulnerability' \(function"):
        load_teacher(with_teacher(path=str(siamese)))


@pytest.mark.parametrize("name", ["head.safetensors", "model.safetensors"])
def test_a_damaged_teacher_is_refused(siamese, tmp_path, name):
    folder = shutil.copytree(siamese, tmp_path / "damaged")
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(TeacherError, match=rf"{name} is missing or not the file that teacher\.json names"):
        load_teacher(with_teacher("clone", path=str(folder)))


def papers_recipe(path: Path, folder: Path, task: str, **changes: object) -> Recipe:
    settings = {"kind": "papers", "path": str(path), "encoder": str(folder), "num_attention_heads": 4}
    return with_teacher(task, **{**settings, **changes})


def test_the_papers_vulnerability_checkpoint_has_the_alarm_in_column_0(classifier, tmp_path):
    model = PapersVulnerability(roberta_config(300, num_labels=2))
    model.encoder.load_state_dict(RobertaForSequenceClassification.from_pretrained(classifier).state_dict())
    path = save_papers(model, tmp_path / "model.bin")
    logits = load_teacher(papers_recipe(path, classifier, "vulnerability")).logits(FUNCTIONS)
    np.testing.assert_allclose(logits, oracle(classifier, FUNCTIONS)[:, ::-1], atol=1e-5)


def test_an_output_that_was_never_trained_counts_as_zero(classifier, tmp_path):
    """SPEC 4.1, item 2: softmax over (sigmoid's logit, 0) is the probability the papers trained."""
    model = PapersVulnerability(roberta_config(300, num_labels=2))
    model.encoder.load_state_dict(RobertaForSequenceClassification.from_pretrained(classifier).state_dict())
    path = save_papers(model, tmp_path / "model.bin")
    recipe = papers_recipe(path, classifier, "vulnerability", first_output_only=True)
    alarm = oracle(classifier, FUNCTIONS)[:, 0]
    logits = load_teacher(recipe).logits(FUNCTIONS)
    probability = np.exp(logits[:, 1]) / np.exp(logits).sum(axis=1)
    np.testing.assert_allclose(probability, 1 / (1 + np.exp(-alarm)), atol=1e-5)


def test_the_papers_clone_checkpoint_equals_its_encoder_and_head(encoder, siamese, tmp_path):
    """The same weights in both formats are the same teacher."""
    from safetensors.torch import load_file

    model = PapersClone(roberta_config(300))
    model.encoder.load_state_dict(
        RobertaModel.from_pretrained(siamese, add_pooling_layer=False).state_dict(), strict=False
    )
    head = load_file(siamese / "head.safetensors")
    model.classifier.load_state_dict({name.replace("out.", "out_proj."): value for name, value in head.items()})
    path = save_papers(model, tmp_path / "model.bin")
    papers = load_teacher(papers_recipe(path, encoder, "clone"))
    ours = load_teacher(with_teacher("clone", path=str(siamese)))
    np.testing.assert_allclose(papers.logits(PAIRS), ours.logits(PAIRS), atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder__extra": torch.zeros(1)}, r"1 tensors have no place in a RoBERTa classifier \(encoder\.extra\)"),
        ({"classifier__dense__bias": None}, r"of its head classifier\.dense\.bias is missing"),
        ({"encoder__encoder__layer__1__output__dense__bias": None}, r"encoder\.layer\.1\.output\.dense\.bias"),
        ({"classifier__out_proj__weight": torch.zeros(3, 16)}, r"shape \(3, 16\), task 'clone'.*wants \(2, 16\)"),
    ],
)
def test_a_papers_checkpoint_is_accounted_for_in_full(encoder, tmp_path, changes, message):
    path = save_papers(PapersClone(roberta_config(300)), tmp_path / "model.bin", **changes)
    with pytest.raises(TeacherError, match=message):
        load_teacher(papers_recipe(path, encoder, "clone"))


def test_a_vulnerability_checkpoint_is_no_clone_teacher(classifier, tmp_path):
    path = save_papers(PapersVulnerability(roberta_config(300, num_labels=2)), tmp_path / "model.bin")
    with pytest.raises(TeacherError, match=r"dense\.weight has shape \(16, 16\), task 'clone'.*another task"):
        load_teacher(papers_recipe(path, classifier, "clone"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_attention_heads": None}, r"teacher\.num_attention_heads is missing"),
        ({"num_attention_heads": 5}, "5 does not divide the checkpoint's hidden size 16"),
        ({"encoder": None}, r"teacher\.encoder is missing"),
        ({"max_sequence_length": 49}, "49 exceeds the 48 positions"),
    ],
)
def test_what_a_state_dict_does_not_hold_is_asked_for(encoder, tmp_path, changes, message):
    path = save_papers(PapersClone(roberta_config(300)), tmp_path / "model.bin")
    with pytest.raises(TeacherError, match=message):
        load_teacher(papers_recipe(path, encoder, "clone", **changes))


def test_nothing_in_a_checkpoint_is_executed(encoder, tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"a": Trap()}, tmp_path / "model.bin")
    with pytest.raises(TeacherError, match="not a state dict that can be read safely"):
        load_teacher(papers_recipe(tmp_path / "model.bin", encoder, "clone"))
    assert not (tmp_path / "sprung").exists()


def test_a_logits_file_is_a_teacher_of_the_splits_to_learn_from(tmp_path):
    logits = np.arange(18, dtype=np.float32).reshape(9, 2)
    write_logits(tmp_path / "l.npz", logits, FUNCTIONS, teacher_sha256="t")
    teacher = load_teacher(with_teacher(kind="logits", path=str(tmp_path / "l.npz")))
    np.testing.assert_array_equal(teacher.logits(FUNCTIONS), logits)
    assert teacher.covers("unlabelled")
    assert not teacher.covers("valid")


def test_a_logits_path_may_name_the_split(tmp_path):
    logits = np.zeros((9, 2), dtype=np.float32)
    write_logits(tmp_path / "l-valid.npz", logits, replace(FUNCTIONS, split="valid"), teacher_sha256="t")
    teacher = load_teacher(with_teacher(kind="logits", path=str(tmp_path / "l-{split}.npz")))
    assert teacher.covers("valid")
    np.testing.assert_array_equal(teacher.logits(replace(FUNCTIONS, split="valid")), logits)


def test_the_hash_follows_the_weights(classifier, tmp_path):
    first = load_teacher(with_teacher(path=str(classifier))).sha256
    assert load_teacher(with_teacher(path=str(classifier))).sha256 == first
    folder = shutil.copytree(classifier, tmp_path / "other")
    trained_from_scratch(2, roberta_config(300, num_labels=2)).save_pretrained(folder)
    assert load_teacher(with_teacher(path=str(folder))).sha256 != first
