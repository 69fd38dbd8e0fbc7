"""What a bundle does on its recipe's validation split, when the data are at hand: for the report, without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from codewren.bundle.read import Bundle
from codewren.core.dataset import Dataset
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import Source
from codewren.core.task import Task
from codewren.data.load import available_splits, load_split
from codewren.measure.estimate import Measure
from codewren.measure.intervals import Comparison, Floats, Ints, mcnemar, proportion
from codewren.measure.out_of_fold import out_of_fold
from codewren.measure.quality import Quality
from codewren.measure.task_quality import (
    decisions,
    logits_predictions,
    task_predictions,
    task_probabilities,
    task_quality,
)
from codewren.predict.predictor import Predictor
from codewren.predict.tokenizer import Tokenizer
from codewren.report.draw.reliability import BinAccuracy, reliability
from codewren.report.facts import Table
from codewren.train.teachers.logits_file import read_logits

LONGEST = 1 << 20
BANDS = 4


@dataclass(frozen=True, slots=True)
class Judgement:
    """One model's answers on a split."""

    probabilities: Floats
    predictions: Ints
    quality: Quality


@dataclass(frozen=True, slots=True)
class SplitAnswers:
    """All models of a run on the same items.

    Attributes:
        data_sha256: of the items.
        task: what is judged.
        labels: of the items (N,), or their sets.
        models: judgements by the model's name.
        lengths: tokens of the distinct functions, before cutting.
        slices: the student's accuracy on short and long items.
        out_of_fold: the student's decision was fitted on these items, so each is judged by one fitted on the others.
    """

    data_sha256: str
    task: Task
    labels: Ints
    models: Mapping[str, Judgement] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()
    slices: Table | None = None
    out_of_fold: bool = False

    def compared(self, first: str, second: str) -> Comparison:
        """Paired test of two of the models."""
        return mcnemar(self.labels, self.models[first].predictions, self.models[second].predictions)

    def reliability(self, name: str) -> tuple[BinAccuracy, ...]:
        """Bins of a model's confidence."""
        return reliability(*decisions(self.task, self.labels, self.models[name].probabilities))


def data_at_hand(recipe: Recipe, split: str) -> bool:
    """Whether a split's files lie where the recipe says. Nothing is fetched: a hub id is never at hand."""
    if split not in available_splits(recipe):
        return False
    data = recipe.data
    sources = [getattr(data, split) or data.train, data.functions]
    return all(_is_here(recipe, source) for source in sources if source is not None)


def _is_here(recipe: Recipe, source: Source) -> bool:
    return not source.path.startswith("hub:") and recipe.resolve(source.path).is_file()


@lru_cache(maxsize=4)
def _split(path: str, text: str, split: str) -> Dataset:
    """A split, read once however many runs of a page share it."""
    import json

    raw = json.loads(text)
    return load_split(Recipe.from_dict(raw, Path(path)), split)


def split_of(recipe: Recipe, split: str) -> Dataset:
    """A split of a recipe, kept for the next run with the same data.

    Raises:
        RecipeError, InputError: as `load_split`.
    """
    import json

    plain = recipe.to_dict()
    shared = {"task": plain["task"], "data": plain["data"]}
    return _split(plain["folder"], json.dumps(shared, default=list), split)


def answers_on_split(
    bundle: Bundle, dataset: Dataset, *, name: str, rivals: Mapping[str, tuple[Path, bool]]
) -> SplitAnswers:
    """Judge a bundle and other models on a split with labels.

    Args:
        bundle: the student.
        dataset: the split.
        name: of the student.
        rivals: further models by name: a file of their outputs, and whether these are probabilities already.

    Raises:
        TeacherError: outputs belong to other data.
        InputError: items without labels.
    """
    labels, task = np.asarray(dataset.known_labels(), dtype=np.int64), dataset.task
    models = {}
    for other, (path, normal) in rivals.items():
        outputs = read_logits(path, dataset).astype(np.float64)
        probabilities = outputs / outputs.sum(axis=1, keepdims=True) if normal else task_probabilities(task, outputs)
        models[other] = _judgement(task, labels, probabilities, task_predictions(task, probabilities))
    predictions, probabilities, crossed = _answers(Predictor(bundle), dataset)
    models[name] = _judgement(task, labels, probabilities, predictions)
    lengths = [len(ids) for ids in Tokenizer(bundle.tokenizer).encode_batch(list(dataset.functions), LONGEST)]
    longest = np.asarray([max(lengths[i] for i in item) for item in dataset.items])
    slices = _slices(longest, predictions == labels)
    return SplitAnswers(dataset.sha256(), task, labels, models, tuple(lengths), slices, out_of_fold=crossed)


def _answers(predictor: Predictor, dataset: Dataset) -> tuple[Ints, Floats, bool]:
    """Predictions and probabilities, and whether they are out of fold: the decision was fitted on these items."""
    crossed = out_of_fold(predictor, dataset)
    if crossed is not None:
        return crossed.predictions, crossed.probabilities, True
    probabilities = np.asarray(predictor.predict_proba(dataset.sources()), dtype=np.float64)
    decision = predictor.bundle.decision
    predictions = task_predictions(
        dataset.task, probabilities, threshold=decision.threshold, thresholds=decision.thresholds
    )
    return predictions, probabilities, False


def _judgement(task: Task, labels: Ints, probabilities: Floats, predictions: Ints) -> Judgement:
    return Judgement(probabilities, predictions, task_quality(task, labels, probabilities, predictions=predictions))


def _slices(longest: Ints, right: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Table:
    """Accuracy on four bands of equal size, by the tokens of an item's longest function."""
    order = np.argsort(longest, kind="stable")
    rows = []
    for band in np.array_split(order, BANDS):
        if len(band):
            share = proportion("accuracy", int(right[band].sum()), len(band))
            rows.append((f"{longest[band[0]]:,} to {longest[band[-1]]:,}", f"{len(band):,}", str(share)))
    note = "Quarters of the items by the length of their longest function. A gap within the brackets is noise."
    return Table("items", "Slices by length", ("tokens", "items", "accuracy"), tuple(rows), note)


def teacher_on(recipe: Recipe, split: str, logits: Path) -> Measure | None:
    """Accuracy of a teacher's file of logits on a split, where that is at hand and has labels."""
    if not logits.is_file() or not data_at_hand(recipe, split):
        return None
    dataset = split_of(recipe, split)
    if any(label is None for label in dataset.labels):
        return None
    right = logits_predictions(dataset.task, read_logits(logits, dataset)) == np.asarray(dataset.known_labels())
    return proportion("accuracy", int(right.sum()), len(right))
