"""Logits of a split in a file: what `label` writes, and what any other model can hand in as a teacher.

Our own form is `.npz` with `logits` (n, C) float32, `dataset_sha256` and `teacher_sha256`, and where the student learns
from them `vectors` (F, W) of the functions. Foreign forms: a bare
`.npy`, an `.npz` without the hashes, and Parquet, CSV and JSONL with one column a label (named as the task's labels) or
one list column `logits`; a column `id` there, or any column that holds just the items' ids, is matched with them,
whatever the order of the rows. Probabilities are refused.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from codewren.core.dataset import Dataset
from codewren.core.errors import MissingExtraError, TeacherError
from codewren.core.files import atomic_write
from codewren.data.readers import spelling

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
    also: dict[str, Any] = {} if vectors is None else {"vectors": vectors.astype(np.float32)}
    with atomic_write(path) as stream:
        np.savez(
            stream,
            logits=logits.astype(np.float32),
            dataset_sha256=np.array(dataset.sha256()),
            teacher_sha256=np.array(teacher_sha256),
            **also,
        )


def read_logits(path: Path, dataset: Dataset) -> Logits:
    """Logits (n, C) of a split, float32, column k for `task.labels[k]`, checked against the data.

    Raises:
        TeacherError: no such file, a format that is not known, or logits that do not fit: rows, columns, numbers that
            are not finite, ids, or the hash of other data.
    """
    if path.suffix not in SUFFIXES:
        raise TeacherError(f"{path}: logits are read from {', '.join(SUFFIXES)}, not {path.suffix or 'no suffix'!r}")
    if not path.is_file():
        raise TeacherError(f"{path}: no such file; run codewren label first, or mend teacher.path")
    try:
        in_numpy = path.suffix in (".npy", ".npz")
        logits = _read_numpy(path, dataset) if in_numpy else _from_columns(path, _columns(path), dataset)
    except DAMAGED as error:
        raise TeacherError(f"{path}: cannot be read as logits ({error}); write it again") from error
    check_logits(logits, dataset, source=str(path))
    if logits_teacher_sha256(path) is None:
        _check_no_probabilities(path, logits)
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


def _check_no_probabilities(path: Path, logits: NDArray[Any]) -> None:
    """Refuse what another model handed in as probabilities: as logits they would say almost nothing."""
    if (logits >= 0).all() and (np.abs(logits.sum(axis=1) - 1) < PROBABILITY_TOLERANCE).all():
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
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows: list[dict[str, Any]] = list(csv.DictReader(stream))
    elif path.suffix == ".jsonl":
        rows = read_rows(path)
    else:
        return _parquet_columns(path)
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSONL file.

    Raises:
        ValueError: a line holds something else.
        OSError: the file cannot be read.
    """
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    rows = [json.loads(line) for line in lines if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("a line is no object")
    return rows


def _parquet_columns(path: Path) -> Mapping[str, Sequence[Any]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "train") from None
    try:
        table = parquet.read_table(path)
    except ArrowException as error:
        raise ValueError(str(error)) from error
    return {name: table[name].to_pylist() for name in table.column_names}


def _from_columns(path: Path, columns: Mapping[str, Sequence[Any]], dataset: Dataset) -> NDArray[Any]:
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
        return logits[_rows_by_id(path, columns["id"], dataset)]
    for name, values in columns.items():  # the data's own id column, under whatever name
        names = [] if name in (*labels, "logits") else values
        if len(names) == len(dataset) and {spelling(value) for value in names} == set(dataset.ids):
            return logits[_rows_by_id(path, names, dataset)]
    return logits


def _rows_by_id(path: Path, found: Sequence[Any], dataset: Dataset) -> list[int]:
    """The row of each item, found by its id."""
    row_of = {spelling(name): row for row, name in enumerate(found)}
    missing = [name for name in dataset.ids if name not in row_of]
    if missing or len(row_of) != len(found) or len(found) != len(dataset):
        raise TeacherError(
            f"{path}: {len(found)} rows with {len(row_of)} distinct ids, of which {len(dataset) - len(missing)} are of "
            f"the {len(dataset)} items of split {dataset.split!r}"
            + (f"; item {missing[0]!r} has no row" if missing else "; give each item one row")
        )
    return [row_of[name] for name in dataset.ids]
