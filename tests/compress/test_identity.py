"""What a stage depends on decides whether its result is taken over: never a stale student under new inputs."""

import hashlib
import json
import shutil

import numpy as np
import pytest

import codewren
from codewren.compress.stage_export import without_places
from commands import fails, remarks, run


@pytest.fixture
def task(clone_task, tmp_path):
    """A copy of the clone task that a test may change."""
    return shutil.copytree(clone_task, tmp_path / "task")


@pytest.fixture(scope="module")
def compressed(clone_task, tmp_path_factory):
    """A task, and a finished run of two epochs on it; tests copy both."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(clone_task, folder / "task")
    run("compress", folder / "task/recipe.toml", "--out", folder / "out", "--quiet", "--set", "distil.epochs=2")
    return folder


def again(verb, folder):
    return (verb, folder / "task/recipe.toml", "--out", folder / "out", "--quiet", "--set", "distil.epochs=2")


def other_logits(folder):
    path = folder / "task/logits-unlabelled.npy"
    np.save(path, -np.load(path))


def other_validation_labels(folder):
    path = folder / "task/valid.tsv"
    head, *rows = path.read_text().splitlines()
    turned = [row[:-1] + ("1" if row.endswith("0") else "0") for row in rows]
    path.write_text("\n".join([head, *turned]) + "\n")


def other_functions(folder):
    path = folder / "task/functions.jsonl"
    path.write_text(path.read_text().replace("open", "shut"))


@pytest.mark.parametrize(
    ("change", "verb"),
    [(other_logits, "compress"), (other_validation_labels, "compress"), (other_functions, "distil")],
)
def test_a_student_of_other_inputs_is_never_shipped(compressed, tmp_path, capsys, change, verb):
    folder = shutil.copytree(compressed, tmp_path / "copy")
    change(folder)
    if verb == "distil":
        run(*again("label", folder))
    said = fails(capsys, *again(verb, folder))
    assert "left by a run with other settings or data, or another teacher; choose another --out" in said


def test_equal_inputs_give_equal_files(compressed, tmp_path):
    shutil.copytree(compressed / "task", tmp_path / "task")
    run(*again("compress", tmp_path))
    first, second = ((folder / "out/student.wren").read_bytes() for folder in (compressed, tmp_path))
    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()
    made = codewren.load(tmp_path / "out/student.wren").manifest["provenance"]
    assert {"torch", "transformers", "tokenizers", "numpy", "threads", "labels_sha256"} <= set(made)
    assert "training_seconds" not in made


def test_a_failed_verb_leaves_the_recipe_of_the_student(compressed, tmp_path, capsys):
    folder = shutil.copytree(compressed, tmp_path / "copy")
    before = (folder / "out/recipe.json").read_text()
    for verb in ("compress", "export", "distil"):
        fails(capsys, *again(verb, folder), "--set", "distil.temperature=3")
        assert (folder / "out/recipe.json").read_text() == before


def test_a_search_on_other_logits_is_another_search(task, tmp_path, capsys):
    small = ["--set", "search.strategy=random", "--set", "search.trials=2", "--set", "search.trial_epochs=1"]
    arguments = (task / "recipe.toml", "--out", tmp_path / "out", "--quiet", *small, "--set", "search.space=compressor")
    run("label", *arguments)
    run("search", *arguments)
    np.save(task / "logits-unlabelled.npy", -np.load(task / "logits-unlabelled.npy"))
    run("label", *arguments)
    assert "is the journal of another search" in fails(capsys, "search", *arguments)


def test_labels_that_teach_are_read_again_when_they_change(task, tmp_path):
    more = ["--set", "teacher.path=logits-unlabelled.npy", "--set", "teacher.label_margin=4"]
    more += ["--set", 'distil.train_on=["unlabelled", "labelled"]']
    logits = []
    for turn in range(2):
        run("label", task / "recipe.toml", "--out", tmp_path / "out", "--quiet", *more)
        logits.append(np.load(tmp_path / "out/logits-labelled.npz")["logits"])
        if turn == 0:
            path = task / "labelled.tsv"
            head, *rows = path.read_text().splitlines()
            path.write_text("\n".join([head, *(row[:-1] + str(1 - int(row[-1])) for row in rows)]) + "\n")
    np.testing.assert_array_equal(logits[0], -logits[1])


def test_paths_in_a_bundle_say_nothing_of_the_machine(tmp_path):
    plain = {"teacher": {"path": str(tmp_path / "a/b"), "also": ("/elsewhere/home/l.npy", "near.npy")}, "n": 3}
    wanted = {"teacher": {"path": "a/b", "also": ["l.npy", "near.npy"]}, "n": 3}
    assert json.dumps(without_places(plain, tmp_path)) == json.dumps(wanted)


def test_settings_hold_for_later_verbs_and_other_ones_are_told(clone_task, tmp_path):
    out = ("--out", tmp_path)
    run("label", clone_task / "recipe.toml", *out, "--set", "distil.epochs=1", "--set", "student.hidden_size=16")
    for verb in ("search", "distil", "export"):
        run(verb, *out)
    made = codewren.load(tmp_path / "student.wren")
    assert (made.config.hidden_size, made.manifest["provenance"]["recipe"]["distil"]["epochs"]) == (16, 1)
    kept = tmp_path / "recipe.json"
    note = f"note: {kept} was made with other values of student.hidden_size, distil.epochs; leave RECIPE out"
    assert note in remarks("label", clone_task / "recipe.toml", *out)
    assert "note:" not in remarks("label", kept, *out)


def test_a_limit_cuts_logits_as_it_cuts_rows(clone_task, tmp_path):
    cut = ("--set", "data.unlabelled.limit=120", "--set", "data.valid.limit=90", "--quiet")
    run("label", clone_task / "recipe.toml", "--out", tmp_path, *cut)
    for split, count in (("unlabelled", 120), ("valid", 90)):
        whole = np.load(clone_task / f"logits-{split}.npy")
        np.testing.assert_array_equal(np.load(tmp_path / f"logits-{split}.npz")["logits"], whole[:count])
