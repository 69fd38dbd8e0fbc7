"""The teacher of words and word pairs, against data whose answer is known."""

import random
from pathlib import Path

import numpy as np
import pytest

from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.data.load import load_split
from codewren.train.teachers.ngrams import NgramTeacher
from codewren.train.teachers.teacher import load_teacher


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
