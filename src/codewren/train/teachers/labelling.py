"""Labelling: the teacher's logits of every split, written once.

Source: SPEC 1.1, step 2.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from codewren.core.dataset import Dataset
from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.core.run_folder import LOGITS
from codewren.train.teachers.logits_file import (
    Logits,
    logits_teacher_sha256,
    read_logits,
    read_vectors,
    write_logits,
)
from codewren.train.teachers.logits_teacher import FileTeacher
from codewren.train.teachers.network import Elsewhere, NetworkTeacher
from codewren.train.teachers.spread import SpreadTeacher
from codewren.train.teachers.teacher import Teacher, load_teacher

__all__ = ["label", "label_split", "logits_path", "read_logits"]


def label(
    recipe: Recipe,
    out: Path,
    datasets: Iterable[Dataset],
    *,
    teacher: Teacher | None = None,
    quiet: bool = False,
    elsewhere: Callable[[Dataset, str], Elsewhere] | None = None,
) -> list[Path]:
    """Write `logits-<split>.npz` for each data set that the recipe's teacher covers; return the files.

    A file that this teacher already wrote for this data stays; a killed call goes on where it stopped. `elsewhere`
    gives, for a data set and the hash of the teacher, what judges parts of it on other machines; files are read here.

    Raises:
        TeacherError: the teacher cannot be loaded, or its logits do not fit the data.
    """
    teacher = teacher or load_teacher(recipe)
    features = recipe.distil.features != "none"
    if features:
        check_has_vectors(teacher, recipe)
    files = []
    for dataset in datasets:
        if teacher.covers(dataset.split):
            files.append(logits_path(out, dataset.split))
            judged = elsewhere(dataset, teacher.sha256) if elsewhere and isinstance(teacher, NetworkTeacher) else None
            label_split(teacher, dataset, files[-1], quiet=quiet, elsewhere=judged, features=features)
    return files


def check_has_vectors(teacher: Teacher, recipe: Recipe) -> None:
    """Refuse a teacher that has no vector of a function for `distil.features` to learn from.

    Raises:
        TeacherError: it is a file, words, or reads both functions of a pair as one text.
    """
    if not isinstance(teacher, NetworkTeacher) or teacher.joins_pairs:
        raise TeacherError(
            f"distil.features = {recipe.distil.features!r} wants a teacher with a vector of each function, a network "
            f"that reads functions one by one; this one (kind {recipe.teacher.kind!r}) has none: set distil.features "
            "= 'none'"
        )


def logits_path(out: Path, split: str) -> Path:
    """Where the logits of a split lie."""
    return out / LOGITS.format(split=split)


def label_split(
    teacher: Teacher,
    dataset: Dataset,
    path: Path,
    *,
    quiet: bool = False,
    elsewhere: Elsewhere | None = None,
    features: bool = False,
) -> Logits:
    """Write one split's logits to `path`, unless this teacher has done so for this data, and return them.

    With `features` the file holds a network's vectors of the functions, too.

    Raises:
        TeacherError: the logits do not fit the data.
        InputError: the file cannot be written.
    """
    sha256 = teacher.sha256_for(dataset) if isinstance(teacher, FileTeacher | SpreadTeacher) else teacher.sha256
    if logits_teacher_sha256(path) == sha256:
        try:
            if features:
                read_vectors(path, dataset)
            return read_logits(path, dataset)
        except TeacherError:
            path.unlink()  # of other data, or damaged: it is written anew
    partial = path.with_suffix(".partial.npz")
    vectors = None
    if isinstance(teacher, NetworkTeacher):
        logits, vectors = teacher.judge(dataset, partial=partial, quiet=quiet, elsewhere=elsewhere)
    else:
        logits = teacher.logits(dataset, partial=partial, quiet=quiet)
    write_logits(path, logits, dataset, teacher_sha256=sha256, vectors=vectors if features else None)
    partial.unlink(missing_ok=True)
    return logits
