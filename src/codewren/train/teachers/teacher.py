"""Teachers: what they have in common, and the one that a recipe names."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from codewren.core.dataset import Dataset
from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import TeacherSection
from codewren.core.task import Task, Unit
from codewren.data.load import SPLITS, load_split
from codewren.train.teachers.folder import SHEET
from codewren.train.teachers.logits_file import Logits
from codewren.train.teachers.logits_teacher import FileTeacher
from codewren.train.teachers.ngrams import NgramTeacher
from codewren.train.teachers.pretrained import beside
from codewren.train.teachers.sentence_encoder import MODULES, sentence_teacher
from codewren.train.teachers.sources import classifier_teacher, finetuned_teacher, papers_teacher
from codewren.train.teachers.spread import SpreadTeacher


class Teacher(Protocol):
    """Anything that gives logits for a data set."""

    @property
    def sha256(self) -> str:
        """Hash of everything the logits depend on."""

    def covers(self, split: str) -> bool:
        """Whether it can judge this split."""

    def logits(self, dataset: Dataset, *, partial: Path | None = None, quiet: bool = True) -> Logits:
        """Logits (n, C), column k for `task.labels[k]`; `partial` keeps what is done, so that a kill loses little."""


def load_teacher(recipe: Recipe) -> Teacher:
    """The teacher that `[teacher]` names.

    Raises:
        TeacherError: it cannot be loaded in full, or does not fit the task.
    """
    section, task = recipe.teacher, recipe.task
    _check_spread(section, task)
    if section.kind == "ngrams":
        return NgramTeacher(recipe)
    if not section.path:
        raise TeacherError("teacher.path is empty; name a folder, a hub id, a checkpoint or a logits file")
    if section.kind in ("logits", "judgements"):
        paths = tuple(recipe.resolve(path) for path in (section.path, *section.also))
        confidence = _confidence(section.confidence, task) if section.kind == "judgements" else 0.0
        files = FileTeacher(paths, tuple(recipe.distil.train_on), section.label_margin, confidence, _cut(recipe))
        spreads = section.kind == "judgements" and task.unit is Unit.FUNCTION
        return SpreadTeacher(recipe, files) if spreads else files
    path = beside(recipe.folder, section.path)
    if section.kind == "papers":
        encoder = beside(recipe.folder, section.encoder or "")
        return papers_teacher(Path(path), replace(section, encoder=encoder), task)
    if (Path(path) / SHEET).is_file():
        return finetuned_teacher(Path(path), section, task)
    if (Path(path) / MODULES).is_file():
        return sentence_teacher(Path(path), section, task, labelled=lambda: load_split(recipe, "labelled"))
    below = replace(section, encoder=beside(recipe.folder, section.encoder) if section.encoder else None)
    return classifier_teacher(path, below, task)


def _check_spread(section: TeacherSection, task: Task) -> None:
    if section.spread is not None and (section.kind != "judgements" or task.unit is not Unit.FUNCTION):
        raise TeacherError(
            f"teacher.spread carries judgements of single functions to others; this recipe has items that are a "
            f"{task.unit}, and a teacher of kind {section.kind!r}: leave it out"
        )


def _cut(recipe: Recipe) -> tuple[str, ...]:
    """The splits that have a `limit`; halves are drawn from all rows, so that a file's first are not theirs."""
    sources = {split: getattr(recipe.data, split) for split in SPLITS}
    return tuple(split for split, source in sources.items() if source is not None and source.limit is not None)


def _confidence(confidence: float, task: Task) -> float:
    if not 1 / len(task.labels) < confidence <= 1:
        raise TeacherError(f"teacher.confidence {confidence:g} must lie in ({1 / len(task.labels):.3g}, 1]; try 0.9")
    return confidence
