"""Tasks with several labels an item, or with an order, from a recipe to a bundle that predicts."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score, hamming_loss, mean_absolute_error

import codewren
from codewren.core.recipe import Recipe
from codewren.data.load import load_split
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
learning_rate = 5e-3
batch_size = 8
hidden_dropout_prob = 0.0

[distil]
epochs = 14
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
    for name, split, count in (("train", "unlabelled", 400), ("valid", "valid", 150)):
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


def test_a_student_of_several_labels_finds_them(sets):
    folder, _ = sets
    predictor = codewren.load(folder / "run/student.wren")
    labels = predictor.labels
    assert predictor.predict(["use_files()\nuse_time()"]) == [labels.files | labels.time]
    assert list(predictor.predict(["filler1 = 2\nuse_network()"])[0]) == [labels.network]
    assert predictor.predict(["filler1 = 2"])[0].name is None
    assert len(predictor.bundle.decision.thresholds) == 3


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
    assert found["f1_macro"] > 0.97


@pytest.mark.parametrize("kind", ["sets", "order"])
def test_the_run_s_table_shows_what_words_reach(kind, request):
    folder, table = request.getfixturevalue(kind)
    head, *_ = table.splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")][1:] == ["teacher", "student", "words alone"]
    rows = json.loads((folder / "run/evaluation.json").read_text())["rows"]
    assert rows[-1]["name"] == "words alone"
    assert rows[-1]["quality"]["measures"]["accuracy"]["value"] > 0.5


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
    assert [found["function"] for found in json.loads(out)["findings"]] == ["far"]
    told = json.loads(run("predict", folder / "run/student.wren", tmp_path / "a.py", "--format", "json"))
    assert told["labels"] == ["files", "network"]


def test_an_exported_student_of_several_labels_is_its_bundle_in_onnx(sets, tmp_path):
    pytest.importorskip("onnxruntime")
    folder, _ = sets
    out = run("export", folder / "run/student.wren", "--onnx", "--out", tmp_path)
    assert "checked" in out or (tmp_path / "student.onnx").exists() or list(tmp_path.glob("*.onnx"))


def test_what_a_kind_cannot_have_is_one_line(tmp_path):
    folder = write_task(tmp_path, "multi-label")
    text = (folder / "recipe.toml").read_text()
    (folder / "recipe.toml").write_text(text.replace('kind = "multi-label"', 'kind = "several"'))
    assert "kind 'several' is not one of single-label, multi-label, ordinal" in fails("label", folder / "recipe.toml")
    (folder / "recipe.toml").write_text(text.replace('unit = "function"', 'unit = "pair"'))
    assert "a multi-label task judges functions" in fails("label", folder / "recipe.toml")
