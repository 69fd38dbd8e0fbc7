"""The main path of a hint: features, search, fit, export, evaluate; each leaves a file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from codewren.bundle.hint import HintCalibration, HintConfig
from codewren.bundle.write_hint import HintText, write_hint_bundle
from codewren.compress.hint_card import hint_card
from codewren.compress.hint_figures import hint_figures
from codewren.compress.hint_run import HintRun, run_features
from codewren.compress.hint_search import searched_hint
from codewren.compress.run import version
from codewren.compress.staged_run import content_key
from codewren.core.errors import InfeasibleError
from codewren.core.files import read_json, write_bytes, write_json
from codewren.core.hint_recipe import HintRecipe
from codewren.core.task import VULNERABILITY
from codewren.predict.hint import HintPredictor
from codewren.predict.predictor import load
from codewren.train.hint.hint_fit import FittedHint, Material, fit_hint
from codewren.train.hint.line_fit import with_line_trees
from codewren.train.processes import one_thread
from codewren.train.similarity.tables import Arrays


def compress_hint(run: HintRun) -> str:
    """Make `student.wren` of the recipe's sources; return the table of what came out.

    Raises:
        CodewrenError: any stage's own error; what was finished stays.
        InfeasibleError: the bundle breaks the budget.
    """
    if run.recipe.search.strategy != "fixed":
        run = searched_hint(run)
    fitted = _fitted(run)
    draft, limit = run.path("draft.wren"), run.recipe.budget.max_bytes
    write_fitted(draft, fitted, HintText())
    figures = {run.recipe.review: fitted.outside, **_figures(run, draft)}
    provenance = {"codewren": version(), "recipe": _portable(run.recipe), "training": run.fit_key()}
    text = HintText(hint_card(run.recipe, figures), figures, provenance)
    size = write_fitted(run.path("student.wren"), fitted, text)
    draft.unlink()
    if limit is not None and size > limit:
        raise InfeasibleError(f"the bundle has {size:,} bytes, the budget is {limit:,}; give fewer entries")
    write_json(run.path("recipe.json"), run.recipe.to_dict())
    report = f"{json.dumps(figures, indent=1)}\n{size:,} bytes; the bundle is {run.path('student.wren')}"
    write_bytes(run.path("report.md"), (report + "\n").encode())
    return report


def _portable(recipe: HintRecipe) -> dict[str, Any]:
    """The recipe without the folder of the machine that ran it."""
    return {name: value for name, value in recipe.to_dict().items() if name != "folder"}


def write_fitted(path: Path, fitted: FittedHint, text: HintText) -> int:
    """Write a fit as a bundle; its size in bytes."""
    return write_hint_bundle(
        path,
        task=VULNERABILITY,
        config=fitted.config,
        arrays=fitted.arrays,
        calibrations=fitted.calibrations,
        text=text,
    )


def _fitted(run: HintRun) -> FittedHint:
    def make() -> Arrays:
        examples, read, lines = run_features(run)
        with one_thread():
            fitted = fit_hint(run.recipe, Material.of(run.recipe, examples, read), run.tell)
            fitted = with_line_trees(run.recipe, fitted, lines, run.tell)
        calibrations = {name: calibration.to_dict() for name, calibration in fitted.calibrations.items()}
        described = {"config": fitted.config.to_dict(), "calibrations": calibrations, "outside": fitted.outside}
        return {"described": np.array(json.dumps(described)), **fitted.arrays}

    return _from_arrays(run.stage("weights.npz", run.fit_key(), make))


def _from_arrays(stored: Arrays) -> FittedHint:
    described = json.loads(str(stored["described"]))
    calibrations = {
        name: HintCalibration(**{**raw, "counts": tuple(raw["counts"])})
        for name, raw in described["calibrations"].items()
    }
    arrays = {name: stored[name] for name in ("fingerprints", "rows", "kind_rows", "line_trees")}
    return FittedHint(HintConfig(**described["config"]), arrays, calibrations, described["outside"])


def _figures(run: HintRun, draft: Path) -> dict[str, Any]:
    """What the file reaches on files to measure on; `evaluation.json` keeps it."""
    path, key = run.path("evaluation.json"), content_key([run.fit_key(), asdict(run.recipe)])
    known = read_json(path) if path.exists() else {}
    if known.get("key") == key:
        return dict(known["figures"])
    run.tell("measuring")
    predictor = load(draft)
    assert isinstance(predictor, HintPredictor)  # what _write writes
    figures = hint_figures(run.recipe, predictor)
    write_json(path, {"key": key, "figures": figures})
    return figures
