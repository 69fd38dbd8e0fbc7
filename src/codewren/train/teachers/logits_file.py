"""Logits of a split in a file: what `label` writes, and what any other model can hand in as a teacher.

Our own form is `.npz` with `logits` (n, C) float32, `dataset_sha256` and `teacher_sha256`, and where the student learns
from them `vectors` (F, W) of the functions. Foreign forms: a bare
`.npy`, an `.npz` without the hashes, and Parquet, CSV and JSONL with one column a label (named as the task's labels) or
one list column `logits`; a column `id` there, or any column that holds just the items' ids, is matched with them,
whatever the order of the rows. Probabilities are refused.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from codewren.core.dataset import Dataset
from codewren.core.errors import InputError, TeacherError
from codewren.core.files import atomic_write
from codewren.data.readers import read_rows, spelling

Logits = NDArray[np.float32]
DAMAGED = (ValueError, EOFError, BadZipFile, OSError, KeyError)
PROBABILITY_TOLERANCE = 1e-3
SUFFIXES = (".npy", ".npz", ".parquet", ".csv", ".jsonl")


def write_logits(
    path: Path, logits: Logits, dataset: Dataset, *, teacher_sha256: str, vectors: NDArray[np.float32] | None = None
) -> None:
    """Write the logits of a split, and its functions' vectors where there are any, bound to its texts and the teacher.

    Raises:
        TeacherError: the logits do not fit the data.
        InputError: the file cannot be written.
    """
    check_logits(logits, dataset, source=str(path))
    arrays: dict[str, NDArray[Any]] = {
        "logits": logits.astype(np.float32),
        "dataset_sha256": np.array(dataset.sha256()),
        "teacher_sha256": np.array(teacher_sha256),
    }
    if vectors is not None:
        arrays["vectors"] = vectors.astype(np.float32)
    with atomic_write(path) as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def read_logits(path: Path, dataset: Dataset, *, cut: bool = False) -> Logits:
    """Logits (n, C) of a split, float32, column k for `task.labels[k]`, checked against the data.

    Args:
        path: the file.
        dataset: the split.
        cut: it has only the first rows of its file (`limit`), so that the logits may have more.

    Raises:
        TeacherError: no such file, a format that is not known, or logits that do not fit: rows, columns, numbers that
            are not finite, ids, or the hash of other data.
    """
    if path.suffix not in SUFFIXES:
        raise TeacherError(f"{path}: logits are read from {', '.join(SUFFIXES)}, not {path.suffix or 'no suffix'!r}")
    if not path.is_file():
        raise TeacherError(
            f"{path}: no such file; wanted the logits {(len(dataset), len(dataset.task.labels))} of split "
            f"{dataset.split!r}: logits-{dataset.split}.npz of a run, which codewren label writes, or "
            "numpy.save(path, logits) of another model's"
        )
    try:
        in_numpy = path.suffix in (".npy", ".npz")
        logits = _read_numpy(path, dataset) if in_numpy else _from_columns(path, _columns(path), dataset, cut=cut)
    except InputError as error:
        raise TeacherError(f"cannot be read as logits: {error}") from error
    except DAMAGED as error:
        raise TeacherError(f"{path}: cannot be read as logits ({error}); write it again") from error
    logits = logits[: len(dataset)] if cut else logits
    check_logits(logits, dataset, source=str(path))
    if logits_teacher_sha256(path) is None:
        _check_no_probabilities(path, logits, several=dataset.task.is_multi_label)
    return logits.astype(np.float32)


def read_vectors(path: Path, dataset: Dataset) -> NDArray[np.float32]:
    """The teacher's vectors (F, W) of a split's functions, from the file that `label` wrote its logits to.

    Raises:
        TeacherError: it holds none, or they do not fit the data.
    """
    read_logits(path, dataset)  # says what is wrong with the file itself
    arrays = read_arrays(path)
    if "vectors" not in arrays:
        raise TeacherError(f"{path}: holds logits only, distil.features wants the teacher's vectors; label again")
    vectors = arrays["vectors"].astype(np.float32)
    if vectors.ndim != 2 or len(vectors) != len(dataset.functions) or not np.isfinite(vectors).all():
        raise TeacherError(
            f"{path}: vectors of shape {vectors.shape}, wanted finite ones of the {len(dataset.functions)} functions "
            f"of split {dataset.split!r}; label again"
        )
    return vectors


def logits_teacher_sha256(path: Path) -> str | None:
    """Hash of the teacher that wrote a file of our own form, else None."""
    if path.suffix != ".npz" or not path.is_file():
        return None
    try:
        sha256 = read_arrays(path).get("teacher_sha256")
    except DAMAGED:
        return None
    return None if sha256 is None else str(sha256)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an `.npz` file, or the one of an `.npy` file under the name `logits`; nothing is unpickled.

    Raises:
        ValueError, EOFError, BadZipFile, OSError, KeyError: the file is damaged or missing (`DAMAGED`).
    """
    with path.open("rb") as stream:  # numpy leaves a file open that it cannot read
        loaded = np.load(stream, allow_pickle=False)
        return {"logits": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)


def check_logits(logits: NDArray[Any], dataset: Dataset, *, source: str) -> None:
    """Refuse logits that cannot belong to a split.

    Raises:
        TeacherError: saying what was found and what was wanted.
    """
    shape = (len(dataset), len(dataset.task.labels))
    if logits.shape != shape:
        raise TeacherError(
            f"{source}: logits of shape {logits.shape}, wanted {shape}: the {shape[0]} items of split "
            f"{dataset.split!r} by the labels {', '.join(dataset.task.labels)}; label this split again"
        )
    if logits.dtype.kind not in "fiu":
        raise TeacherError(f"{source}: logits of type {logits.dtype}, wanted numbers")
    with np.errstate(over="ignore"):  # what is finite in float64 only is infinite where it is used
        single = logits.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(single).all(axis=1))
    if len(bad):
        raise TeacherError(
            f"{source}: {len(bad)} of {len(logits)} rows hold NaN or infinity (in float32), first row {bad[0]} "
            f"(item {dataset.ids[bad[0]]!r}); the teacher is broken there, label again"
        )


def are_probabilities(logits: NDArray[Any], *, several: bool = False) -> bool:
    """Whether every row is positive and sums to 1; of `several` labels at once whether all lie between 0 and 1."""
    if several:
        return bool(len(logits) > 1 and ((logits >= 0) & (logits <= 1)).all() and logits.any())
    return bool((logits >= 0).all() and (np.abs(logits.sum(axis=1) - 1) < PROBABILITY_TOLERANCE).all())


def _check_no_probabilities(path: Path, logits: NDArray[Any], *, several: bool) -> None:
    """Refuse what another model handed in as probabilities: as logits they would say almost nothing."""
    if several and are_probabilities(logits, several=True):
        raise TeacherError(
            f"{path}: every number lies between 0 and 1, so these are probabilities, wanted logits; write "
            "numpy.log(p / (1 - p)) of p = numpy.clip(p, 1e-7, 1 - 1e-7) instead"
        )
    if not several and are_probabilities(logits):
        raise TeacherError(
            f"{path}: every row is positive and sums to 1, so these are probabilities, wanted logits; "
            "write numpy.log(numpy.clip(p, 1e-7, 1)) instead"
        )


def _read_numpy(path: Path, dataset: Dataset) -> NDArray[Any]:
    arrays = read_arrays(path)
    if "logits" not in arrays:
        raise TeacherError(f"{path}: has no array 'logits', found {', '.join(arrays) or 'none'}")
    if "dataset_sha256" in arrays:
        _check_hash(path, str(arrays["dataset_sha256"]), dataset)
    return arrays["logits"]


def _check_hash(path: Path, found: str, dataset: Dataset) -> None:
    expected = dataset.sha256()
    if found != expected:
        raise TeacherError(
            f"{path}: written for other data (texts hash {found[:12]}, split {dataset.split!r} has {expected[:12]}); "
            "label this split again"
        )


def _columns(path: Path) -> Mapping[str, Sequence[Any]]:
    """The columns of a table by name."""
    rows = [row.values for row in read_rows(path)]
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def _from_columns(path: Path, columns: Mapping[str, Sequence[Any]], dataset: Dataset, *, cut: bool) -> NDArray[Any]:
    labels = list(dataset.task.labels)
    if set(labels) <= set(columns):
        logits = np.column_stack([np.asarray(columns[label], dtype=np.float64) for label in labels])
    elif "logits" in columns:
        logits = np.asarray(columns["logits"])
    else:
        raise TeacherError(
            f"{path}: columns {', '.join(columns)}; wanted one for each of {', '.join(labels)}, or 'logits'"
        )
    if "id" in columns:
        return logits[_rows_by_id(path, columns["id"], dataset, cut=cut)]
    for name, values in columns.items():  # the data's own id column, under whatever name
        names = [] if name in (*labels, "logits") else values
        spelt, ids = {spelling(value) for value in names}, set(dataset.ids)
        if (spelt >= ids) if cut else (len(names) == len(dataset) and spelt == ids):
            return logits[_rows_by_id(path, names, dataset, cut=cut)]
    return logits


def _rows_by_id(path: Path, found: Sequence[Any], dataset: Dataset, *, cut: bool) -> list[int]:
    """The row of each item, found by its id."""
    row_of = {spelling(name): row for row, name in enumerate(found)}
    missing = [name for name in dataset.ids if name not in row_of]
    if missing or len(row_of) != len(found) or (len(found) != len(dataset) and not cut):
        raise TeacherError(
            f"{path}: {len(found)} rows with {len(row_of)} distinct ids, of which {len(dataset) - len(missing)} are of "
            f"the {len(dataset)} items of split {dataset.split!r}"
            + (f"; item {missing[0]!r} has no row" if missing else "; give each item one row")
        )
    return [row_of[name] for name in dataset.ids]
