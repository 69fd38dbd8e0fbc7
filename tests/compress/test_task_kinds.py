"""Tasks with several labels an item, or with an order, from a recipe to a bundle that predicts."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score, f1_score, hamming_loss, log_loss, mean_absolute_error

import codewren
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import DistilSection
from codewren.data.load import load_split
from codewren.train.batches import Batch
from codewren.train.distil import distillation_loss
from commands import fails, run

LABELS = ("files", "network", "time")
RECIPE = """
[task]
name = "mine"
kind = "{kind}"
unit = "function"
labels = ["files", "network", "time"]
positive = "network"

[data]
unlabelled = {{ path = "train.jsonl" }}
valid = {{ path = "valid.jsonl" }}

[teacher]
kind = "logits"
path = "logits-{{split}}.npy"

[search]
strategy = "fixed"

[student]
tokenizer = "word"
vocab_size = 60
hidden_size = 32
intermediate_size = 32
num_attention_heads = 2
max_sequence_length = 40
learning_rate = 2e-3
batch_size = 8
hidden_dropout_prob = 0.0

[distil]
epochs = 2
hard_label_weight = 0.3
{more}
"""


def functions(rng: np.random.Generator, count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Texts that name what they use, and which of the labels that is."""
    for number in range(count):
        holds = rng.random(3) < 0.4
        words = [f"use_{label}()" for label, there in zip(LABELS, holds, strict=True) if there]
        words += [f"filler{rng.integers(30)} = {number}" for _ in range(2)]
        rng.shuffle(words)
        yield "def f():\n    " + "\n    ".join(words), holds


def write_task(folder: Path, kind: str, more: str = "") -> Path:
    """Data, the logits of a teacher that is right, and the recipe."""
    rng = np.random.default_rng(0)
    for name, split, count in (("train", "unlabelled", 120), ("valid", "valid", 80)):
        texts, holds = zip(*functions(rng, count), strict=True)
        holds = np.stack(holds)
        if kind == "multi-label":
            labels = [[label for label, there in zip(LABELS, row, strict=True) if there] for row in holds]
            logits = np.where(holds, 3.0, -3.0)
        else:
            level = np.minimum(holds.sum(1), 2)
            labels, logits = [LABELS[k] for k in level], -2.0 * np.abs(level[:, None] - np.arange(3))
        rows = [{"idx": i, "func": t, "label": label} for i, (t, label) in enumerate(zip(texts, labels, strict=True))]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        np.save(folder / f"logits-{split}.npy", logits.astype(np.float32))
    (folder / "recipe.toml").write_text(RECIPE.format(kind=kind, more=more))
    return folder


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A finished multi-label run with thresholds of its own for each label."""
    folder = write_task(tmp_path_factory.mktemp("sets"), "multi-label", '\n[decision]\nthreshold = "f1"\n')
    table = run("compress", folder / "recipe.toml", "--out", folder / "run")
    return folder, table


@pytest.fixture(scope="module")
def order(tmp_path_factory):
    """A finished ordinal run."""
    folder = write_task(tmp_path_factory.mktemp("order"), "ordinal")
    return folder, run("compress", folder / "recipe.toml", "--out", folder / "run")


def test_answers_of_several_labels_are_flags(sets):
    folder, _ = sets
    predictor = codewren.load(folder / "run/student.wren")
    texts = load_split(Recipe.load(folder / "recipe.toml"), "valid").sources()
    thresholds = predictor.bundle.decision.thresholds
    assert len(thresholds) == 3
    for answer, row in zip(predictor.predict(texts), predictor.predict_proba(texts), strict=True):
        expected = [name for name, p, least in zip(LABELS, row, thresholds, strict=True) if p > least]
        assert [label.name for label in answer] == expected


def test_figures_of_sets_are_scikit_learns(sets, tmp_path):
    folder, _ = sets
    run("evaluate", folder / "run/student.wren", folder / "recipe.toml", "--set", "decision.threshold='half'",
        "--json", tmp_path / "found.json")  # fmt: skip
    found = {name: one["value"] for name, one in json.loads((tmp_path / "found.json").read_text())["measures"].items()}
    from codewren.compress.stage_evaluate import predictions
    from codewren.measure.label_sets import bits

    valid = load_split(Recipe.load(folder / "recipe.toml"), "valid")
    truth = bits(np.array(valid.known_labels()), 3)
    guess = bits(predictions(codewren.load(folder / "run/student.wren"), valid)[0], 3)
    assert found["f1_micro"] == pytest.approx(f1_score(truth, guess, average="micro"))
    assert found["f1_macro"] == pytest.approx(f1_score(truth, guess, average="macro"))
    assert found["label_accuracy"] == pytest.approx(1 - hamming_loss(truth, guess))
    assert found["accuracy"] == pytest.approx((truth == guess).all(axis=1).mean())
    assert found["f1 time"] == pytest.approx(f1_score(truth[:, 2], guess[:, 2]))


@pytest.mark.parametrize("kind", ["sets", "order"])
def test_the_run_s_table_shows_what_words_reach(kind, request):
    folder, table = request.getfixturevalue(kind)
    head, *_ = table.splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")][1:] == ["teacher", "student", "words alone"]
    rows = json.loads((folder / "run/evaluation.json").read_text())["rows"]
    assert rows[-1]["name"] == "words alone"
    assert rows[-1]["quality"]["measures"]["accuracy"]["value"] > rows[-1]["quality"]["majority"]["value"] - 0.1


def test_a_student_of_an_order_predicts_the_median(order, tmp_path):
    folder, _ = order
    predictor = codewren.load(folder / "run/student.wren")
    valid = load_split(Recipe.load(folder / "recipe.toml"), "valid")
    rows = np.array(predictor.predict_proba(valid.sources()))
    median = np.array([int(np.searchsorted(np.cumsum(row), 0.5)) for row in rows])
    guess = np.array([int(label) for label in predictor.predict(valid.sources())])
    np.testing.assert_array_equal(guess, median)
    run("evaluate", folder / "run/student.wren", folder / "recipe.toml", "--json", tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text())["measures"]
    truth = np.array(valid.known_labels())
    assert found["mae"]["value"] == pytest.approx(mean_absolute_error(truth, guess))
    kappa = cohen_kappa_score(truth, guess, weights="quadratic", labels=[0, 1, 2])
    assert found["kappa_quadratic"]["value"] == pytest.approx(kappa)


def test_scan_alarms_where_the_positive_label_is_among_several(sets, tmp_path):
    folder, _ = sets
    (tmp_path / "a.py").write_text(
        "def far():\n    use_network()\n    use_files()\n    return 1\n\n\ndef near():\n    use_files()\n    return 1\n"
    )
    out = run("scan", tmp_path, "--model", folder / "run/student.wren", "--format", "json", "--exit-zero")
    predictor = codewren.load(folder / "run/student.wren")
    texts = (tmp_path / "a.py").read_text().split("\n\n\n")
    least = predictor.bundle.decision.threshold
    wanted = [row[1] > least for row in predictor.predict_proba([texts[0], texts[1].rstrip("\n")])]
    names = [name for name, is_alarm in zip(("far", "near"), wanted, strict=True) if is_alarm]
    assert [found["places"][0]["name"] for found in json.loads(out)["findings"]] == names
    told = json.loads(run("predict", folder / "run/student.wren", tmp_path / "a.py", "--format", "json"))
    answer = predictor.predict([(tmp_path / "a.py").read_text()])[0]
    assert told["labels"] == [label.name for label in answer]


def test_what_a_kind_cannot_have_is_one_line(tmp_path, capsys):
    folder = write_task(tmp_path, "multi-label")
    text, recipe = (folder / "recipe.toml").read_text(), folder / "recipe.toml"
    for old, new, message in (
        ('kind = "multi-label"', 'kind = "several"', "kind 'several' is not one of single-label, multi-label, ordinal"),
        ('unit = "function"', 'unit = "pair"', "a multi-label task judges functions"),
        ('kind = "multi-label"', "", "state task.kind = 'multi-label'"),
    ):
        recipe.write_text(text.replace(old, new))
        assert message in fails(capsys, "label", recipe, "--out", tmp_path / "run")


def test_a_threshold_of_an_order_is_refused_before_anything_is_done(tmp_path, capsys):
    folder = write_task(tmp_path, "ordinal", '\n[decision]\nthreshold = "f1"\n')
    assert "decided at one half (the median)" in fails(
        capsys, "compress", folder / "recipe.toml", "--out", tmp_path / "run"
    )
    assert not list(tmp_path.glob("run/*"))


def test_the_loss_of_sets_is_that_of_each_label(tmp_path):
    rng = np.random.default_rng(0)
    student, teacher = rng.normal(size=(2, 6, 3)).astype(np.float32) * 2
    masks, hot = rng.integers(8, size=6), 2.0
    none = torch.zeros(1)
    batch = Batch(none, none, none, torch.from_numpy(teacher), torch.from_numpy(masks))
    options = DistilSection(temperature=hot, hard_label_weight=0.25)
    p, q = (1 / (1 + np.exp(-z.astype(float) / hot)) for z in (teacher, student))
    divergence = hot**2 * (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).mean()
    truth = (masks[:, None] >> np.arange(3)) & 1
    expected = 0.75 * divergence + 0.25 * log_loss(truth.ravel(), 1 / (1 + np.exp(-student.astype(float).ravel())))
    found = distillation_loss(torch.from_numpy(student), batch, options, multi_label=True)
    assert float(found) == pytest.approx(expected, rel=1e-5)
