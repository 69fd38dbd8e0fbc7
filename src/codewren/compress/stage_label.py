"""Stage: the teacher's logits, written once, here or on a cluster."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from codewren.compress.run import Run
from codewren.compress.spread_report import report_spread
from codewren.compress.teacher_check import check_teacher
from codewren.core.dataset import Dataset
from codewren.core.errors import CodewrenError, RecipeError, TeacherError
from codewren.core.recipe import Recipe
from codewren.data.load import load_split
from codewren.search.trials.cluster import DaskCluster
from codewren.train.teachers.labelling import label
from codewren.train.teachers.network import NetworkTeacher
from codewren.train.teachers.teacher import Teacher, load_teacher
from codewren.train.teachers.text_batches import TeacherSplit

Floats = NDArray[np.float32]


def label_splits(run: Run, *, scheduler: str | None = None) -> list[Path]:
    """Label what the student learns from, and the validation split if the teacher can; return the files.

    What the logits are worth on labelled items is said on stderr and kept in `teacher-check.json`.

    With the address of a dask `scheduler`, given here or as `search.scheduler`, the cluster's workers judge the parts;
    they need the recipe's files at the same place. The logits are the same to the last digit on equal processors.

    Raises:
        RecipeError: the recipe does not give a split of `distil.train_on`, or gives no validation split.
        TeacherError: the teacher cannot be loaded, does not fit the data, or is another one on a worker.
        InputError: no scheduler answers.
    """
    for split in ("valid", *run.recipe.distil.train_on):
        if not run.has(split):
            raise RecipeError(f"recipe has no data.{split}, which distillation needs; add it under [data.{split}]")
    datasets = [run.dataset(split) for split in (*run.recipe.distil.train_on, "valid")]
    teacher = load_teacher(run.recipe)
    files = _label(run, teacher, datasets, scheduler or run.recipe.search.scheduler)
    report_spread(run, teacher)
    check_teacher(run, teacher, [dataset for dataset in datasets if teacher.covers(dataset.split)])
    run.save_recipe()
    return files


def _label(run: Run, teacher: Teacher, datasets: list[Dataset], address: str | None) -> list[Path]:
    if address is None:
        return label(run.recipe, run.out, datasets, teacher=teacher, quiet=run.quiet)
    there = DaskCluster(address)
    recipe = portable(run.recipe)

    def elsewhere(dataset: Dataset, teacher_sha256: str) -> _ClusterParts:
        return _ClusterParts(there, recipe, dataset.split, (dataset.sha256(), teacher_sha256))

    return label(run.recipe, run.out, datasets, teacher=teacher, quiet=run.quiet, elsewhere=elsewhere)


def portable(recipe: Recipe) -> str:
    """A recipe as JSON that means the same in any working directory."""
    return replace(recipe, folder=recipe.folder.resolve()).to_json()


@dataclass(frozen=True, slots=True)
class _ClusterParts:
    """Parts of one split, a task each; a part whose worker dies is judged by another one."""

    cluster: DaskCluster
    recipe: str
    split: str
    hashes: tuple[str, str]

    def __call__(self, numbers: Sequence[int]) -> Iterator[tuple[int, Floats]]:
        common = (self.recipe, self.split, self.hashes, torch.get_num_threads())
        for index, vectors in self.cluster.calls(part_vectors, [(*common, number) for number in numbers]):
            if isinstance(vectors, CodewrenError):
                raise vectors
            if isinstance(vectors, BaseException):
                raise TeacherError(
                    f"part {numbers[index]} of split {self.split!r} failed on the cluster "
                    f"({type(vectors).__name__}: {vectors}); what is done is kept, label again to go on"
                )
            yield numbers[index], vectors


def part_vectors(recipe: str, split: str, hashes: tuple[str, str], threads: int, number: int) -> Floats:
    """Vectors (B, W) of one part of a split; runs on a worker, with as many threads as there were at home.

    Raises:
        TeacherError: data or teacher are not those of the machine that asked.
    """
    teacher, encoded = _opened(recipe, split, hashes)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)  # how sums are split over threads can decide the last digit
    try:
        return teacher.part_vectors(encoded, number)
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _opened(recipe: str, split: str, hashes: tuple[str, str]) -> tuple[NetworkTeacher, TeacherSplit]:
    """Teacher and split, opened once a worker."""
    known = Recipe.from_json(recipe)
    dataset, teacher = load_split(known, split), load_teacher(known)
    if not isinstance(teacher, NetworkTeacher) or (dataset.sha256(), teacher.sha256) != hashes:
        raise TeacherError(
            f"a worker finds another teacher or other data for split {split!r} than the machine that labels; "
            "give all machines the same files under the same paths"
        )
    teacher.network.eval()
    return teacher, teacher.encoded(dataset, quiet=True)
