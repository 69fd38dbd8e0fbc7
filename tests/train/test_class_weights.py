"""Class weights: what rare labels count in each loss, checked against scikit-learn and copies of items."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from test_distil import CONFIG, OPTIONS, accuracy, split

from codewren.core.errors import RecipeError
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import DistilSection
from codewren.core.task import CLONE, VULNERABILITY, Kind, Task, Unit
from codewren.train.batches import Batch
from codewren.train.class_weights import item_weights
from codewren.train.distil import distil
from codewren.train.distillation_loss import distillation_loss

ORDER = Task("urgency", Unit.FUNCTION, ("low", "middle", "high"), "high", kind=Kind.ORDINAL)
CALLS = Task("calls", Unit.FUNCTION, ("files", "net", "time"), "net", kind=Kind.MULTI_LABEL)


@pytest.mark.parametrize(("task", "labels"), [(VULNERABILITY, [0] * 97 + [1] * 3), (ORDER, [0] * 6 + [1] * 3 + [2])])
def test_balanced_weights_of_known_labels_are_those_of_scikit_learn(task, labels):
    labels_N = np.array(labels)
    expected_C = compute_class_weight("balanced", classes=np.unique(labels_N), y=labels_N)
    weights = item_weights(task, "balanced", labels_N, None)
    np.testing.assert_allclose(weights[:, 0], expected_C[labels_N], rtol=1e-6)


def test_the_teachers_probabilities_stand_for_labels_that_are_not_known():
    logits = np.array([[3.0, -3.0]] * 9 + [[-3.0, 3.0]], dtype=np.float32)
    unknown = item_weights(VULNERABILITY, "balanced", np.full(10, -1), logits)
    known = item_weights(VULNERABILITY, "balanced", np.array([0] * 9 + [1]), logits)
    assert unknown[9] / unknown[0] == pytest.approx(known[9] / known[0], rel=0.1)
    assert not np.array_equal(unknown, known)


@pytest.mark.parametrize("asked", ["balanced", {"vulnerable": 20.0}])
def test_items_count_one_on_average(asked):
    weights = item_weights(VULNERABILITY, asked, np.array([0] * 90 + [1] * 10), None)
    assert weights.mean() == pytest.approx(1, rel=1e-5)
    assert weights[-1] / weights[0] == pytest.approx(9 if asked == "balanced" else 20, rel=1e-5)


def test_of_several_labels_each_is_balanced_for_itself():
    sets = np.array([0b001] * 8 + [0b010, 0b111])  # files 9 of 10, net 2, time 1
    weights = item_weights(CALLS, "balanced", sets, None)
    there = (sets[:, None] >> np.arange(3)) & 1
    np.testing.assert_allclose((weights * there).sum(axis=0), (weights * (1 - there)).sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(weights.mean(axis=0), 1, rtol=1e-5)


def test_a_label_that_no_item_has_changes_nothing():
    weights = item_weights(CALLS, "balanced", np.array([0b001, 0b000]), None)
    np.testing.assert_allclose(weights, 1)
    three = item_weights(ORDER, "balanced", np.array([0, 0, 0, 1]), None)
    two = item_weights(VULNERABILITY, "balanced", np.array([0, 0, 0, 1]), None)
    np.testing.assert_allclose(three, two)


@pytest.mark.parametrize("options", [
    DistilSection(temperature=2.0, hard_label_weight=0.3), DistilSection(loss="mse"),
    DistilSection(hard_label_weight=1.0),
])  # fmt: skip
@pytest.mark.parametrize("several", [False, True])
def test_a_weight_counts_as_copies_of_an_item_do(options, several):
    rng = np.random.default_rng(0)
    teacher, student = (torch.from_numpy(rng.normal(size=(4, 3)).astype(np.float32)) for _ in range(2))
    labels, copies = torch.tensor([0, 2, 1, 2]), torch.tensor([3, 1, 2, 2])
    weights = copies[:, None] * 4 / copies.sum()
    weights = weights.expand(-1, 3) if several else weights
    batch = _batch(teacher, labels)
    weighted = distillation_loss(student, batch, options, multi_label=several, weights=weights)
    many = torch.arange(4).repeat_interleave(copies)
    copied = distillation_loss(student[many], _batch(teacher[many], labels[many]), options, multi_label=several)
    assert weighted.item() == pytest.approx(copied.item(), rel=1e-5)


def _batch(logits, labels):
    nothing = torch.zeros(0, dtype=torch.long)
    return Batch(nothing, nothing, nothing, logits, labels)


def test_a_student_of_balanced_labels_finds_more_of_the_rare_one(tmp_path):
    """The teacher is unsure of everything, so that only the weights can lift the rare label."""
    train, valid = split(200), split(80, seed=1)
    rare = np.flatnonzero(train.labels == 1)[10:]
    kept = np.setdiff1d(np.arange(200), rare)
    thin = replace(train, items=train.items[kept], labels=train.labels[kept], logits=train.logits[kept] / 8)
    found = {}
    for asked in ("none", "balanced"):
        options = replace(OPTIONS, epochs=6, hard_label_weight=1.0, class_weights=asked)
        run = {"train": thin, "valid": valid, "options": options, "select": _said_rare, "quiet": True}
        found[asked] = distil(CONFIG, CLONE, out=tmp_path / asked, **run).score
    assert found["balanced"] > found["none"]


def _said_rare(labels, logits):
    probabilities = torch.from_numpy(logits).softmax(-1)[:, 1].numpy()
    return float(probabilities.mean())


def test_a_run_without_weights_is_the_run_it_was_and_one_with_them_another(tmp_path):
    options = replace(OPTIONS, epochs=1)
    for name, asked in (("none", "none"), ("even", {"clone": 1.0}), ("tenfold", {"clone": 10.0})):
        changed = replace(options, class_weights=asked)
        run = {"train": split(40), "valid": split(40, seed=1), "select": accuracy, "quiet": True}
        distil(CONFIG, CLONE, out=tmp_path / name, options=changed, **run)
    identities = {name: (tmp_path / name / "distil.json").read_text() for name in ("none", "even", "tenfold")}
    assert "class_weights" not in identities["none"]
    assert len(set(identities.values())) == 3


@pytest.mark.parametrize(("asked", "said"), [
    ("balance", "'balance' is not one of none, balanced, nor a table"),
    ({"vulnerabel": 3}, "no label 'vulnerabel'; did you mean 'vulnerable'?"),
    ({"vulnerable": 0}, "0 weighs items; wanted a number above 0"),
    ({"vulnerable": "much"}, "'much' weighs items"),
    ({}, "names no label"),
])  # fmt: skip
def test_weights_that_are_none_are_refused_when_the_recipe_is_read(asked, said):
    with pytest.raises(RecipeError, match=said.replace("?", r"\?")):
        Recipe.from_dict({"task": {"name": "vulnerability"}, "distil": {"class_weights": asked}})
