"""Labelling on a cluster: the same file as at home, whatever happens to the workers."""

import json
import os

import cluster_parts
import numpy as np
import pytest
import torch
from tiny import roberta_config, save_tokenizer, seed_weights
from transformers import RobertaForSequenceClassification

from codewren.cli.main import main
from codewren.compress import stage_label as stage
from codewren.compress.run import Run
from codewren.compress.stage_label import label_splits, part_vectors, portable
from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.search.trials.cluster import DaskCluster

FUNCTIONS = 24
RECIPE = """
[task]
name = "vulnerability"
[data]
unlabelled = { path = "functions.jsonl" }
valid = { path = "functions.jsonl", limit = 6 }
[teacher]
path = "teacher"
batch_size = 1
max_sequence_length = 24
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A recipe with its data and a tiny classifier."""
    folder = tmp_path_factory.mktemp("cluster-task")
    size = save_tokenizer(folder / "teacher")
    model = RobertaForSequenceClassification(roberta_config(size, num_labels=2))
    seed_weights(model)
    model.save_pretrained(folder / "teacher")
    rows = [
        {"idx": i, "func": f"int f{i}() {{ {'g();' * (i % 5)} return {i}; }}", "label": i % 2} for i in range(FUNCTIONS)
    ]
    (folder / "functions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "recipe.toml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    """Where workers note the parts they judge."""
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="module")
def cluster(notes):
    distributed = pytest.importorskip("distributed")
    import dask

    os.environ[cluster_parts.LOG] = str(notes)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 2}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as local,
    ):
        yield local.scheduler_address
    del os.environ[cluster_parts.LOG]


@pytest.fixture
def judged(notes):
    """How often each part was asked for; forgotten between tests."""
    for note in notes.iterdir():
        note.unlink()
    return lambda: {int(note.name): note.stat().st_size for note in notes.iterdir()}


def labelled(folder, out, scheduler=None, *, split="unlabelled"):
    run = Run.start(Recipe.load(folder / "recipe.toml"), out, quiet=True)
    files = {path.name: path.read_bytes() for path in label_splits(run, scheduler=scheduler)}
    return files[f"logits-{split}.npz"]


def test_a_cluster_writes_the_same_bytes_and_is_asked_for_each_part_once(
    folder, tmp_path, cluster, judged, monkeypatch
):
    monkeypatch.setattr(stage, "part_vectors", cluster_parts.judging)
    there = labelled(folder, tmp_path / "there", cluster)
    assert there == labelled(folder, tmp_path / "here")
    parts = judged()
    assert len(parts) > 10
    assert sum(parts.values()) <= len(parts) + 6  # the few parts of the validation split have the same numbers
    assert labelled(folder, tmp_path / "there", cluster) == there
    assert judged() == parts


def test_a_part_whose_worker_is_killed_is_judged_by_another(folder, tmp_path, cluster, judged, monkeypatch):
    monkeypatch.setattr(stage, "part_vectors", cluster_parts.killing_once)
    assert labelled(folder, tmp_path / "there", cluster) == labelled(folder, tmp_path / "here")
    assert judged()[2] >= 2


def test_what_was_judged_before_a_failure_is_not_judged_again(folder, tmp_path, cluster, judged, monkeypatch):
    monkeypatch.setattr(stage, "part_vectors", cluster_parts.failing_once)
    with pytest.raises(TeacherError, match=r"part 5 of split 'unlabelled' .*no space left on the worker.*label again"):
        labelled(folder, tmp_path / "there", cluster)
    assert not (tmp_path / "there" / "logits-unlabelled.npz").exists()
    assert (tmp_path / "there" / "logits-unlabelled.partial.npz").exists()
    done = np.load(tmp_path / "there" / "logits-unlabelled.partial.npz")["done"]
    assert done.any()
    assert not done[5]
    asked = []

    class Recording(DaskCluster):
        def calls(self, function, arguments):
            asked.append([number for *_, number in arguments])
            return DaskCluster.calls(self, function, arguments)

    monkeypatch.setattr(stage, "DaskCluster", Recording)
    assert labelled(folder, tmp_path / "there", cluster) == labelled(folder, tmp_path / "here")
    assert asked[0] == np.flatnonzero(~done).tolist()


def test_a_worker_with_another_teacher_refuses(folder):
    recipe = portable(Recipe.load(folder / "recipe.toml"))
    with pytest.raises(TeacherError, match="another teacher or other data for split 'unlabelled'"):
        part_vectors(recipe, "unlabelled", ("data", "teacher"), torch.get_num_threads(), 0)


def test_a_scheduler_that_does_not_answer_is_one_line(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(stage, "DaskCluster", DaskClusterInAHurry)
    arguments = ["label", str(folder / "recipe.toml"), "--out", str(tmp_path), "--quiet"]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--scheduler", "tcp://127.0.0.1:9"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert "no dask scheduler answers at tcp://127.0.0.1:9" in error
    assert error.count("\n") == 1


class DaskClusterInAHurry:
    def __init__(self, address):
        self.address = address

    def calls(self, function, arguments):
        return DaskCluster(self.address, timeout_s=1).calls(function, arguments)
