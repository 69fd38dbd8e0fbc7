"""Stage: one file with everything in it, its scores measured through the runtime that will run it."""

import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

from codewren.compress.decision import OUT_OF_FOLD, FittedDecision, fit_decision
from codewren.compress.distil import TrainedStudent, trial_student
from codewren.compress.evaluate import bundle_quality
from codewren.compress.run import Run, version
from codewren.core.errors import InfeasibleError, InputError
from codewren.core.files import file_sha256, read_json
from codewren.core.front import ParetoFront
from codewren.export.bundle import write_bundle
from codewren.measure.quality import Quality
from codewren.report.card import model_card
from codewren.runtime.bundle import Decision
from codewren.runtime.predictor import load

UNFITTED = FittedDecision(Decision(0.5, 1.0), {})


def export_student(run: Run, trained: TrainedStudent) -> Path:
    """Write `student.wren`, fit its decision and judge it on the validation split, and write it again with both.

    Raises:
        InfeasibleError: the file is larger than the budget; the file is kept as `student-too-large.wren`.
    """
    path = run.path("student.wren")
    size = _export(run, trained, path)
    limit = run.recipe.budget.max_bytes
    if limit is not None and size > limit:
        path.replace(run.path("student-too-large.wren"))
        raise InfeasibleError(
            f"the student takes {size:,} bytes, the budget is {limit:,}; lower vocab_size or hidden_size, "
            "or raise budget.max_bytes"
        )
    return path


def export_front(run: Run) -> list[Path]:
    """Write every student of the search's front as `front/BYTES.wren`, from its trial, smallest first.

    Raises:
        InputError: no search left a front here, or it holds students that no trial trained fully.
    """
    front = run.path("front.json")
    if not front.exists():
        raise InputError(
            f"{front} is not there; run codewren search with a strategy that trains (search.strategy=wren)"
        )
    recipe = run.recipe  # the bundles say how they were trained, and that was by [search]
    trained = replace(recipe.distil, seed=recipe.search.seed, epochs=recipe.search.trial_epochs)
    run = Run(replace(recipe, distil=trained), run.out, quiet=run.quiet)
    paths = []
    for candidate in ParetoFront.from_dict(read_json(front)).candidates:
        paths.append(run.path(f"front/{candidate.scores.size_bytes}.wren"))
        if not paths[-1].exists():
            _export(run, trial_student(run, candidate.config), paths[-1])
    return paths


def _export(run: Run, trained: TrainedStudent, path: Path) -> int:
    """Write the bundle, fit its decision, and write it again with that and its scores; bytes."""
    valid = run.dataset("valid")
    _write(path, run, trained, UNFITTED, {}, "")
    fitted = fit_decision(run.recipe, load(path), valid)
    if fitted.provenance:
        _write(path, run, trained, fitted, {}, "")
    quality = bundle_quality(load(path), valid)
    scores = {"split": "valid", **({"note": OUT_OF_FOLD} if fitted.provenance else {}), **quality.to_dict()}
    return _write(path, run, trained, fitted, scores, _card(run, trained, quality))


def _write(
    path: Path, run: Run, trained: TrainedStudent, fitted: FittedDecision, scores: dict[str, Any], card: str
) -> int:
    decision = fitted.decision
    return write_bundle(
        path,
        task=run.recipe.task,
        config=trained.config,
        tensors=trained.distilled.tensors,
        tokenizer=trained.tokenizer,
        threshold=decision.threshold,
        temperature=decision.temperature,
        alert_threshold=decision.alert_threshold,
        scores=scores,
        provenance=_provenance(run, trained) | ({"decision": fitted.provenance} if fitted.provenance else {}),
        card=card,
    )


def _provenance(run: Run, trained: TrainedStudent) -> dict[str, Any]:
    recipe = run.recipe
    plain = recipe.to_dict()
    plain.pop("folder")  # where the recipe lay is nobody's business
    return {
        "codewren": version(),
        "python": platform.python_version(),
        "recipe": plain,
        "logits_sha256": {split: file_sha256(run.path(f"logits-{split}.npz")) for split in recipe.distil.train_on},
        "data_sha256": {split: run.dataset(split).sha256() for split in (*recipe.distil.train_on, "valid")},
        "training_seconds": round(trained.distilled.seconds, 1),
        "epoch": trained.distilled.epoch,
        "history": list(trained.distilled.history),
    }


def _card(run: Run, trained: TrainedStudent, quality: Quality) -> str:
    return model_card(run.recipe, trained.config, quality)
