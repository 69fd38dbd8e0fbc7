"""The BiLSTM baseline, faithful and repaired."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import DistilSection
from codewren.core.task import CLONE, VULNERABILITY
from codewren.data.load import load_split
from codewren.train import bilstm as module
from codewren.train.batches import EncodedSplit, make_batch
from codewren.train.bilstm import (
    BiLstm,
    BiLstmConfig,
    bilstm_logits,
    distil_baseline,
    distil_bilstm,
    parameter_count,
)
from codewren.train.teachers.logits_file import read_logits, write_logits

SMALL = BiLstmConfig(
    vocab_size=20, embedding_size=6, hidden_size=5, dense_size=7, batch_size=8, learning_rate=0.02, dropout=0.0
)
FAITHFUL = replace(SMALL, mode="faithful")


def make_split(items: int, *, per_item: int = 1, seed: int = 0) -> EncodedSplit:
    """Functions that hold token 7 or not; an item's label is whether its first function does."""
    rng = np.random.default_rng(seed)
    functions = [np.asarray([0, *rng.integers(8, 20, rng.integers(2, 9)), 2], np.int32) for _ in range(30)]
    for ids in functions[::2]:
        ids[1] = 7
    chosen = rng.integers(0, 30, (items, per_item))
    labels = (chosen[:, 0] % 2 == 0).astype(np.int64)
    logits = np.where(labels[:, None] == [0, 1], 2.0, -2.0).astype(np.float32)
    return EncodedSplit(functions, chosen, logits, labels)


def accuracy(labels: np.ndarray, outputs: np.ndarray) -> float:
    return float((outputs.argmax(axis=1) == labels).mean())


def run(config: BiLstmConfig, out: Path, *, epochs: int = 8, per_item: int = 1, **options: float):
    return distil_bilstm(
        config,
        CLONE if per_item == 2 else VULNERABILITY,
        train=make_split(120, per_item=per_item),
        valid=make_split(60, per_item=per_item, seed=1),
        options=DistilSection(epochs=epochs, **options),
        select=accuracy,
        out=out,
        quiet=True,
    )


@pytest.mark.parametrize("mode", ["faithful", "repaired"])
def test_the_papers_baseline_has_1865402_parameters(mode):
    assert parameter_count(BiLstm(BiLstmConfig(mode=mode), VULNERABILITY)) == 1_865_402


def test_the_faithful_pair_baseline_has_as_many_as_for_one_function():
    """It sees one long sequence; the repaired one has a second half of the dense map."""
    assert parameter_count(BiLstm(BiLstmConfig(mode="faithful"), CLONE)) == 1_865_402
    assert parameter_count(BiLstm(BiLstmConfig(mode="repaired"), CLONE)) == 1_865_402 + 600 * 200


@pytest.mark.parametrize("config", [SMALL, FAITHFUL])
def test_the_network_is_the_recurrence_written_out(config):
    """One item alone, step by step with torch's LSTM cell."""
    model = BiLstm(config, CLONE, seed=3).eval()
    split = make_split(4, per_item=2)
    wanted = []
    for item in split.items:
        texts = [split.functions[i] for i in item]
        sequences = texts if config is SMALL else [np.concatenate(texts)]
        inner = torch.relu(model.dense(torch.cat([stepped(model, ids) for ids in sequences])))
        wanted.append(model.out(inner) if config is SMALL else model.out(inner).softmax(-1))
    np.testing.assert_allclose(bilstm_logits(model, split), torch.stack(wanted).detach(), atol=1e-6)


def stepped(model: BiLstm, ids: np.ndarray) -> torch.Tensor:
    """Last forward and last backward state of one sequence."""
    ends = []
    for suffix, order in (("", ids), ("_reverse", ids[::-1])):
        cell = torch.nn.LSTMCell(6, 5)
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(cell, name).data = getattr(model.lstm, f"{name}_l0{suffix}").data
        state = (torch.zeros(5), torch.zeros(5))
        for token in order:
            state = cell(model.embedding.weight[int(token)], state)
        ends.append(state[0])
    return torch.cat(ends)


def test_the_faithful_outputs_are_probabilities_and_the_repaired_ones_are_not():
    split = make_split(6)
    faithful = bilstm_logits(BiLstm(FAITHFUL, VULNERABILITY), split)
    repaired = bilstm_logits(BiLstm(SMALL, VULNERABILITY), split)
    np.testing.assert_allclose(faithful.sum(axis=1), 1, atol=1e-6)
    assert np.abs(repaired.sum(axis=1) - 1).min() > 1e-3


def test_faithful_targets_are_out_of_reach(tmp_path):
    """SPEC 4.1, item 16: probabilities cannot come near logits of +2 and -2; logits can."""

    def error(config: BiLstmConfig) -> float:
        result = run(config, tmp_path / config.mode, epochs=12)
        model = BiLstm(config, VULNERABILITY)
        model.load_state_dict({name: torch.from_numpy(value) for name, value in result.tensors.items()})
        split = make_split(120)
        return float(((bilstm_logits(model, split) - split.logits) ** 2).mean())

    assert error(SMALL) < 1.0 < 2.4 < error(FAITHFUL)  # (1-2)^2 and (0+2)^2 are the best it can do: 2.5


@pytest.mark.parametrize("per_item", [1, 2])
def test_the_repaired_baseline_learns(tmp_path, per_item):
    assert run(SMALL, tmp_path, epochs=15, per_item=per_item).score >= 0.9


class Killed(BaseException):
    """Not an Exception, so that nothing can swallow it."""


def test_a_killed_run_resumes_to_the_last_digit(tmp_path, monkeypatch):
    whole = run(SMALL, tmp_path / "whole", epochs=3)
    step = module.DistilLoop.train_step

    def killing(self, indices):
        if self.step == 20:
            raise Killed
        return step(self, indices)

    with monkeypatch.context() as context, pytest.raises(Killed):
        context.setattr(module.DistilLoop, "train_step", killing)
        run(SMALL, tmp_path / "parts", epochs=3)
    parts = run(SMALL, tmp_path / "parts", epochs=3)
    assert parts.history == whole.history
    assert all(np.array_equal(parts.tensors[name], whole.tensors[name]) for name in whole.tensors)


def test_a_seed_decides_the_first_weights():
    first, again, other = (BiLstm(SMALL, VULNERABILITY, seed=seed).dense.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_faithful_training_leaves_every_bias_as_it_was(tmp_path):
    """The papers' optimiser gets no biases (SPEC 4.1, item 1), those of the LSTM included."""
    result = run(FAITHFUL, tmp_path, epochs=1, train_all=False)
    before = BiLstm(FAITHFUL, VULNERABILITY, seed=0).state_dict()
    unchanged = {name for name, value in result.tensors.items() if np.array_equal(value, before[name].numpy())}
    assert unchanged == {name for name in before if "bias" in name}


def test_batches_do_not_change_the_outputs():
    split = make_split(10, per_item=2)
    model = BiLstm(SMALL, CLONE)
    alone = (make_batch(split, np.array([index])) for index in range(10))
    outputs = [model(batch.ids_N, batch.lengths_B, batch.items_RK) for batch in alone]
    np.testing.assert_allclose(bilstm_logits(model, split), torch.cat(outputs).detach(), atol=1e-6)


def test_the_command_leaves_the_baseline_and_its_outputs(tmp_path):
    rows = [
        {"idx": i, "func": f"int f{i}() {{ {'free(p);' if i % 2 else 'use(p);'} }}", "label": i % 2} for i in range(60)
    ]
    (tmp_path / "data.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    source = {"path": str(tmp_path / "data.jsonl")}
    recipe = Recipe.from_dict(
        {
            "task": {"name": "vulnerability"},
            "data": {"unlabelled": source, "valid": source},
            "distil": {"epochs": 12},
        }
    )
    data = load_split(recipe, "unlabelled")
    logits = np.where(np.asarray(data.known_labels())[:, None] == [0, 1], 2.0, -2.0).astype(np.float32)
    write_logits(tmp_path / "logits-unlabelled.npz", logits, data, teacher_sha256="t")
    baseline = distil_baseline(recipe, tmp_path, replace(SMALL, vocab_size=300, hidden_size=8), quiet=True)
    assert baseline.scores["accuracy"] >= 0.9
    outputs = read_logits(baseline.folder / "logits-valid.npz", load_split(recipe, "valid"))
    assert accuracy(np.asarray(data.known_labels()), outputs) == baseline.scores["accuracy"]
    written = json.loads((baseline.folder / "bilstm.json").read_text())
    stored = load_file(baseline.folder / "bilstm.safetensors")
    assert sum(tensor.numel() for tensor in stored.values()) == written["parameters"] == written["size_bytes"] // 4
