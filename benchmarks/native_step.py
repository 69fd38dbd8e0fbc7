"""Whether the native step trains as well as torch's: `python benchmarks/native_step.py RECIPE OUT`.

Each seed trains the recipe's student twice, from equal first weights and on equal batches: once by the native core
(`codewren.train.first_token`) and once by torch alone. Only the dropped numbers are drawn otherwise, so the two differ
as two seeds do. What counts is the difference of their validation accuracy: seed by seed with Student's interval of the
mean, and pair by pair of predictions, all seeds together. `--set` shortens a recipe as `codewren compress` does.
Finished trainings stay in OUT, so that the script can be run again after a kill.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t

from codewren.compress.run import Run
from codewren.compress.stage_label import label_splits
from codewren.core.files import read_json, write_json
from codewren.core.recipe import Recipe
from codewren.measure.intervals import mcnemar
from codewren.measure.task_quality import logits_predictions
from codewren.report.table import markdown
from codewren.train.distil import DistilLoop, loss_of, predict_logits, run_to
from codewren.train.processes import one_thread
from codewren.train.student import Student

STEPS = {"native": True, "torch": False}


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="SECTION.KEY=VALUE")
    given = parser.parse_args()
    run = Run.start(Recipe.load(given.recipe, given.settings), given.out, quiet=True)
    label_splits(run)
    found = {step: [trained(run, step, seed) for seed in range(given.seeds)] for step in STEPS}
    print(table(run, found), flush=True)


def trained(run: Run, step: str, seed: int) -> dict[str, object]:
    """Validation predictions of one training, and the processor seconds that it took."""
    out = run.out / f"{step}-{seed}"
    if (out / "predicted.json").exists():
        return dict(read_json(out / "predicted.json"))
    spec = run.tokenizer(run.recipe.student)
    config = run.recipe.student.replace(vocab_size=len(spec.vocab))
    student = Student(config, run.recipe.task, seed=seed)
    student.in_core = STEPS[step]
    loop = DistilLoop(
        student,
        config,
        train=run.training_split(config, spec),
        valid=run.encoded("valid", config, spec, taught=False),
        options=replace(run.recipe.distil, seed=seed),
        select=run.select(),
        out=out,
        quiet=True,
        predict=predict_logits,
        also=loss_of(run.recipe.task),
    )
    started = time.process_time()
    with one_thread():
        done = run_to(loop, run.recipe.distil.epochs)
    student.load_state_dict({name: torch.from_numpy(value) for name, value in done.tensors.items()})
    labels = logits_predictions(run.recipe.task, predict_logits(student, loop.valid))
    found = {"labels": labels.tolist(), "seconds": time.process_time() - started}
    write_json(out / "predicted.json", found)
    print(f"{step}, seed {seed}: {100 * (labels == loop.valid.labels).mean():.2f}", flush=True)
    return found


def table(run: Run, found: dict[str, list[dict[str, object]]]) -> str:
    """Accuracies, their difference seed by seed and all together, and the time."""
    truth = np.asarray(run.dataset("valid").known_labels())
    guessed = {step: np.array([one["labels"] for one in some]) for step, some in found.items()}
    right = {step: 100 * (labels == truth).mean(axis=1) for step, labels in guessed.items()}
    each = right["native"] - right["torch"]
    mean, low, high = student_interval(each)
    pooled = mcnemar(np.tile(truth, len(each)), guessed["native"].ravel(), guessed["torch"].ravel())
    head = ["step", "accuracy", "each seed", "processor seconds"]
    rows = [
        [
            step,
            f"{values.mean():.2f}",
            ", ".join(f"{value:.2f}" for value in values),
            f"{np.mean([one['seconds'] for one in found[step]]):.0f}",
        ]
        for step, values in right.items()
    ]
    told = f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"
    rows.append(["difference, points", told, ", ".join(f"{one:+.2f}" for one in each), f"p = {pooled.p_value:.2g}"])
    return markdown([head, *rows])


def student_interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """The mean, and its 95 % interval by Student's t."""
    mean, count = float(values.mean()), len(values)
    if count < 2:
        return mean, float("nan"), float("nan")
    half = float(t.ppf(0.975, count - 1) * values.std(ddof=1) / np.sqrt(count))
    return mean, mean - half, mean + half


if __name__ == "__main__":
    main()
