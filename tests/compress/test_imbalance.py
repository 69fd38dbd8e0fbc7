"""Rare labels are told of before anything is trained, with the keys that do not suit them."""

from dataclasses import replace
from pathlib import Path

import pytest

from codewren.compress.imbalance import imbalance
from codewren.core.dataset import Dataset
from codewren.core.recipe import Recipe
from codewren.core.task import VULNERABILITY, Kind, Task, Unit


def split(task: Task, labels: list[int]) -> Dataset:
    numbers = tuple(str(index) for index in range(len(labels)))
    return Dataset(task, "valid", numbers, numbers, tuple((i,) for i in range(len(labels))), tuple(labels), numbers)


def recipe(task: Task = VULNERABILITY, **sections: dict[str, object]) -> Recipe:
    plain = {"name": task.name} if task is VULNERABILITY else task.to_dict()
    return Recipe.from_dict({"task": plain, **sections}, Path())


def test_one_percent_is_rare_and_the_line_says_what_to_set():
    lines = imbalance(recipe(), split(VULNERABILITY, [1] * 20 + [0] * 1980))
    assert lines == [
        "rare in valid (2,000 items): vulnerable 20; set distil.selection = 'auc' or 'mcc' (accuracy picks the student "
        "that never says them) and decision.threshold = 'f1' (little exceeds one half); distil.class_weights = "
        "'balanced' lets them count more, which may help or not"
    ]


def test_a_recipe_that_is_made_for_it_is_told_how_to_judge():
    ready = recipe(distil={"selection": "auc", "class_weights": "balanced"}, decision={"threshold": "f1"})
    (line,) = imbalance(ready, split(VULNERABILITY, [1] * 5 + [0] * 1000))
    assert line.endswith("judge by AUC, MCC and F1, not by accuracy; too few to judge: vulnerable")


@pytest.mark.parametrize("labels", [[0, 1] * 50, [1] * 6 + [0] * 94, []])
def test_what_is_common_enough_is_not_told_of(labels):
    assert imbalance(recipe(), split(VULNERABILITY, labels)) == []


def test_of_several_labels_each_may_be_rare():
    task = Task("calls", Unit.FUNCTION, ("files", "net"), "net", kind=Kind.MULTI_LABEL)
    (line,) = imbalance(recipe(task), split(task, [1] * 99 + [3]))
    assert "net 1;" in line
    assert "files" not in line
    assert imbalance(recipe(replace(task, kind=Kind.ORDINAL, labels=("a", "b", "c"), positive="c")), split(
        replace(task, kind=Kind.ORDINAL, labels=("a", "b", "c"), positive="c"), [0] * 99 + [2])) == []  # fmt: skip
