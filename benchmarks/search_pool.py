"""What `search_ranks.py` knows of each training besides its configuration; everything computed is kept in files."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import search_quality
import torch
from numpy.typing import NDArray
from zero_cost import ZERO_COST, linear_probe, zero_cost_scores

from codewren.compress.run import Run
from codewren.compress.stage_distil import trial_folder
from codewren.core.recipe import Recipe
from codewren.core.run_folder import JOURNAL, LOG, RECIPE
from codewren.core.student_config import StudentConfig, TokenizerKind
from codewren.core.task import CLONE, Task
from codewren.data.load import load_split
from codewren.search.space.features import features
from codewren.search.space.points import Points
from codewren.search.space.space import named_space
from codewren.search.trials.journal import read_journal
from codewren.search.trials.trial import Trial
from codewren.train.batches import Batch, EncodedSplit, batch_plan, encode_split, make_batch
from codewren.train.distil import DistilLoop, predict_logits
from codewren.train.student import Student
from codewren.train.tokenizer_training import train_tokenizer

Table = NDArray[np.float64]
RECIPES = Path(__file__).resolve().parents[1] / "recipes"
TOKENS, ITEMS, PROBED, SHARE = 64, 8, 600, 0.1


def recorded_zero_cost(configs: Sequence[StudentConfig], task: Task, cache: Path) -> Table:
    """Zero-cost scores of recorded students, shape (n, 4), on a few items of their task's data."""
    batch = _few_items(task)

    def scored(config: StudentConfig) -> list[float]:
        cut = replace(batch, ids_N=batch.ids_N % config.vocab_size)  # one vocabulary for all: rare words fold
        return [zero_cost_scores(config, task, cut)[name] for name in ZERO_COST]

    return _kept(cache, configs, scored)


def _few_items(task: Task) -> Batch:
    recipe = Recipe.load(RECIPES / ("clone-codebert.toml" if task is CLONE else "devign-minilm.toml"))
    data = load_split(recipe, "valid").subset(range(ITEMS // task.functions_per_item))
    spec = train_tokenizer(TokenizerKind.WORD, 50_000, list(data.functions))
    return make_batch(encode_split(data, spec, max_length=TOKENS), np.arange(len(data)))


def _kept(path: Path, configs: Sequence[StudentConfig], scored: Callable[[StudentConfig], list[float]]) -> Table:
    """A row a configuration; those in the file already are not computed again."""
    known: dict[str, list[float]] = json.loads(path.read_text()) if path.exists() else {}
    for config in configs:
        name = json.dumps(config.to_dict(), sort_keys=True)
        if name not in known:
            known[name] = scored(config)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(known))
    return np.array([known[json.dumps(config.to_dict(), sort_keys=True)] for config in configs])


def finished(folder: Path) -> list[Trial]:
    """Of every configuration and seed that was trained fully its longest trial."""
    trials = [trial for trial in read_journal(folder / JOURNAL)[1] if trial.scores]
    longest = max(trial.fidelity for trial in trials)
    return [trial for trial in trials if trial.fidelity == longest]


def pool_table(folder: Path, cache: Path) -> tuple[dict[str, Table], dict[str, Table], Table]:
    """Features by kind, those that rank alone, and effectiveness, of the full trainings of a search."""
    recipe, trials = Recipe.load(folder / RECIPE), finished(folder)
    run = Run(recipe, folder, quiet=True)
    configs = [trial.config for trial in trials]
    points = Points.of(named_space(recipe.search.space, recipe.task, recipe.student), configs)
    curves = np.array([_first_epoch(trial_folder(folder, run.inputs(), t.config, t.seed)) for t in trials])
    probes = _kept(cache / f"probes-{folder.name}.json", configs, lambda config: _probe(run, config))
    zero_cost, untrained, tenth = probes[:, :4], probes[:, 4:5], probes[:, 5:]
    plain = features(points)
    scores = [trial.scores for trial in trials if trial.scores]
    sizes = np.log(
        [[s.size_bytes, s.flops or 1.0, t.config.learning_rate] for s, t in zip(scores, trials, strict=True)]
    )
    kinds = {
        "bytes, FLOPs, rate": sizes,
        "configuration": plain,
        "zero-cost": zero_cost,
        "probe, untrained": untrained,
        "configuration, zero-cost": np.column_stack([plain, zero_cost]),
        "first tenth": tenth,
        "configuration, first tenth": np.column_stack([plain, tenth]),
        "first epoch": curves,
        "configuration, first epoch": np.column_stack([plain, curves]),
    }
    worth = np.array([trial.effectiveness for trial in trials], dtype=float)
    alone = {"zero-cost": zero_cost, "probe, untrained": untrained, "first tenth": tenth, "first epoch": curves}
    return kinds, alone, worth


def _first_epoch(folder: Path) -> list[float]:
    first = json.loads((folder / LOG).read_text().splitlines()[0])
    return [first["score"], first["loss"]]


def _probe(run: Run, config: StudentConfig) -> list[float]:
    """Zero-cost scores, the probe of the untrained student; after a tenth of the steps score, loss and probe."""
    spec = run.tokenizer(config)
    built, task = config.replace(vocab_size=len(spec.vocab)), run.recipe.task
    train, valid = run.training_split(built, spec), run.encoded("valid", built, spec, taught=False)
    some = make_batch(train, np.arange(32))
    labelled = replace(some, labels_R=torch.from_numpy(np.asarray(train.logits)[:32].argmax(1)))
    scores = zero_cost_scores(built, task, labelled)
    options = replace(run.recipe.distil, epochs=run.recipe.search.trial_epochs, seed=run.recipe.search.seed)
    student = Student(built, task, seed=options.seed)
    taught = replace(train, labels=np.asarray(train.logits).argmax(1))
    before = linear_probe(student, taught, range(PROBED))
    loss, worth = _first_tenth(run, student, built, train, valid)
    return [*(scores[name] for name in ZERO_COST), before, worth, loss, linear_probe(student, taught, range(PROBED))]


def _first_tenth(
    run: Run, student: Student, config: StudentConfig, train: EncodedSplit, valid: EncodedSplit
) -> tuple[float, float]:
    """Mean loss and validation score of the first tenth of the steps, on the schedule of the whole training."""
    options = replace(run.recipe.distil, epochs=run.recipe.search.trial_epochs, seed=run.recipe.search.seed)
    loop = DistilLoop(
        student,
        config,
        train=train,
        valid=valid,
        options=options,
        select=run.select(),
        out=Path(),
        quiet=True,
        predict=predict_logits,
    )
    student.train()
    steps = round(SHARE * loop.steps)
    plan = batch_plan(train, config.batch_size, seed=options.seed, epoch=0)
    losses = [loop.train_step(indices) for indices in plan[:steps]]
    return float(np.mean(losses)), loop.validate()["valid"]


if __name__ == "__main__":
    for name, (task, _) in search_quality.SETS.items():
        configs = search_quality.trained_students(search_quality.TRIALS / f"{name}.csv", task).points.configs()
        recorded_zero_cost(configs, task, Path(f"runs/search-ranks/zero-cost-{name}.json"))
        print(name, len(configs), flush=True)
