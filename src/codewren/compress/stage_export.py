"""Stage: one file with everything in it, its scores measured through the runtime that will run it."""

import json
import platform
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from codewren.bundle.read import Bundle
from codewren.bundle.write import amend_bundle, write_bundle
from codewren.compress.decision import fit_decision
from codewren.compress.run import Run, version
from codewren.compress.run_warnings import warn
from codewren.compress.stage_distil import TrainedStudent, trial_student
from codewren.compress.stage_evaluate import bundle_quality, predictions
from codewren.core.dataset import Dataset
from codewren.core.errors import InfeasibleError, InputError
from codewren.core.files import read_json
from codewren.core.pareto import ParetoFront
from codewren.core.run_folder import FRONT, FRONT_STUDENT, STUDENT, TOO_LARGE
from codewren.core.task import Kind
from codewren.measure.out_of_fold import OUT_OF_FOLD
from codewren.predict.predictor import Predictor
from codewren.report.card import bundle_card


def export_student(run: Run, trained: TrainedStudent) -> Path:
    """Write `student.wren`, fit its decision and judge it on the validation split, and amend the file with both.

    Raises:
        InfeasibleError: the file is larger than the budget; the file is kept as `student-too-large.wren`.
    """
    path = run.path(STUDENT)
    size = _export(run, trained, path)
    limit = run.recipe.budget.max_bytes
    if limit is not None and size > limit:
        path.replace(run.path(TOO_LARGE))
        raise InfeasibleError(
            f"the student takes {size:,} bytes, the budget is {limit:,}; lower vocab_size or hidden_size, "
            "or raise budget.max_bytes"
        )
    run.save_recipe(shipped=True)
    return path


def export_front(run: Run) -> list[Path]:
    """Write every student of the search's front as `front/BYTES.wren`, from its trial, smallest first.

    Raises:
        InputError: no search left a front here, or it holds students that no trial trained fully.
    """
    front = run.path(FRONT)
    if not front.exists():
        raise InputError(
            f"{front} is not there; run codewren search with a strategy that trains (search.strategy=wren)"
        )
    recipe = run.recipe  # the bundles say how they were trained, and that was by [search]
    trained = replace(recipe.distil, seed=recipe.search.seed, epochs=recipe.search.trial_epochs)
    run = Run(replace(recipe, distil=trained), run.out, quiet=run.quiet)
    paths = []
    for candidate in ParetoFront.from_dict(read_json(front)).candidates:
        paths.append(run.path(FRONT_STUDENT.format(bytes=candidate.scores.size_bytes)))
        student = trial_student(run, candidate.config)
        if not paths[-1].exists() or not _made_of(paths[-1], _provenance(run, student)):
            _export(run, student, paths[-1])
    return paths


def one_label_only(predicted: NDArray[np.int64], dataset: Dataset) -> list[str]:
    """A warning where a student gives every item of a split of several labels the same one."""
    if len(set(predicted.tolist())) > 1 or len(set(dataset.known_labels())) < 2:
        return []
    task = dataset.task
    label = task.in_words(int(predicted[0]))
    fitted = task.has_threshold and task.kind is not Kind.ORDINAL
    keys = "decision.threshold = 'f1', distil.selection = 'mcc'" if fitted else "distil.selection = 'mcc'"
    return [
        f"the student answers {label!r} for every one of the {len(dataset):,} items of {dataset.split}, so it has "
        f"learnt nothing that shows: try {keys}, more distil.epochs or another learning_rate"
    ]


def _made_of(path: Path, wanted: dict[str, Any]) -> bool:
    """Whether a bundle was made of the same recipe, data and logits, by the same versions."""
    made = Bundle.read(path).manifest.get("provenance", {})
    plain: dict[str, Any] = json.loads(json.dumps(wanted))
    return {name: made.get(name) for name in wanted} == plain


def _export(run: Run, trained: TrainedStudent, path: Path) -> int:
    """Write the bundle, and amend it with its decision, scores and card, which need the runtime; returns the bytes."""
    valid = run.dataset("valid")
    provenance = _provenance(run, trained)
    write_bundle(
        path,
        task=run.recipe.task,
        config=trained.config,
        tensors=trained.distilled.tensors,
        tokenizer=trained.tokenizer,
        provenance=provenance,
    )
    undecided = Predictor(Bundle.read(path))
    fitted = fit_decision(run.recipe, undecided, valid)
    warn(run, f"decision {path.name}", [fitted.provenance["doubt"]] if "doubt" in fitted.provenance else [])
    addition = {"decision": fitted.provenance} if fitted.provenance else {}
    manifest = {**undecided.manifest, "provenance": provenance | addition}
    predictor = Predictor(replace(undecided.bundle, decision=fitted.decision, manifest=manifest))
    quality = bundle_quality(predictor, valid)
    warn(run, f"export {path.name}", one_label_only(predictions(predictor, valid)[0], valid))
    scores = {"split": "valid", **({"note": OUT_OF_FOLD} if addition else {}), **quality.to_dict()}
    card = bundle_card(run.recipe, trained.config, quality)
    return amend_bundle(path, card=card, provenance=addition, decision=fitted.decision, scores=scores)


def _provenance(run: Run, trained: TrainedStudent) -> dict[str, Any]:
    """What the student was made of and by: equal for equal inputs, so no time of day and no run time is in it."""
    recipe, inputs = run.recipe, run.inputs()
    plain = recipe.to_dict()
    plain.pop("folder")  # where the recipe lay is nobody's business
    return {
        "codewren": version(),
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in ("torch", "transformers", "tokenizers", "numpy")},
        "threads": torch.get_num_threads(),
        "recipe": without_places(plain, recipe.folder.resolve()),
        "logits_sha256": inputs["logits"],
        "data_sha256": inputs["data"],
        "labels_sha256": inputs["labels"],
        "epoch": trained.distilled.epoch,
        "history": list(trained.distilled.history),
    }


def without_places(value: Any, folder: Path) -> Any:
    """A recipe's values with absolute paths made relative to its folder; of those elsewhere the name alone."""
    if isinstance(value, dict):
        return {name: without_places(item, folder) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(item, folder) for item in value]
    if not isinstance(value, str) or not Path(value).is_absolute():
        return value
    path = Path(value)
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name
