"""The same recipe with several seeds: how much of a score is luck, and the best of them to ship.

The best is chosen on the validation split, so its own score there flatters it; expect the mean of the recipe.
"""

import json
import shutil
import statistics
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from codewren.bundle.read import Bundle
from codewren.bundle.write import amend_bundle
from codewren.compress.path import compress
from codewren.compress.run import Run
from codewren.compress.stage_label import label_splits
from codewren.compress.stage_overlap import report_overlap
from codewren.compress.stage_search import search_configuration
from codewren.core.errors import InfeasibleError, InputError
from codewren.core.files import file_sha256, read_json, write_bytes, write_json
from codewren.core.run_folder import ENERGY, EVALUATION, RECIPE, SEED, SEEDS, SHARED, STUDENT
from codewren.report.card import seeds_section
from codewren.report.table import markdown

MEASURES = ("accuracy", "label_accuracy", "f1", "f1_micro", "f1_macro", "mae", "mcc", "auc", "ece")


def compress_seeds(run: Run, count: int) -> str:
    """Compress with `count` seeds in `seed-<n>/`; the best becomes `student.wren`, all scores `seeds.json`.

    Returns:
        A table: every seed, then mean and standard deviation.

    Raises:
        InputError: fewer than two seeds.
        CodewrenError: any stage's own error; what was finished stays.
    """
    if count < 2:
        raise InputError(f"--seeds {count}: wanted 2 or more; leave it out for one")
    _prepare(run)
    first = run.recipe.distil.seed
    scores_of = {seed: _compress_one(run, seed) for seed in range(first, first + count)}
    metric = run.recipe.distil.selection
    best = max(scores_of, key=lambda seed: scores_of[seed][metric if metric in scores_of[seed] else "f1_macro"])
    summary = {
        name: _summary([scores[name] for scores in scores_of.values()]) for name in MEASURES if name in scores_of[best]
    }
    table = _table(scores_of, summary, best)
    _ship(run, best, table, {"seeds": {"split": "valid", "each": scores_of, "summary": summary}})
    write_json(run.path(SEEDS), {"split": "valid", "best": best, "seeds": scores_of, "summary": summary})
    return table


def _ship(run: Run, best: int, table: str, provenance: Mapping[str, Any]) -> None:
    """The best seed's file as `student.wren`, the study in its model card.

    Raises:
        InfeasibleError: with the study in it the file is larger than the budget.
    """
    path = run.path(STUDENT)
    write_bytes(path, (_folder(run, best) / STUDENT).read_bytes())
    joules, meter = _training_energy(run)
    card = Bundle.read(path).card + seeds_section(table, joules=joules, meter=meter)
    size, limit = amend_bundle(path, card=card, provenance=provenance), run.recipe.budget.max_bytes
    if limit is not None and size > limit:
        raise InfeasibleError(f"{path} takes {size:,} bytes, the budget is {limit:,}; lower vocab_size or hidden_size")


def _training_energy(run: Run) -> tuple[list[float], str]:
    """Joules of each seed's distillation and the meter's name; empty where it was not recorded."""
    stages = [
        stage
        for file in sorted(run.out.glob(f"{SEED.format(seed='*')}/{ENERGY}"))
        for stage in read_json(file)["stages"]
        if stage["stage"] == "distil"
    ]
    meter = f"{stages[0]['meter']}; may be off by a factor of {stages[0]['factor']:g}" if stages else ""
    return [float(stage["joules"]) for stage in stages], meter


def _prepare(run: Run) -> None:
    report_overlap(run)
    label_splits(run)
    config = search_configuration(run)
    run.tokenizer(config)
    run.renamed()


def _folder(run: Run, seed: int) -> Path:
    return run.path(SEED.format(seed=seed))


def _compress_one(run: Run, seed: int) -> dict[str, float]:
    """Scores of one seed on the validation split, through the runtime."""
    folder = _folder(run, seed)
    for pattern in SHARED:
        for file in run.out.glob(pattern):
            target = folder / file.relative_to(run.out)
            if not target.exists() or file_sha256(target) != file_sha256(file):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
    recipe = replace(run.recipe, distil=replace(run.recipe.distil, seed=seed))
    known, plain = folder / RECIPE, json.loads(json.dumps(recipe.to_dict()))
    evaluation = folder / EVALUATION
    done = known.exists() and read_json(known) == plain and evaluation.exists()
    if not done or read_json(evaluation).get("inputs") != run.inputs():
        compress(Run.start(recipe, folder, quiet=run.quiet))
    row = next(row for row in read_json(evaluation)["rows"] if row["name"] == "student")
    measures: Mapping[str, Any] = row["quality"]["measures"]
    names = [name for name in MEASURES if name in measures and not (name == "f1_macro" and "f1" in measures)]
    return {"size_bytes": row["size_bytes"], **{name: measures[name]["value"] for name in names}}


def _summary(values: list[float]) -> dict[str, float]:
    return {
        "mean": statistics.mean(values),
        "sd": statistics.stdev(values),
        "min": min(values),
        "max": max(values),
    }


def _table(found: Mapping[int, Mapping[str, float]], summary: Mapping[str, Mapping[str, float]], best: int) -> str:
    names = list(summary)
    rows: list[list[str]] = [["seed", "bytes", *names]]
    for seed, scores in found.items():
        mark = " (shipped)" if seed == best else ""
        rows.append([f"{seed}{mark}", f"{scores['size_bytes']:,.0f}", *(f"{scores[name]:.4f}" for name in names)])
    rows += [[figure, "", *(f"{summary[name][figure]:.4f}" for name in names)] for figure in ("mean", "sd")]
    note = "The best seed is chosen on this split, so its own line flatters it: expect the mean."
    return f"{markdown(rows)}\n\n{note}"
