"""The script for a lent GPU runs whole without one, on small data: same stages, same files, resumed."""

import json
import lzma
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import on_gpu

ONLY = ["avatar-bigclonebench", "avatar-devign", "bilstm-bigclonebench"]


def jsonl(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress("\n".join(map(json.dumps, rows)).encode()))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Both data sets in their published form, a few functions each."""
    folder = tmp_path_factory.mktemp("data")
    java = [f"int f{i}(int a) {{ {'a += g(a);' * (i % 3)} return a; }}" for i in range(12)]
    jsonl(folder / "bcb/functions.jsonl.xz", [{"idx": str(i), "func": text} for i, text in enumerate(java)])
    pairs = [(i % 12, (5 * i + 1) % 12) for i in range(32)]
    table = "id1\tid2\tlabel\n" + "".join(f"{a}\t{b}\t{int(a % 3 == b % 3)}\n" for a, b in pairs)
    for split in ("labelled", "unlabelled", "valid"):
        (folder / f"bcb/{split}.tsv.xz").write_bytes(lzma.compress(table.encode()))
    logits = np.array([[0.0, 3.0 if a % 3 == b % 3 else -3.0] for a, b in pairs], dtype=np.float32)
    for teacher in ("codebert", "graphcodebert"):
        np.save(folder / f"bcb/{teacher}_unlabelled_logits.npy", logits)
    parts = ("labelled", "unlabelled")
    rows = [
        {"idx": i, "target": i % 2, "part": parts[i // 2 % 2], "func": java[i % 12] + f" /* {i} */"} for i in range(32)
    ]
    for split in ("train", "valid"):
        jsonl(folder / f"devign/{split}.jsonl.xz", rows)
    return folder


@pytest.fixture(scope="module")
def out(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    run(data, out)
    return out


def run(data, out):
    with pytest.MonkeyPatch.context() as context:
        context.setattr(on_gpu, "find_spec", lambda name: None)  # words teach Devign: no pretrained encoder here
        arguments = ["--out", str(out), "--data", str(data), "--small", "--only", *ONLY]
        context.setattr(sys, "argv", ["on_gpu.py", *arguments])
        on_gpu.main()


def test_every_row_is_trained_and_judged_and_says_what_was_cut(out):
    found = json.loads((out / "on_gpu.json").read_text())
    assert [row["name"] for row in found["rows"]] == ONLY
    for row, papers in zip(found["rows"], (10, 50, 10), strict=True):
        assert (row["epochs"], row["epochs_of_the_paper"]) == (1, papers)
        assert row["device"] == "no GPU"
        assert row["bytes"] > 10_000
        assert row["seconds"] > 0
    value, low, high = found["rows"][0]["valid"]["accuracy"]
    assert low <= value <= high
    assert found["rows"][1]["teacher"] == "ngrams"
    assert found["rows"][1]["config"]["num_hidden_layers"] == 7


def test_the_latencies_are_of_the_original_the_students_and_the_bilstm(out):
    latency = json.loads((out / "on_gpu.json").read_text())["latency"]
    assert set(latency["ms"]) == {"original, padded", "avatar-bigclonebench", "avatar-devign", "bilstm"}
    assert all(low <= middle <= high for middle, low, high in latency["ms"].values())
    assert "NVML" in latency["meter"]


def test_what_is_done_is_not_done_again(data, out):
    before = {path: path.read_bytes() for path in out.rglob("*.json") if path.name != "on_gpu.json"}
    run(data, out)
    assert {path: path.read_bytes() for path in before} == before


def test_epochs_are_as_many_as_fit_and_stay_once_they_are_planned(data, tmp_path):
    job = next(job for job in on_gpu.JOBS if job.name == ONLY[0])
    made = on_gpu.Run(on_gpu.recipe_of(job, data), tmp_path, quiet=True)
    on_gpu.label_splits(made)
    assert on_gpu.planned(made, job, time.time() + 3600) == made.recipe.distil.epochs == 10
    assert on_gpu.planned(made, job, time.time()) == 10
    (tmp_path / "plan.json").unlink()
    assert on_gpu.planned(made, job, time.time() + 0.001) == 1
    assert json.loads((tmp_path / "plan.json").read_text())["steps_per_epoch"] == 2


def test_a_training_that_was_cut_off_is_told_with_its_epochs(tmp_path):
    folder = tmp_path / ONLY[0] / "student"
    folder.mkdir(parents=True)
    (folder / "log.jsonl").write_text('{"epoch": 1, "score": 0.5}\n')
    job = next(job for job in on_gpu.JOBS if job.name == ONLY[0])
    (row,) = on_gpu.rows([job], tmp_path)
    assert row == {"name": ONLY[0], "unfinished": True, "plan": None, "epochs_done": [{"epoch": 1, "score": 0.5}]}


def test_the_bilstm_that_is_timed_is_the_one_that_is_trained(data, tmp_path):
    job = next(job for job in on_gpu.JOBS if job.bilstm)
    made = on_gpu.Run(on_gpu.recipe_of(job, data), tmp_path, quiet=True)
    on_gpu.label_splits(made)
    timed = on_gpu.loop_of(made, job, tmp_path).network
    trained = json.loads(
        (on_gpu.distil_baseline(made.recipe, tmp_path, on_gpu.BILSTM).folder / "bilstm.json").read_text()
    )
    assert timed.config.mode == trained["config"]["mode"] == "faithful"
    assert sum(values.numel() for values in timed.parameters()) == trained["parameters"]


def test_a_job_that_fails_says_so_and_the_others_go_on(data, tmp_path, capsys):
    (tmp_path / "latency.json").write_text("{}")
    on_gpu.at_once([on_gpu.Job("nothing", "none.toml")], data, tmp_path, time.time() + 300)
    assert "nothing failed" in capsys.readouterr().err
    assert json.loads((tmp_path / "on_gpu.json").read_text())["rows"][0]["unfinished"] is True


def test_all_papers_rows_are_there():
    names = {job.name for job in on_gpu.JOBS}
    sweep = {f"compressor-{size}mb-{teacher}" for size in (3, 25, 50) for teacher in ("codebert", "graphcodebert")}
    assert names == sweep | set(ONLY)
    assert all((on_gpu.PAPERS / job.recipe).is_file() for job in on_gpu.JOBS)
