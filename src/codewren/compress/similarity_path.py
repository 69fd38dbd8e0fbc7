"""The main path of a similarity encoder: features, search, train, export, calibrate, evaluate; each leaves a file."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.bundle.similarity import GENERAL, SQUARE, Calibration
from codewren.compress.run import version
from codewren.compress.similarity_card import model_card
from codewren.compress.similarity_run import SimilarityRun, drafted, trained_rows
from codewren.compress.similarity_search import searched
from codewren.compress.staged_run import content_key
from codewren.compress.transfer_report import transfer_rows, transfer_table, valid_solutions
from codewren.core.errors import InfeasibleError
from codewren.core.files import read_json, write_bytes, write_json
from codewren.core.similarity_recipe import SimilarityRecipe, SimilaritySource
from codewren.measure.transfer import area_under_curve, summary
from codewren.predict.similarity import SimilarityPredictor
from codewren.train.similarity.fitting import (
    EVERYWHERE,
    Background,
    backgrounds,
    calibrations,
    edited_pairs,
    random_similarities,
    read_labelled,
    similarities,
)
from codewren.train.similarity.project_functions import Use
from codewren.train.similarity.tables import Arrays, Writing, write_tables


def compress_similarity(run: SimilarityRun) -> str:
    """Make `student.wren` of the recipe's sources; return the table of what came out.

    Raises:
        CodewrenError: any stage's own error; what was finished stays.
        InfeasibleError: the tables alone break the budget.
    """
    if run.recipe.search.strategy != "fixed":
        run = searched(run)
    limit, needed = run.recipe.budget.max_bytes, run.recipe.sizes.table_bytes
    if limit is not None and needed > limit:
        raise InfeasibleError(f"the tables need {needed:,} bytes, the budget is {limit:,}; give fewer rows or entries")
    arrays = trained_rows(run)
    fitted, figures = _judged(run, arrays)
    writing = Writing(
        fitted,
        figures,
        {"codewren": version(), "recipe": _portable(run.recipe), "training": run.training_key()},
        model_card(run.recipe, fitted[GENERAL], figures),
    )
    size = write_tables(run.path("student.wren"), arrays, run.recipe.sizes, writing)
    if limit is not None and size > limit:
        raise InfeasibleError(f"the bundle has {size:,} bytes, the budget is {limit:,}; give fewer rows or entries")
    write_json(run.path("recipe.json"), run.recipe.to_dict())
    report = f"{_report(run, figures)}\n{size:,} bytes; the bundle is {run.path('student.wren')}"
    write_bytes(run.path("report.md"), (report + "\n").encode())
    return report


def _portable(recipe: SimilarityRecipe) -> dict[str, Any]:
    """The recipe without the folder of the machine that ran it."""
    return {name: value for name, value in recipe.to_dict().items() if name != "folder"}


def _judged(run: SimilarityRun, arrays: Arrays) -> tuple[dict[str, Calibration], dict[str, Any]]:
    """Calibrations and figures of the trained encoder, measured through the runtime; `evaluation.json` keeps both."""
    path, key = run.path("evaluation.json"), content_key([run.training_key(), run.recipe.to_dict()])
    known = read_json(path) if path.exists() else {}
    if known.get("key") == key:
        return {name: Calibration(**raw) for name, raw in known["calibrations"].items()}, known["figures"]
    run.tell("fitting thresholds, measuring transfer")
    predictor = drafted(run, arrays)
    asides = backgrounds(run.recipe)
    fitted = calibrations(run.recipe, predictor, asides[Use.FIT])
    figures = _figures(run, predictor, fitted, asides[Use.TEST])
    stored = {name: calibration.to_dict() for name, calibration in fitted.items()}
    write_json(path, {"key": key, "calibrations": stored, "figures": figures})
    return fitted, figures


def _figures(
    run: SimilarityRun, predictor: SimilarityPredictor, fitted: dict[str, Calibration], background: Background
) -> dict[str, Any]:
    recipe, general = run.recipe, fitted[GENERAL]
    alert = general.least_product(general.alert_threshold or general.threshold) / SQUARE
    random_pairs = random_similarities(predictor, background, recipe.alert, seed=recipe.contrast.seed)
    copies = edited_pairs(background, seed=recipe.contrast.seed)
    figures: dict[str, Any] = {
        "alert_similarity": alert,
        "false_alarms_per_10000": {name: _share(values >= alert) * 1e4 for name, values in random_pairs.items()},
        "copies_above_alert": {name: _share(similarities(predictor, p) >= alert) for name, p in copies.items()},
        "related_projects": sorted(" and ".join(sorted(pair)) for pair in background.related),
        "projects": len({function.project for function in background.functions}),
    }
    if recipe.valid is not None:
        rows = transfer_rows(predictor, list(valid_solutions(recipe, recipe.valid)))
        figures |= {"transfer": [row.to_dict() for row in rows], "transfer_summary": summary(rows)}
        figures["table"] = transfer_table(rows)
    for name, source in sorted(recipe.sources.items()):
        if source.kind == "pairs" and source.valid is not None and name in fitted:
            figures[name] = _pair_figures(run, source, source.valid, predictor, fitted[name])
    return figures


def _pair_figures(
    run: SimilarityRun, source: SimilaritySource, path: str, predictor: SimilarityPredictor, line: Calibration
) -> dict[str, float]:
    pairs, labels = read_labelled(run.recipe, source, path)
    values = similarities(predictor, pairs)
    predicted = line.slope * values + line.offset > 0
    return {
        "pairs": len(pairs),
        "accuracy": _share(predicted == labels),
        "auc": area_under_curve(values[labels], values[~labels]),
    }


def _share(is_true: NDArray[np.bool_]) -> float:
    return float(is_true.mean()) if len(is_true) else float("nan")


def _report(run: SimilarityRun, figures: dict[str, Any]) -> str:
    alarms = {name: round(value, 2) for name, value in figures["false_alarms_per_10000"].items() if name != EVERYWHERE}
    copies = {name: round(value, 4) for name, value in figures["copies_above_alert"].items()}
    pairs = [
        f"{name}: accuracy {figures[name]['accuracy']:.4f}, AUC {figures[name]['auc']:.4f}"
        for name, source in sorted(run.recipe.sources.items())
        if source.kind == "pairs" and name in figures
    ]
    lines = [
        *([figures["table"], ""] if "table" in figures else []),
        *pairs,
        f"false alarms in 10,000 random pairs of {figures['projects']} projects put aside: {alarms}",
        f"share of copies above the alert threshold: {copies}",
    ]
    return "\n".join(lines)
