"""A teacher that words beat is told of before a student is trained, and in the report."""

import json
from statistics import NormalDist

import numpy as np
import pytest

from codewren.compress.path import compress
from codewren.compress.run import Run
from codewren.compress.stage_label import label_splits
from codewren.compress.teacher_worth import report_teacher_worth, teacher_worth
from codewren.compress.words_baseline import report_words
from codewren.core.errors import InputError
from codewren.core.recipe import Recipe
from codewren.core.task import Kind, Task
from codewren.measure.task_quality import task_quality

ITEMS = 120


def judged(auc_of, kind=Kind.MULTI_LABEL, seed=0):
    """Quality of scores whose positives lie so far above their negatives that the expected area is `auc_of`."""
    task = Task("k", "function", ("a", "b"), "a", kind=kind)
    rng = np.random.default_rng(seed)
    truth_NK = rng.random((500, 2)) < 0.2
    scores_NK = rng.normal(size=(500, 2)) + truth_NK * gap(auc_of)
    return task_quality(task, truth_NK @ [1, 2], 1 / (1 + np.exp(1 - scores_NK)))


def gap(auc):
    """Standard deviations between two normal clouds of this area: its probit times the root of two."""
    return NormalDist().inv_cdf(auc) * 2**0.5


def test_the_teacher_of_the_failed_run_would_have_been_told_of():
    (line,) = teacher_worth(judged(0.638), judged(0.863, seed=1))
    assert line.startswith("words alone reach AUC 0.8") and "check the teacher" in line


@pytest.mark.parametrize(("teacher", "words"), [(0.863, 0.638), (0.80, 0.81)])
def test_a_better_teacher_and_a_difference_within_noise_are_not(teacher, words):
    assert teacher_worth(judged(teacher), judged(words, seed=1)) == []


def made_task(folder, *, is_teacher_right, share=0.5):
    """Functions whose words tell the label, and a file of logits that knows it or knows nothing."""
    rng = np.random.default_rng(0)
    for split in ("unlabelled", "valid"):
        labels = [int(i % round(1 / share) == 1) for i in range(ITEMS)]
        rows = [{"func": f"int f{i}() {{ word{y}(); }}", "label": y} for i, y in enumerate(labels)]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        told = 8 * np.eye(2)[labels] - 4 if is_teacher_right else rng.normal(size=(ITEMS, 2))
        np.save(folder / f"{split}.npy", told.astype(np.float32))
    raw = {
        "task": {"name": "vulnerability"},
        "data": {split: {"path": f"{split}.jsonl"} for split in ("unlabelled", "valid")},
        "teacher": {"kind": "logits", "path": "{split}.npy"},
    }
    return Run(Recipe.from_dict(raw, folder), folder / "out")


@pytest.mark.parametrize("is_teacher_right", [True, False])
def test_a_run_says_it_once_the_teacher_has_labelled(tmp_path, capsys, is_teacher_right):
    made = made_task(tmp_path, is_teacher_right=is_teacher_right)
    report_words(made)
    label_splits(made)
    report_teacher_worth(made)
    assert ("warning: words alone reach AUC 1.000 on valid" in capsys.readouterr().err) is not is_teacher_right


def test_a_teacher_that_never_says_a_rare_label_is_not_told_that_its_columns_are_exchanged(tmp_path, capsys):
    made = made_task(tmp_path, is_teacher_right=True, share=0.025)
    for split in ("unlabelled", "valid"):
        logits = np.load(tmp_path / f"{split}.npy")
        np.save(tmp_path / f"{split}.npy", logits - [[-20, 20]])
    label_splits(made)
    said = capsys.readouterr().err
    assert "the teacher says the commonest label (0.975 of all) nearly always: judge it by AUC" in said
    assert "exchanged" not in said


def test_a_validation_item_without_label_is_told_before_anything_is_done(tmp_path):
    made = made_task(tmp_path, is_teacher_right=True)
    rows = (tmp_path / "valid.jsonl").read_text().replace('"label": 1', '"label": null', 1)
    (tmp_path / "valid.jsonl").write_text(rows)
    with pytest.raises(InputError, match="split 'valid': 1 of 120 items have no label"):
        compress(made)
    assert not made.out.exists()
