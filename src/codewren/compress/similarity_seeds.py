"""A similarity encoder trained with several seeds: how much of its transfer is luck."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from codewren.compress.similarity_path import compress_similarity
from codewren.compress.similarity_run import SimilarityRun
from codewren.core.errors import InputError
from codewren.core.files import read_json, write_bytes, write_json
from codewren.core.run_folder import SEED, SEEDS
from codewren.report.table import markdown


def compress_similarity_seeds(run: SimilarityRun, count: int) -> str:
    """Make the encoder with `count` seeds, in `seed-<n>/`; the recipe's own becomes `student.wren`.

    The first seed ships whatever the others reach: they say how far its figures can be trusted.

    Returns:
        A table: AUC and recall of each seed on each set, then mean and standard deviation.

    Raises:
        InputError: fewer than two seeds.
        CodewrenError: any stage's own error; what was finished stays.
    """
    if count < 2:
        raise InputError(f"--seeds {count}: wanted 2 or more; leave it out for one")
    first = run.recipe.contrast.seed
    figures = {seed: _figures(run, seed) for seed in range(first, first + count)}
    write_bytes(run.path("student.wren"), (run.path(SEED.format(seed=first)) / "student.wren").read_bytes())
    write_json(run.path(SEEDS), {"shipped": first, "seeds": figures})
    return spread_table(figures)


def _figures(run: SimilarityRun, seed: int) -> dict[str, Any]:
    recipe = replace(run.recipe, contrast=replace(run.recipe.contrast, seed=seed))
    folder = run.path(SEED.format(seed=seed))
    run.tell(f"seed {seed}, in {folder}")
    compress_similarity(SimilarityRun(recipe, folder, run.quiet))
    figures: dict[str, Any] = read_json(folder / "evaluation.json")["figures"]
    return figures


def spread_table(figures: Mapping[int, Mapping[str, Any]]) -> str:
    """Markdown: one line a measure, one column a seed, then mean and standard deviation."""
    header = ["", *(f"seed {seed}" for seed in figures), "mean", "sd"]
    measures = [_measures(each) for each in figures.values()]
    lines = [_line(name, [each[name] for each in measures]) for name in measures[0]]
    return markdown([header, *lines])


def _measures(figures: Mapping[str, Any]) -> dict[str, float]:
    sets = {
        f"{row['name']}, {measure}": row["bundle"][measure]
        for row in figures.get("transfer", ())
        for measure in ("auc", "recall")
    }
    pairs = {
        f"{name}, {measure}": value[measure]
        for name, value in sorted(figures.items())
        if isinstance(value, dict) and "accuracy" in value
        for measure in ("accuracy", "auc")
    }
    return {**sets, **pairs, "alert similarity": figures["alert_similarity"]}


def _line(name: str, values: Sequence[float]) -> list[str]:
    return [name, *(f"{value:.4f}" for value in (*values, statistics.mean(values), statistics.stdev(values)))]
