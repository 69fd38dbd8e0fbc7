"""Logits files as a teacher: several averaged, and labels where there is no file."""

import numpy as np
import pytest

from codewren.core.dataset import Dataset
from codewren.core.errors import InputError
from codewren.core.task import VULNERABILITY
from codewren.train.batches import encode_split, make_batch
from codewren.train.teachers.logits_teacher import FileTeacher
from codewren.train.tokenizer_training import train_tokenizer


def dataset(split, labels=(0, 1, 1)):
    texts = tuple(f"int f{index}() {{ return {index}; }}" for index in range(len(labels)))
    items = tuple((index,) for index in range(len(labels)))
    return Dataset(VULNERABILITY, split, texts, texts, items, tuple(labels), texts)


@pytest.fixture
def files(tmp_path):
    first, second = np.array([[1, 2], [3, 4], [5, 6]]), np.array([[3, 0], [1, 0], [1, 2]])
    for name, logits in (("a", first), ("b", second)):
        np.save(tmp_path / f"{name}.npy", logits.astype(np.float32))
    return tmp_path / "a.npy", tmp_path / "b.npy"


def test_logits_of_several_files_are_averaged(files):
    logits = FileTeacher(files, ("unlabelled",)).logits(dataset("unlabelled"))
    assert logits.tolist() == [[2, 1], [2, 2], [3, 4]]


def test_other_splits_teach_their_labels(files):
    teacher = FileTeacher(files, ("unlabelled", "labelled"), label_margin=4.0)
    assert teacher.logits(dataset("labelled")).tolist() == [[2, -2], [-2, 2], [-2, 2]]
    assert teacher.logits(dataset("unlabelled")).tolist() == [[2, 1], [2, 2], [3, 4]]
    assert not teacher.covers("valid")


def test_an_item_without_label_cannot_teach_it(files):
    with pytest.raises(InputError, match="have no label"):
        FileTeacher(files, ("labelled",), label_margin=4.0).logits(dataset("labelled", (0, None, 1)))


def test_the_margin_is_part_of_what_the_logits_depend_on(files):
    hashes = {FileTeacher(files, ("unlabelled",), margin).sha256 for margin in (0.0, 2.0, 4.0)}
    assert len(hashes) == 3
    assert FileTeacher(files[:1], ("unlabelled",)).sha256 not in hashes


def test_renamed_copies_stand_in_for_the_functions():
    data = dataset("unlabelled")
    other = {text: text.replace("return", "yield") for text in data.functions}
    spec = train_tokenizer("word", 40, [*data.functions, *other.values()])
    split = encode_split(data, spec, max_length=40, copies=[other])
    plain = encode_split(data, spec, max_length=40)
    renamed = encode_split(dataset("unlabelled"), spec, max_length=40, copies=[{t: t for t in data.functions}])
    rng = np.random.default_rng
    items = np.arange(3)
    expected = np.concatenate(split.copies[0]).tolist()
    shown = make_batch(split, items, rng=rng(0), rename=1.0)
    assert shown.ids_N.tolist() == expected
    assert make_batch(split, items, rng=rng(0)).ids_N.tolist() == make_batch(plain, items).ids_N.tolist()
    assert make_batch(renamed, items, rng=rng(0), rename=0.5).ids_N.tolist() == make_batch(plain, items).ids_N.tolist()
    assert shown.ids_N.tolist() != make_batch(plain, items).ids_N.tolist()
