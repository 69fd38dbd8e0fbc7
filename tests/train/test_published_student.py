"""The papers' published students become bundles that judge as they did."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import PAPERS_HEADS, make_functions, make_pairs, papers_model, save_bpe, save_papers

import codewren
from codewren.bundle.write import write_bundle
from codewren.core.dataset import Dataset, collapse_whitespace
from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.core.student_config import Storage
from codewren.core.task import CLONE, VULNERABILITY, Task
from codewren.data.load import load_split
from codewren.measure.metrics import score
from codewren.predict.predictor import AnyPredictor
from codewren.train.published_student import PublishedStudent, import_published

LENGTH = 24


def bundle(path: Path, student: PublishedStudent, task: Task) -> AnyPredictor:
    write_bundle(path, task=task, config=student.config, tensors=student.tensors, tokenizer=student.tokenizer)
    return codewren.load(path)


def as_trained(model: torch.nn.Module, tokenizer: Path, data: Dataset) -> np.ndarray:
    """Probabilities the papers' way: ids, padding to the full length, mask, Hugging Face's own network, softmax."""
    from tokenizers import Tokenizer

    encoder = Tokenizer.from_file(str(tokenizer))
    rows = []
    for texts in data.sources() if data.task == CLONE else [(text,) for text in data.sources()]:
        ids = [[0, *encoder.encode(collapse_whitespace(text)).ids[: LENGTH - 2], 2] for text in texts]
        padded = torch.tensor([one + [1] * (LENGTH - len(one)) for one in ids])
        with torch.inference_mode():
            rows.append(model(padded, padded.ne(1)).softmax(-1)[0].numpy())
    return np.stack(rows)


@pytest.mark.parametrize("task", [VULNERABILITY, CLONE], ids=lambda task: task.name)
def test_an_imported_student_judges_as_hugging_faces_network(tmp_path, task):
    data = make_pairs(14) if task == CLONE else make_functions(14)
    size = save_bpe(tmp_path / "bpe.json")
    model = papers_model(task, size, seed=3)
    save_papers(model, tmp_path / "model.bin")
    student = import_published(
        tmp_path / "model.bin",
        tmp_path / "bpe.json",
        task=task,
        num_attention_heads=PAPERS_HEADS,
        max_sequence_length=LENGTH,
        storage=Storage.FP32,
    )
    wanted = as_trained(model, tmp_path / "bpe.json", data)
    if task == VULNERABILITY:
        wanted = wanted[:, ::-1]  # the papers' column 0 is the alarm
    found = bundle(tmp_path / "s.wren", student, task).predict_proba(data.sources())
    assert np.ptp(wanted[:, 0]) > 1e-3  # not a constant, which any import would match
    np.testing.assert_allclose(found, wanted, atol=2e-6)


def test_what_is_not_used_is_named(tmp_path):
    size = save_bpe(tmp_path / "bpe.json")
    save_papers(papers_model(CLONE, size, seed=0), tmp_path / "model.bin")
    student = import_published(
        tmp_path / "model.bin", tmp_path / "bpe.json", task=CLONE, num_attention_heads=4, max_sequence_length=LENGTH
    )
    assert set(student.unused) == {
        "encoder.embeddings.position_ids",
        "encoder.pooler.dense.weight",
        "encoder.pooler.dense.bias",
    }


def test_columns_may_be_declared(tmp_path):
    size = save_bpe(tmp_path / "bpe.json")
    save_papers(papers_model(VULNERABILITY, size, seed=0), tmp_path / "model.bin")
    heads = []
    for columns in ((), ("vulnerable", "safe"), ("safe", "vulnerable")):
        student = import_published(
            tmp_path / "model.bin",
            tmp_path / "bpe.json",
            task=VULNERABILITY,
            num_attention_heads=4,
            max_sequence_length=LENGTH,
            columns=columns,
        )
        heads.append(student.tensors["head.out.weight"])
    np.testing.assert_array_equal(heads[0], heads[1])
    np.testing.assert_array_equal(heads[0], heads[2][::-1])


@pytest.mark.parametrize(
    ("length", "vocabulary", "message"),
    [(49, 300, "max_sequence_length 49 exceeds its 48 positions"), (LENGTH, 290, "290 entries, .* has 300")],
)
def test_parts_that_do_not_belong_together_are_refused(tmp_path, length, vocabulary, message):
    save_bpe(tmp_path / "bpe.json", vocab_size=vocabulary)
    save_papers(papers_model(CLONE, 300, seed=0), tmp_path / "model.bin")
    with pytest.raises(TeacherError, match=message):
        import_published(
            tmp_path / "model.bin", tmp_path / "bpe.json", task=CLONE, num_attention_heads=4, max_sequence_length=length
        )


SOURCES = {
    "vulnerability": {"valid": {"path": "devign/valid.jsonl.xz", "label": "target"}},
    "clone": {"functions": {"path": "bcb/functions.jsonl.xz"}, "valid": {"path": "bcb/valid.tsv.xz"}},
}
# data/README.md of ../shared: accuracy, F1, MCC, AUC on the validation split.
FIGURES = {"vulnerability": (0.6021, 0.4382, 0.1640, 0.6406), "clone": (0.9453, 0.9436, 0.8920, 0.9688)}


def valid_split(shared: Path, name: str) -> Dataset:
    recipe = {"task": {"name": name}, "data": {"root": str(shared / "data"), **SOURCES[name]}}
    return load_split(Recipe.from_dict(recipe), "valid")


def published_scores(shared: Path, path: Path, data: Dataset, storage: Storage) -> list[float]:
    """Accuracy, F1, MCC, AUC of a published student through a bundle."""
    name = data.task.name
    student = import_published(
        shared / "reference" / f"compressor_codebert_{name}_3mb.bin",
        shared / "reference" / f"bpe_1000_{name}.json",
        task=data.task,
        num_attention_heads=8,
        storage=storage,
    )
    probabilities = np.asarray(bundle(path, student, data.task).predict_proba(data.sources()))
    labels = np.asarray(data.known_labels())
    return [score(metric, labels, probabilities, positive=1) for metric in ("accuracy", "f1", "mcc", "auc")]


@pytest.mark.slow
@pytest.mark.parametrize("storage", [Storage.FP32, Storage.FP16, Storage.INT8])
@pytest.mark.parametrize("name", sorted(FIGURES))
def test_the_published_students_give_the_published_figures(shared, tmp_path, name, storage):
    found = published_scores(shared, tmp_path / "s.wren", valid_split(shared, name), storage)
    if storage is Storage.INT8:
        assert found[0] >= FIGURES[name][0] - 0.002
    else:
        np.testing.assert_allclose(found, FIGURES[name], atol=5.1e-5)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_the_published_students_keep_their_accuracy_on_a_subset(shared, tmp_path, name):
    """The short form of the slow test: the first 100 items, near the figure of all, and the same in int8."""
    data = valid_split(shared, name).subset(range(100))
    plain, int8 = (
        published_scores(shared, tmp_path / f"{storage}.wren", data, storage)[0]
        for storage in (Storage.FP32, Storage.INT8)
    )
    three_errors = 3 * np.sqrt(FIGURES[name][0] * (1 - FIGURES[name][0]) / 100)
    assert abs(plain - FIGURES[name][0]) < three_errors
    assert abs(int8 - plain) <= 2 / 100
