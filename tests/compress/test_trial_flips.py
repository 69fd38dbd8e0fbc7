"""Flips of a trial: of several draws of names, none of them the one that is reported."""

import json
import shutil

import pytest
import torch

from codewren.compress.flips import edited_splits, flips_of
from codewren.compress.run import Run
from codewren.compress.stage_distil import trial_student
from codewren.compress.trial_flips import DRAWS, SEED, trial_flips
from codewren.core.pareto import ParetoFront
from codewren.core.recipe import Recipe
from codewren.train.batches import encode_split
from codewren.train.distil import predict_logits
from codewren.train.student import Student
from commands import run

SETTINGS = ("search.strategy=wren", "search.trials=3", "search.trial_epochs=1", "distil.epochs=1")


@pytest.fixture(scope="module")
def trained(clone_task, tmp_path_factory):
    """A student of functions that have variables."""
    out, task = tmp_path_factory.mktemp("trial"), tmp_path_factory.mktemp("task")
    shutil.copytree(clone_task, task, dirs_exist_ok=True)
    texts = [
        f"int run(int left{i % 7}, int b) {{ int sum{i % 5} = left{i % 7} * b; return sum{i % 5}; }}"
        for i in range(300)
    ]
    lines = [json.dumps({"idx": f"f{i}", "func": text}) for i, text in enumerate(texts)]
    (task / "functions.jsonl").write_text("\n".join(lines))
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    run("label", task / "recipe.toml", "--out", out, "--quiet", *settings)
    run("search", task / "recipe.toml", "--out", out, "--quiet", *settings)
    opened = Run(Recipe.load(task / "recipe.toml", SETTINGS), out, quiet=True)
    front = ParetoFront.from_dict(json.loads((out / "front.json").read_text()))
    return opened, trial_student(opened, front.candidates[0].config)


def test_every_draw_counts_and_none_is_the_one_that_evaluate_reports(trained):
    opened, student = trained
    valid = opened.dataset("valid")
    network = Student(student.config, opened.recipe.task, seed=0)
    network.load_state_dict({name: torch.from_numpy(values) for name, values in student.distilled.tensors.items()})

    def labels(dataset):
        split = encode_split(dataset, student.tokenizer, max_length=student.config.max_sequence_length)
        return predict_logits(network, split).argmax(axis=1)

    draws = [edited_splits(valid, seed=SEED + draw, only=("rename",)) for draw in range(DRAWS)]
    found = [flips_of(labels, valid, draw)["rename"] for draw in draws]
    counted = sum(int(one.flipped_N.sum()) for one in found) / sum(int(one.edited_N.sum()) for one in found)
    assert all(one.edited_N.all() for one in found)
    assert trial_flips(opened, student.config, student.tokenizer, student.distilled) == counted
    texts = {draw["rename"].dataset.functions for draw in (*draws, edited_splits(valid, only=("rename",)))}
    assert len(texts) == DRAWS + 1 > 2
