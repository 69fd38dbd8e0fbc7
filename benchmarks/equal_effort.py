"""Compressor's 3 MB configuration, given exactly the training time of another student.

    python benchmarks/equal_effort.py runs/clone-search [--times 1 4]

The papers compare at equal epochs; there its twelve layers take hours here. This gives it the processor seconds that
the run's student had, and some multiples of them: as many pairs of the same splits as fit, the same teacher, the same
number of epochs; its own learning rate as published, and ten times that, as ours. The published student, trained by its
authors for ten epochs, is the other end of the comparison (`codewren evaluate --versus`).
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codewren.compress.run import Run
from codewren.core.files import read_json, write_json
from codewren.core.recipe import Recipe
from codewren.report.table import markdown
from codewren.train.batches import EncodedSplit
from codewren.train.distil import distil, step_seconds
from codewren.train.processes import one_thread

ROOT = Path(__file__).resolve().parents[1]
COMPRESSOR = ROOT / "recipes/papers/compressor-clone.toml"
TIMED_STEPS = 6


def main() -> None:
    """Train and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished codewren compress run on BigCloneBench")
    parser.add_argument("--times", type=float, nargs="+", default=[1.0], help="multiples of the student's seconds")
    given = parser.parse_args()
    ours = read_json(given.run / "recipe.json")
    seconds = spent(given.run)
    rows = [["student", "processor s", "pairs x epochs", "learning rate", "validation accuracy"]]
    for times in given.times:
        for rate in (1e-4, 1e-3):
            found = train(given.run, ours, seconds=seconds * times, rate=rate)
            rows.append(
                ["Compressor's configuration", f"{seconds * times:,.0f}", found[0], f"{rate:g}", f"{found[1]:.4f}"]
            )
            print(markdown(rows), flush=True)


def spent(folder: Path) -> float:
    """Processor seconds of the run's distillation."""
    stages = read_json(folder / "energy.json")["stages"]
    return float(sum(stage["processor_s"] for stage in stages if stage["stage"] == "distil"))


def train(folder: Path, ours: dict[str, object], *, seconds: float, rate: float) -> tuple[str, float]:
    """Pairs and epochs that fit into the seconds, and the validation accuracy they give."""
    plain = dict(ours)
    where = Path(str(plain.pop("folder")))
    recipe = Recipe.from_dict(plain, where)
    paper = Recipe.load(COMPRESSOR)
    out = folder / f"compressor-{seconds:.0f}-{rate:g}"
    run = Run(replace(recipe, distil=replace(recipe.distil, tokenizer_mode="compressor", rename=0.0)), out, quiet=True)
    for name in recipe.distil.train_on:
        source = folder / f"logits-{name}.npz"
        out.mkdir(parents=True, exist_ok=True)
        (out / source.name).write_bytes(source.read_bytes())
    config = paper.student.replace(learning_rate=rate)
    spec = run.tokenizer(config)
    config = config.replace(vocab_size=len(spec.vocab))
    split, valid = run.training_split(config, spec), run.encoded("valid", config, spec, taught=False)
    with one_thread():
        step = step_seconds(config, recipe.task, train=split, options=run.recipe.distil, steps=TIMED_STEPS)
        epochs = recipe.distil.epochs
        pairs = min(len(split), int(seconds / epochs / step * config.batch_size))
        if pairs < config.batch_size:
            sys.exit(f"{seconds:.0f} s are not enough for one step an epoch ({step:.1f} s a step)")
        chosen = np.sort(np.random.default_rng(0).permutation(len(split))[:pairs])
        options = replace(run.recipe.distil, epochs=epochs)
        trained = distil(
            config, recipe.task, train=part(split, chosen), valid=valid, options=options, select=run.select(), out=out
        )
    write_json(out / "result.json", {"pairs": pairs, "epochs": epochs, "accuracy": trained.score, "rate": rate})
    return f"{pairs:,} x {epochs}", trained.score


def part(split: EncodedSplit, chosen: NDArray[np.int64]) -> EncodedSplit:
    """Some items of a split."""
    logits = None if split.logits is None else split.logits[chosen]
    return EncodedSplit(split.functions, split.items[chosen], logits, split.labels[chosen])


if __name__ == "__main__":
    main()
