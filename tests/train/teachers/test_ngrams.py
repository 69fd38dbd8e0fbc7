"""The teacher of words and word pairs, against data whose answer is known."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.core.task import Kind, Task, Unit
from codewren.data.load import load_split
from codewren.measure.label_sets import sets, sigmoid
from codewren.measure.task_quality import logits_predictions, task_predictions, task_probabilities
from codewren.train.teachers.ngrams import NgramTeacher
from codewren.train.teachers.teacher import load_teacher
from codewren.train.teachers.word_regression import WordRegression


def recipe_of(folder: Path, *, noise: float = 0.0, task: str = "vulnerability") -> Recipe:
    """A data set whose label is whether a function calls `strcpy`, but for `noise` of it."""
    rng = random.Random(0)
    words = [f"word{index}" for index in range(50)]
    for split, count in (("labelled", 200), ("unlabelled", 200), ("valid", 100)):
        lines = []
        for index in range(count):
            bad = rng.random() < 0.5
            body = " ".join(rng.choices(words, k=10)) + (" strcpy" if bad else " strlcpy")
            label = bad ^ (rng.random() < noise)
            lines.append(f'{{"idx": {index}, "func": "void f() {{ {body} }}", "target": {int(label)}}}')
        (folder / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    data = {split: {"path": f"{split}.jsonl", "label": "target"} for split in ("labelled", "unlabelled", "valid")}
    return Recipe.from_dict(
        {
            "task": {"name": task},
            "data": data,
            "teacher": {"kind": "ngrams"},
            "distil": {"train_on": ["labelled", "unlabelled"]},
        },
        folder,
    )


def accuracy(teacher: NgramTeacher, recipe: Recipe, split: str) -> float:
    dataset = load_split(recipe, split)
    return float((teacher.logits(dataset).argmax(axis=1) == np.asarray(dataset.known_labels())).mean())


def test_it_learns_the_word_that_decides(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path)
    assert accuracy(NgramTeacher(recipe), recipe, "valid") == 1.0


def test_what_it_learnt_from_is_judged_out_of_fold(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, noise=0.5)  # labels are coin tosses: in fold it would know them, out of fold it cannot
    teacher = NgramTeacher(recipe)
    assert 0.35 < accuracy(teacher, recipe, "labelled") < 0.65
    fitted = teacher._fitted
    assert fitted is not None
    dataset = load_split(recipe, "labelled")
    fitted.out_of_fold.clear()
    in_fold = (teacher.logits(dataset).argmax(axis=1) == np.asarray(dataset.known_labels())).mean()
    assert in_fold > 0.7


def test_copies_of_a_function_are_never_on_both_sides(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, noise=0.5)
    for split in ("labelled", "unlabelled"):
        path = tmp_path / f"{split}.jsonl"
        path.write_text((tmp_path / "labelled.jsonl").read_text(encoding="utf-8"), encoding="utf-8")
    assert 0.35 < accuracy(NgramTeacher(recipe), recipe, "unlabelled") < 0.65


def test_a_part_of_what_was_learnt_from_is_refused(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path)
    with pytest.raises(TeacherError, match="3 items of split 'labelled', learnt from 200"):
        NgramTeacher(recipe).logits(load_split(recipe, "labelled").subset(range(3)))


def test_other_labels_give_another_hash(tmp_path: Path) -> None:
    first = NgramTeacher(recipe_of(tmp_path)).sha256
    assert first == NgramTeacher(recipe_of(tmp_path)).sha256
    assert first != NgramTeacher(recipe_of(tmp_path, noise=0.1)).sha256


def test_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TeacherError, match="single functions"):
        load_teacher(recipe_of(tmp_path, task="clone"))


KINDS = {
    "single-label": (("none", "read", "write"), ["none", "read", "write", "write"]),
    "ordinal": (("none", "read", "write"), ["none", "read", "write", "write"]),
    "multi-label": (("read", "write"), [[], ["read"], ["write"], ["read", "write"]]),
}


def recipe_of_kind(folder: Path, kind: str) -> Recipe:
    """Labels that follow from two words of the body: none, either, or both of them."""
    labels, answers = KINDS[kind]
    rng = random.Random(0)
    for split, count in (("labelled", 240), ("valid", 80)):
        rows = []
        for index in range(count):
            case = rng.randrange(4)
            body = " ".join(rng.choices("abcdefgh", k=6) + ["read"] * (case & 1) + ["write"] * (case >> 1))
            rows.append(json.dumps({"idx": index, "func": f"void f() {{ {body} }}", "label": answers[case]}))
        (folder / f"{split}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    task = {"name": "calls", "unit": "function", "labels": list(labels), "positive": "write", "kind": kind}
    data = {split: {"path": f"{split}.jsonl"} for split in ("labelled", "valid")}
    sections = {"teacher": {"kind": "ngrams"}, "distil": {"train_on": ["labelled"]}}
    return Recipe.from_dict({"task": task, "data": data, **sections}, folder)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", ["labelled", "valid"])
def test_words_learn_tasks_of_every_kind(tmp_path: Path, kind: str, split: str) -> None:
    recipe = recipe_of_kind(tmp_path, kind)
    dataset = load_split(recipe, split)
    logits = NgramTeacher(recipe).logits(dataset)
    assert logits.shape == (len(dataset), len(recipe.task.labels))
    assert (logits_predictions(recipe.task, logits) == np.asarray(dataset.known_labels())).mean() > 0.9


def test_kinds_of_task_give_different_hashes(tmp_path: Path) -> None:
    assert len({NgramTeacher(recipe_of_kind(tmp_path, kind)).sha256 for kind in KINDS}) == len(KINDS)


def test_outputs_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    features, several = rng.normal(size=(90, 5)), Task("t", Unit.FUNCTION, ("a", "b", "c"), "a", kind=Kind.MULTI_LABEL)
    labels = features[:, :3].argmax(axis=1)
    ours = WordRegression.fit(features, labels, replace(several, kind=Kind.SINGLE_LABEL), LogisticRegression)
    theirs = LogisticRegression().fit(features, labels).predict_log_proba(features)
    np.testing.assert_allclose(ours.logits(features), theirs)
    there = features[:, :3] > 0.2
    ours = WordRegression.fit(features, sets(there), several, LogisticRegression)
    theirs = OneVsRestClassifier(LogisticRegression()).fit(features, there).predict_proba(features)
    np.testing.assert_allclose(sigmoid(ours.logits(features)), theirs)


@pytest.mark.parametrize("kind", [Kind.SINGLE_LABEL, Kind.ORDINAL, Kind.MULTI_LABEL])
def test_a_label_that_no_item_has_is_unlikely_and_finite(kind: Kind) -> None:
    task = Task("t", Unit.FUNCTION, ("a", "b", "c"), "a", kind=kind)
    features = np.eye(2)[[0, 1] * 20]
    labels = np.array([0b001, 0b010] * 20 if kind is Kind.MULTI_LABEL else [0, 1] * 20)
    found = WordRegression.fit(features, labels, task, LogisticRegression).logits(features)
    assert np.isfinite(found).all()
    assert task_probabilities(task, found)[:, 2].max() < 0.05
    alone = WordRegression.fit(features, labels * 0 + 1, task, LogisticRegression).logits(features)
    assert task_predictions(task, task_probabilities(task, alone)).tolist() == [1] * 40
