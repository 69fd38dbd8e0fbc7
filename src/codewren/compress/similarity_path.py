"""The main path of a similarity encoder: features, train, export, calibrate, evaluate; each leaves a file."""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.bundle.similarity import GENERAL, SQUARE, Calibration
from codewren.compress.run import version
from codewren.compress.similarity_card import model_card
from codewren.compress.transfer_report import transfer_rows, transfer_table, valid_solutions
from codewren.core.errors import InfeasibleError
from codewren.core.files import atomic_write, file_sha256, read_json, write_bytes, write_json
from codewren.core.similarity_recipe import SimilarityRecipe, SimilaritySource
from codewren.measure.transfer import area_under_curve, summary
from codewren.predict.predictor import load
from codewren.predict.similarity import SimilarityPredictor
from codewren.train.processes import one_thread
from codewren.train.similarity.contrast import Lessons, train_encoder
from codewren.train.similarity.corpus import Corpus, training_corpus
from codewren.train.similarity.encoder import SimilarityEncoder
from codewren.train.similarity.feature_bags import Bags, Features, features_of
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
from codewren.train.similarity.tables import Arrays, Writing, start_from, tables, write_tables

NEUTRAL = {GENERAL: Calibration(1.0, 0.0)}
"""Of the draft that calibrations are fitted with: its probabilities are never shown."""


@dataclass(frozen=True, slots=True)
class SimilarityRun:
    """A recipe and its folder; a stage is done when its file lies there under the same key."""

    recipe: SimilarityRecipe
    out: Path
    quiet: bool = False

    def path(self, name: str) -> Path:
        """A file of this run."""
        return self.out / name

    def tell(self, line: str) -> None:
        """Say on standard error how far it is."""
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

    def data_key(self) -> str:
        """Hash of the sources, what they are used for, and what is drawn of them."""
        recipe = self.recipe
        names = [
            name
            for source in recipe.sources.values()
            for name in (source.path, source.labelled, source.unlabelled, source.valid, *source.logits)
            if name is not None
        ]
        files = {name: file_sha256(recipe.resolve(name)) for name in names}
        described = recipe.to_dict()
        contrast = described["contrast"]
        return content_key([files, described["sources"], contrast["originals"], contrast["seed"]])

    def training_key(self) -> str:
        """Hash of all that the trained rows depend on."""
        described = self.recipe.to_dict()
        initial = self.recipe.contrast.initial
        start = None if initial is None else file_sha256(self.recipe.resolve(initial))
        return content_key([self.data_key(), described["contrast"], described["sizes"], start])


def compress_similarity(run: SimilarityRun) -> str:
    """Make `student.wren` of the recipe's sources; return the table of what came out.

    Raises:
        CodewrenError: any stage's own error; what was finished stays.
        InfeasibleError: the tables alone break the budget.
    """
    limit, needed = run.recipe.budget.max_bytes, run.recipe.sizes.table_bytes
    if limit is not None and needed > limit:
        raise InfeasibleError(f"the tables need {needed:,} bytes, the budget is {limit:,}; give fewer rows or entries")
    arrays = _trained(run)
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


def content_key(parts: Any) -> str:
    """Hash of plain values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _portable(recipe: SimilarityRecipe) -> dict[str, Any]:
    """The recipe without the folder of the machine that ran it."""
    return {name: value for name, value in recipe.to_dict().items() if name != "folder"}


def _stage(run: SimilarityRun, name: str, key: str, make: Callable[[], Arrays]) -> Arrays:
    """Arrays of a stage: from its file where the key is the same, else made and written."""
    path = run.path(name)
    if path.exists():
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["key"]) == key:
                return dict(stored)
    arrays = make()
    content: dict[str, Any] = {"key": np.array(key), **arrays}
    with atomic_write(path) as stream:
        np.savez(stream, **content)
    return arrays


def _features(run: SimilarityRun) -> tuple[Features, Corpus]:
    def make() -> Arrays:
        corpus = training_corpus(run.recipe)
        run.tell(f"features of {len(corpus.texts):,} functions")
        features = features_of(corpus.texts, [language == "python" for language in corpus.languages])
        arrays: Arrays = {"groups": np.array(json.dumps(corpus.groups())), "sizes": features.sizes}
        for name, bags in (("names", features.names), ("structure", features.structure)):
            arrays |= {f"{name}_starts": bags.starts, f"{name}_hashes": bags.hashes, f"{name}_counts": bags.counts}
        return arrays

    arrays = _stage(run, "features.npz", run.data_key(), make)
    names, structure = (
        Bags(*(arrays[f"{name}_{array}"] for array in ("starts", "hashes", "counts")))
        for name in ("names", "structure")
    )
    return Features(names, structure, arrays["sizes"]), Corpus(**json.loads(str(arrays["groups"])))


def _trained(run: SimilarityRun) -> Arrays:
    def make() -> Arrays:
        features, corpus = _features(run)
        settings = run.recipe.contrast
        with one_thread():
            encoder = SimilarityEncoder(run.recipe.sizes, features, written=corpus.written, seed=settings.seed)
            if settings.initial is not None:
                with np.load(run.recipe.resolve(settings.initial), allow_pickle=False) as start:
                    start_from(encoder, start)
            losses = train_encoder(encoder, Lessons.of(corpus, features.sizes, settings), settings, progress=run.tell)
        run.tell(f"trained; losses {losses}")
        return tables(encoder)

    return _stage(run, "rows.npz", run.training_key(), make)


def _judged(run: SimilarityRun, arrays: Arrays) -> tuple[dict[str, Calibration], dict[str, Any]]:
    """Calibrations and figures of the trained encoder, measured through the runtime; `evaluation.json` keeps both."""
    path, key = run.path("evaluation.json"), content_key([run.training_key(), run.recipe.to_dict()])
    known = read_json(path) if path.exists() else {}
    if known.get("key") == key:
        return {name: Calibration(**raw) for name, raw in known["calibrations"].items()}, known["figures"]
    run.tell("fitting thresholds, measuring transfer")
    draft = run.path("draft.wren")
    write_tables(draft, arrays, run.recipe.sizes, Writing(NEUTRAL, {}, {}))
    predictor = load(draft)
    assert isinstance(predictor, SimilarityPredictor)  # what write_tables writes
    asides = backgrounds(run.recipe)
    fitted = calibrations(run.recipe, predictor, asides[Use.FIT])
    figures = _figures(run, predictor, fitted, asides[Use.TEST])
    draft.unlink()
    stored = {name: calibration.to_dict() for name, calibration in fitted.items()}
    write_json(path, {"key": key, "calibrations": stored, "figures": figures})
    return fitted, figures


def _figures(
    run: SimilarityRun, predictor: SimilarityPredictor, fitted: dict[str, Calibration], background: Background
) -> dict[str, Any]:
    recipe, general = run.recipe, fitted[GENERAL]
    alert = general.least_product(general.alert_threshold or general.threshold) / SQUARE
    random_pairs = random_similarities(predictor, background.functions, recipe.alert, seed=recipe.contrast.seed)
    copies = edited_pairs(background, seed=recipe.contrast.seed)
    figures: dict[str, Any] = {
        "alert_similarity": alert,
        "false_alarms_per_10000": {name: _share(values >= alert) * 1e4 for name, values in random_pairs.items()},
        "copies_above_alert": {name: _share(similarities(predictor, p) >= alert) for name, p in copies.items()},
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
