"""The papers' configurations, given exactly the training time that a student of ours had.

    python benchmarks/equal_effort.py runs/clone-wren [--times 1 4] [--paper compressor avatar]

The papers compare at equal epochs; there Compressor's twelve layers take hours here. This gives the papers' 3 MB
students the seconds that the run's student had, and multiples of them: as many pairs of the same splits as fit, the
same teacher, the same number of epochs (more where all pairs fit); their own learning rate as published, and ten times
that, as ours. The published student, trained by its authors for ten epochs, is the other end (`codewren evaluate`).
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from codewren.compress.run import Run
from codewren.core.files import read_json, write_json
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import SearchSection
from codewren.core.student_config import StudentConfig
from codewren.report.table import markdown
from codewren.search.trials.journal import read_journals
from codewren.train.batches import EncodedSplit
from codewren.train.distil import distil, step_seconds
from codewren.train.processes import one_thread

ROOT = Path(__file__).resolve().parents[1]
PAPERS = ("compressor", "avatar")
TIMED_STEPS = 12


def main() -> None:
    """Train and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished codewren compress run on BigCloneBench")
    parser.add_argument("--times", type=float, nargs="+", default=[1.0], help="multiples of the student's seconds")
    parser.add_argument("--paper", choices=PAPERS, nargs="+", default=list(PAPERS), help="whose configuration")
    options = parser.parse_args()
    seconds = spent(options.run)
    print(f"the student of {options.run} was trained for {seconds:,.0f} s", flush=True)
    rows = [["configuration", "seconds", "pairs x epochs", "learning rate", "validation accuracy"]]
    for times in options.times:
        for paper in options.paper:
            for faster in (1, 10):
                result = train(options.run, paper, seconds=seconds * times, faster=faster)
                rows.append([paper, f"{seconds * times:,.0f}", *result])
                print(markdown(rows), flush=True)


def spent(folder: Path) -> float:
    """Training seconds of the run's student: its trials where a search trained it, else its distillation."""
    chosen = StudentConfig.from_dict(read_json(folder / "chosen.json")["config"])
    seed = read_json(folder / "recipe.json")["distil"]["seed"]
    trials = read_journals([path for path in [folder / "journal.jsonl"] if path.exists()])
    ours = [trial.seconds for trial in trials if (trial.config, trial.seed) == (chosen, seed)]
    stages = read_json(folder / "energy.json")["stages"]
    return sum(ours) + sum(float(stage["processor_s"]) for stage in stages if stage["stage"] == "distil")


def train(folder: Path, paper: str, *, seconds: float, faster: int) -> tuple[str, str, str]:
    """Pairs and epochs that fit into the seconds, the learning rate, and the validation accuracy they give."""
    plain = dict(read_json(folder / "recipe.json"))
    where = Path(str(plain.pop("folder")))
    recipe, theirs = Recipe.from_dict(plain, where), Recipe.load(ROOT / f"recipes/papers/{paper}-clone.toml")
    config = theirs.student.replace(learning_rate=theirs.student.learning_rate * faster)
    out = folder / f"equal-effort/{paper}-{seconds:.0f}-{config.learning_rate:g}"
    mode = theirs.distil.tokenizer_mode
    fixed = SearchSection(strategy="fixed")
    plain_distil = replace(recipe.distil, tokenizer_mode=mode, rename=0.0)
    run = Run(replace(recipe, distil=plain_distil, search=fixed), out, quiet=True)
    out.mkdir(parents=True, exist_ok=True)
    for name in recipe.distil.train_on:
        source = folder / f"logits-{name}.npz"
        (out / source.name).write_bytes(source.read_bytes())
    spec = run.tokenizer(config)
    config = config.replace(vocab_size=len(spec.vocab))
    split, valid = run.training_split(config, spec), run.encoded("valid", config, spec, taught=False)
    with one_thread():
        step = fmean(step_seconds(config, recipe.task, train=split, options=run.recipe.distil, steps=TIMED_STEPS))
        most = int(seconds / step * config.batch_size)  # pairs, over all epochs
        pairs = min(len(split), most // recipe.distil.epochs)
        epochs = max(recipe.distil.epochs, most // len(split))
        if pairs < config.batch_size:
            sys.exit(f"{seconds:.0f} s are not enough for one step an epoch ({step:.1f} s a step)")
        chosen = np.sort(np.random.default_rng(0).permutation(len(split))[:pairs])
        options = replace(run.recipe.distil, epochs=epochs)
        trained = distil(
            config, recipe.task, train=subset(split, chosen), valid=valid, options=options, select=run.select(), out=out
        )
    rate = f"{config.learning_rate:g}"
    write_json(out / "result.json", {"pairs": pairs, "epochs": epochs, "accuracy": trained.score, "rate": rate})
    return f"{pairs:,} x {epochs}", rate, f"{trained.score:.4f}"


def subset(split: EncodedSplit, chosen: NDArray[np.int64]) -> EncodedSplit:
    """Some items of a split."""
    logits = None if split.logits is None else split.logits[chosen]
    return EncodedSplit(split.functions, split.items[chosen], logits, split.labels[chosen])


if __name__ == "__main__":
    main()
