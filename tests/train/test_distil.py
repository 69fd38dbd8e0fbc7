"""Distillation: exact resume, losses in closed form, clear failures."""

import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from codewren.core.errors import InputError, TrainingError
from codewren.core.recipe_sections import DistilSection
from codewren.core.student_config import StudentConfig
from codewren.core.task import CLONE
from codewren.train import distil as module
from codewren.train.batches import Batch, EncodedSplit, batch_plan, make_batch
from codewren.train.distil import distil, distillation_loss, predict_logits
from codewren.train.student import Student

CONFIG = StudentConfig(
    vocab_size=40, hidden_size=16, intermediate_size=8, num_attention_heads=2, batch_size=8, learning_rate=5e-3
)
OPTIONS = DistilSection(epochs=3, word_dropout=0.1, swap_pairs=True, average_checkpoints=0.5)


def split(n=120, seed=0):
    """Pairs labelled by whether the left function holds token 5: a rule that a small student can learn."""
    rng = np.random.default_rng(seed)
    functions = [rng.integers(6, 40, size=rng.integers(3, 20)).astype(np.int32) for _ in range(n // 2)]
    for function in functions[::2]:
        function[rng.integers(len(function))] = 5
    items = rng.integers(0, n // 2, size=(n, 2))
    labels = np.array([int(a % 2 == 0) for a, _ in items])
    logits = np.stack([2.0 - 4.0 * labels, 4.0 * labels - 2.0], axis=1).astype(np.float32)
    return EncodedSplit(functions, items, logits, labels)


def accuracy(labels, logits):
    return float(np.mean(logits.argmax(1) == labels))


def train(out, *, items=120, **changes):
    options = replace(OPTIONS, **{k: v for k, v in changes.items() if k != "stop_after"})
    return distil(
        CONFIG,
        CLONE,
        train=split(items),
        valid=split(40, seed=1),
        options=options,
        select=accuracy,
        out=out,
        stop_after=changes.get("stop_after"),
        quiet=True,
    )


def same(a, b):
    return all(np.array_equal(a.tensors[name], b.tensors[name]) for name in a.tensors) and a.history == b.history


def test_stopping_after_an_epoch_and_going_on_equals_one_run(tmp_path):
    whole = train(tmp_path / "whole")
    train(tmp_path / "parts", stop_after=1)
    assert same(train(tmp_path / "parts"), whole)


@pytest.mark.parametrize("step", [1, 7, 15, 16, 44])
def test_a_run_broken_at_any_step_and_resumed_equals_the_uninterrupted_one(tmp_path, monkeypatch, step):
    whole = train(tmp_path / "whole")
    monkeypatch.setattr(module, "CHECKPOINT_EVERY_S", 0.0)
    original = module.distillation_loss
    calls = 0

    def breaks(*args, **options):
        nonlocal calls
        calls += 1
        if calls == step + 1:
            raise KeyboardInterrupt
        return original(*args, **options)

    monkeypatch.setattr(module, "distillation_loss", breaks)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "broken")
    monkeypatch.setattr(module, "distillation_loss", original)
    assert same(train(tmp_path / "broken"), whole)


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_distil as t
t.module.CHECKPOINT_EVERY_S = 0.0
t.train(Path(sys.argv[2]), epochs=40)
"""


def test_a_killed_process_loses_nothing(tmp_path):
    out = tmp_path / "killed"
    command = [sys.executable, "-c", SCRIPT, os.path.dirname(__file__), str(out)]  # noqa: PTH120
    process = subprocess.Popen(command)
    while not (out / "log.jsonl").exists() or len((out / "log.jsonl").read_text().splitlines()) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    assert json.loads(state["numbers"])["step"] < 40 * 15
    assert same(train(out, epochs=40), train(tmp_path / "whole", epochs=40))


def test_two_processes_give_what_one_gives(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(
        "import sys, dataclasses, numpy as np\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {os.path.dirname(__file__)!r})\nimport test_distil as t\n"  # noqa: PTH120
        "t.CONFIG = t.CONFIG.replace(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)\n"
        "r = t.train(Path(sys.argv[1]), word_dropout=0.0, swap_pairs=False)\n"
        "np.savez(sys.argv[1] + f'/r{t.module.Processes().rank}.npz', **r.tensors)\n"
    )
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    base = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    for name, command in {
        "one": [sys.executable, str(script), str(tmp_path / "one")],
        "two": [sys.executable, *torchrun, str(script), str(tmp_path / "two")],
    }.items():
        (tmp_path / name).mkdir()
        subprocess.run(command, check=True, env=base, capture_output=True, timeout=120)
    one, two = np.load(tmp_path / "one/r0.npz"), np.load(tmp_path / "two/r0.npz")
    assert max(np.abs(one[name] - two[name]).max() for name in one) < 1e-4


def test_the_student_learns_the_teachers_rule(tmp_path):
    trained = train(tmp_path, items=1200, epochs=12, word_dropout=0.0, swap_pairs=False)
    assert trained.score > 0.9
    model = Student(CONFIG, CLONE, seed=0)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in trained.tensors.items()})
    held_out = split(200, seed=1)
    assert accuracy(held_out.labels, predict_logits(model, held_out)) > 0.85


def test_all_parameters_move_unless_the_papers_slip_is_asked_for(tmp_path):
    start = {name: p.detach().numpy().copy() for name, p in Student(CONFIG, CLONE, seed=0).named_parameters()}
    for train_all in (True, False):
        trained = train(tmp_path / str(train_all), train_all=train_all, average_checkpoints=0.0)
        frozen = {name for name in start if np.array_equal(start[name], trained.tensors[name])}
        vectors = {name for name in start if name.endswith("bias") or "norm." in name}
        # the key bias of the last layer cannot matter: softmax does not see it
        assert frozen == ({"layers.0.attention.key.bias"} if train_all else vectors)


def test_nan_loss_says_what_to_do_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    train(tmp_path, stop_after=1)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    monkeypatch.setattr(module, "distillation_loss", lambda z, *rest, **options: z.sum() * math.nan)
    with pytest.raises(TrainingError, match="lower learning_rate"):
        train(tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_a_full_disk_is_one_line_and_keeps_the_checkpoint(tmp_path):
    train(tmp_path, stop_after=1)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(InputError, match=r"cannot write .*checkpoint\.pt: File too large; free space"):
            train(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert same(train(tmp_path), train(tmp_path / "whole"))


def test_what_was_logged_after_the_checkpoint_is_logged_once(tmp_path):
    train(tmp_path, stop_after=1)
    known = (tmp_path / "log.jsonl").read_text()
    (tmp_path / "log.jsonl").write_text(known + known.replace('"epoch": 1', '"epoch": 2') + '{"epoch": 2, "st')
    train(tmp_path)
    epochs = [json.loads(line)["epoch"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert epochs == [1, 2, 3]


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    train(tmp_path, stop_after=1)
    with pytest.raises(TrainingError, match="other settings"):
        train(tmp_path, temperature=5.0)


def test_kl_loss_is_the_closed_form():
    z_s, z_t, hot = np.array([[0.3, -0.2], [1.0, 2.0]]), np.array([[2.0, -1.0], [0.0, 0.5]]), 4.0
    p = np.exp(z_t / hot) / np.exp(z_t / hot).sum(1, keepdims=True)
    q = np.exp(z_s / hot) / np.exp(z_s / hot).sum(1, keepdims=True)
    want = hot**2 * (p * np.log(p / q)).sum(1).mean()
    labels = torch.tensor([1, -1])
    batch = Batch(torch.empty(0), torch.empty(0), torch.empty(0), torch.tensor(z_t), labels)
    got = distillation_loss(torch.tensor(z_s), batch, DistilSection(temperature=hot))
    assert float(got) == pytest.approx(want)
    mixed = distillation_loss(torch.tensor(z_s), batch, DistilSection(temperature=hot, hard_label_weight=0.25))
    cross = -np.log(np.exp(z_s[0, 1]) / np.exp(z_s[0]).sum())
    assert float(mixed) == pytest.approx(0.75 * want + 0.25 * cross)


def test_an_epoch_visits_every_item_once_with_little_padding():
    data = split(1000)
    plan = batch_plan(data, 8, seed=0, epoch=3)
    assert sorted(np.concatenate(plan)) == list(range(1000))
    assert [list(a) for a in plan] != [list(a) for a in batch_plan(data, 8, seed=0, epoch=4)]
    lengths = np.array([len(f) for f in data.functions])[data.items].sum(1)
    spread = np.mean([np.ptp(lengths[batch]) for batch in plan])
    assert spread < 0.3 * np.mean([np.ptp(lengths[i : i + 8]) for i in range(0, 1000, 8)])


def test_a_batch_holds_each_function_once():
    data = split()
    batch = make_batch(data, np.arange(30))
    assert len(batch.lengths_B) == len(np.unique(data.items[:30]))
    ids = batch.ids_N.split(batch.lengths_B.tolist())
    for row, item in zip(batch.items_RK, data.items[:30], strict=True):
        for local, place in zip(row, item, strict=True):
            assert np.array_equal(ids[local], data.functions[place])
