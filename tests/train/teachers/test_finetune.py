"""Fine-tuning a tiny encoder."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny import make_functions, make_pairs, make_recipe
from transformers import T5Config, T5Model

from codewren.core.dataset import Dataset
from codewren.core.errors import InputError, TeacherError, TrainingError
from codewren.core.recipe import Recipe
from codewren.core.run_folder import CHECKPOINT, LOG
from codewren.core.task import Kind, Task, Unit
from codewren.measure.task_quality import logits_predictions
from codewren.train.teachers import finetune as module
from codewren.train.teachers.finetune import finetune
from codewren.train.teachers.folder import read_teacher, save_teacher
from codewren.train.teachers.pretrained import load_encoder
from codewren.train.teachers.teacher import load_teacher

SPLITS = {"labelled": make_functions(30), "valid": make_functions(10, split="valid")}
WEIGHTS = ("model.safetensors", "head.safetensors")


def with_options(recipe: Recipe, **changes: object) -> Recipe:
    return replace(recipe, finetune=replace(recipe.finetune, **changes))


def without_seconds(log: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


class Killed(BaseException):
    """Not an Exception, so that nothing can swallow it."""


@pytest.mark.parametrize("task", ["vulnerability", "clone"])
@pytest.mark.parametrize("kill_at", [1, 5, 8, 13])
def test_a_killed_run_resumes_to_the_last_digit(encoder, tmp_path, monkeypatch, task, kill_at):
    splits = SPLITS
    if task == "clone":
        splits = {"labelled": make_pairs(30), "valid": make_pairs(10, split="valid")}
    recipe = make_recipe(encoder, task)
    monkeypatch.setattr(module, "LOG_EVERY", 1)
    whole = finetune(recipe, tmp_path / "whole", **splits, quiet=True)
    step = module.FinetuneLoop.train_step

    def killing(run, indices):
        if run.step == kill_at:
            raise Killed
        return step(run, indices)

    monkeypatch.setattr(module.FinetuneLoop, "train_step", killing)
    with pytest.raises(Killed):
        finetune(recipe, tmp_path / "parts", **splits, checkpoint_every=3, quiet=True)
    torch.manual_seed(999)  # a new process knows nothing of the old one's generator
    monkeypatch.setattr(module.FinetuneLoop, "train_step", step)
    parts = finetune(recipe, tmp_path / "parts", **splits, checkpoint_every=3, quiet=True)

    assert parts == whole
    for name in WEIGHTS:
        one, other = (load_file(tmp_path / folder / name) for folder in ("whole", "parts"))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert without_seconds(tmp_path / "whole" / LOG) == without_seconds(tmp_path / "parts" / LOG)
    assert not (tmp_path / "parts" / CHECKPOINT).exists()


def test_every_parameter_is_trained(encoder, tmp_path):
    """The papers' scripts leave biases and LayerNorm gains as they were (SPEC 4.1, item 1)."""
    finetune(make_recipe(encoder), tmp_path, **SPLITS, quiet=True)
    before, after = load_file(encoder / "model.safetensors"), load_file(tmp_path / "model.safetensors")
    used = {name for name in before if not name.startswith("pooler.")}
    assert after.keys() == used
    # The keys' bias shifts all scores of a query alike, so softmax gives it no gradient but rounding.
    same = {name for name in used if torch.equal(before[name], after[name])}
    assert {name for name in same if "key.bias" not in name} == set()


def test_a_rule_in_the_text_is_learnt(encoder, tmp_path):
    recipe = with_options(make_recipe(encoder), epochs=6, learning_rate=5e-3, pooling="mean", max_sequence_length=48)
    sheet = finetune(recipe, tmp_path, labelled=make_functions(80), valid=make_functions(40, split="valid"), quiet=True)
    assert sheet.scores["accuracy"] >= 0.9


def test_the_kept_epoch_is_the_best_of_the_log(encoder, tmp_path):
    sheet = finetune(with_options(make_recipe(encoder), epochs=4), tmp_path, **SPLITS, quiet=True)
    epochs = [line for line in without_seconds(tmp_path / LOG) if "valid_accuracy" in line]
    best = max(line["valid_accuracy"] for line in epochs)
    assert len(epochs) == 4
    assert sheet.scores["accuracy"] == best
    assert epochs[sheet.epoch - 1]["valid_accuracy"] == best


def test_the_kept_teacher_gives_the_kept_scores(encoder, tmp_path):
    sheet = finetune(make_recipe(encoder), tmp_path, **SPLITS, quiet=True)
    network, tokenizer, _ = read_teacher(tmp_path)
    split = module.encode_for_teacher(tokenizer, SPLITS["valid"], max_length=sheet.max_sequence_length)
    predicted = module.teacher_logits(network, split, pad_id=tokenizer.pad_token_id).argmax(axis=1)
    assert np.mean(predicted == split.labels) == sheet.scores["accuracy"]


def test_a_finished_run_is_not_run_again(encoder, tmp_path, monkeypatch):
    first = finetune(make_recipe(encoder), tmp_path, **SPLITS, quiet=True)
    monkeypatch.setattr(module.FinetuneLoop, "train_epoch", lambda *_: pytest.fail("trained again"))
    assert finetune(make_recipe(encoder), tmp_path, **SPLITS, quiet=True) == first


def test_a_folder_of_other_settings_is_refused(encoder, tmp_path):
    finetune(make_recipe(encoder), tmp_path, **SPLITS, quiet=True)
    with pytest.raises(TrainingError, match="other settings or data"):
        finetune(with_options(make_recipe(encoder), seed=1), tmp_path, **SPLITS, quiet=True)
    other = {**SPLITS, "labelled": make_functions(29)}
    with pytest.raises(TrainingError, match="other settings or data"):
        finetune(make_recipe(encoder), tmp_path, **other, quiet=True)


def test_divergence_stops_and_keeps_the_checkpoint(encoder, tmp_path):
    recipe = with_options(make_recipe(encoder), learning_rate=1e30, max_grad_norm=0.0, epochs=3)
    with pytest.raises(TrainingError, match=r"loss is nan at step \d+ of 24; .*learning_rate \(now 1e\+30\)"):
        finetune(recipe, tmp_path, **SPLITS, checkpoint_every=1, quiet=True)
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["network"]


def test_a_damaged_checkpoint_is_one_clear_error(encoder, tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(TrainingError, match="cannot be read"):
        finetune(make_recipe(encoder), tmp_path, **SPLITS, quiet=True)


def test_a_full_disk_leaves_the_teacher_that_was_there(encoder, tmp_path, monkeypatch):
    sheet = finetune(make_recipe(encoder), tmp_path, **SPLITS, quiet=True)
    network, tokenizer, _ = read_teacher(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(tokenizer), "save_pretrained", full)
    with pytest.raises(InputError, match=r"cannot write the teacher to .*No space left on device.*free space"):
        save_teacher(tmp_path, network, tokenizer, sheet)
    assert read_teacher(tmp_path)[2] == sheet
    assert not list(tmp_path.glob(".teacher*"))


def test_an_encoder_decoder_is_refused(tmp_path):
    config = T5Config(vocab_size=300, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5Model(config).save_pretrained(tmp_path)
    with pytest.raises(TeacherError, match=r"is an encoder-decoder \(t5\); give a plain encoder"):
        load_encoder(str(tmp_path), attention="eager")


def test_a_sequence_longer_than_the_positions_is_refused(encoder, tmp_path):
    recipe = with_options(make_recipe(encoder), max_sequence_length=49)
    with pytest.raises(TeacherError, match="49 exceeds the 48 positions"):
        finetune(recipe, tmp_path, **SPLITS, quiet=True)


def test_the_longest_sequence_allowed_runs(encoder, tmp_path):
    recipe = with_options(make_recipe(encoder), max_sequence_length=48, epochs=1, precision="bf16")
    assert finetune(recipe, tmp_path, **SPLITS, quiet=True).complete


@pytest.mark.parametrize("kind", ["multi-label", "ordinal"])
def test_tasks_of_other_kinds_are_learnt_and_taught_from(encoder, tmp_path, kind):
    """What is there follows from the text, so that a teacher that learnt sets as single labels could not say it."""
    several = kind == "multi-label"
    texts = [f"int f(int a) {{ {'free(a);' * (i & 1)} {'a += g(a);' * (i >> 1 & 1)} return {i}; }}" for i in range(64)]
    labels = tuple(i & 3 for i in range(64)) if several else tuple((i & 1) + (i >> 1 & 1) for i in range(64))
    names = ("frees", "adds") if several else ("none", "one", "both")
    task = Task("calls", Unit.FUNCTION, names, names[-1], kind=Kind(kind))
    ids = tuple(str(i) for i in range(64))
    labelled = Dataset(task, "labelled", tuple(texts), ids, tuple((i,) for i in range(64)), labels, ids)
    valid = replace(labelled, split="valid")
    recipe = replace(
        with_options(make_recipe(encoder), epochs=25, max_sequence_length=40, learning_rate=3e-3), task=task
    )
    sheet = finetune(recipe, tmp_path / "teacher", labelled=labelled, valid=valid, quiet=True)
    assert sheet.task == task
    assert sheet.scores["accuracy"] > 0.9
    own = replace(recipe, teacher=replace(recipe.teacher, path=str(tmp_path / "teacher")))
    logits = load_teacher(own).logits(valid)
    assert (logits_predictions(task, logits) == np.asarray(labels)).mean() == pytest.approx(sheet.scores["accuracy"])


def test_class_weights_lift_a_rare_label(encoder, tmp_path):
    labels = tuple(int(i == 7) for i in range(30))
    splits = {name: replace(split, labels=labels[: len(split)]) for name, split in SPLITS.items()}
    said = {}
    for asked in ("none", "balanced", {"vulnerable": 29.0}):
        recipe = with_options(make_recipe(encoder), epochs=3, class_weights=asked)
        folder = tmp_path / str(len(said))
        finetune(recipe, folder, **splits, quiet=True)
        own = replace(recipe, teacher=replace(recipe.teacher, path=str(folder)))
        logits = load_teacher(own).logits(splits["labelled"])
        said[str(asked)] = float((logits[:, 1] - logits[:, 0]).mean())
    assert said["balanced"] > said["none"]
    assert said["{'vulnerable': 29.0}"] == pytest.approx(said["balanced"], abs=1e-5)
