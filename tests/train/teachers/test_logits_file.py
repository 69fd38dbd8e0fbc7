"""Reading and writing logits."""

import json
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet
from tiny import make_functions

from codewren.core.errors import TeacherError
from codewren.train.teachers.logits_file import read_logits, write_logits

DATA = make_functions(6, split="unlabelled")
LOGITS = np.arange(12, dtype=np.float32).reshape(6, 2)


def save(path: Path, logits: np.ndarray, **other: np.ndarray) -> Path:
    if path.suffix == ".npy":
        np.save(path, logits)
    elif path.suffix == ".npz":
        np.savez(path, logits=logits, **other)
    elif path.suffix in (".csv", ".jsonl"):
        save_text(path, dict(zip(DATA.task.labels, logits.T.tolist(), strict=True)) | other)
    else:
        columns = dict(zip(DATA.task.labels, logits.T, strict=True)) | other
        parquet.write_table(pyarrow.table(columns), path)
    return path


@pytest.mark.parametrize("name", ["l.npy", "l.npz", "l.parquet", "l.csv", "l.jsonl"])
def test_every_format_gives_the_same_logits(tmp_path, name):
    read = read_logits(save(tmp_path / name, LOGITS.astype(np.float64)), DATA)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, LOGITS)


def save_text(path: Path, columns: dict[str, list]) -> None:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    lines = [json.dumps(row) for row in rows]
    if path.suffix == ".csv":
        lines = [",".join(columns), *(",".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")


def test_what_is_written_is_read(tmp_path):
    write_logits(tmp_path / "l.npz", LOGITS, DATA, teacher_sha256="t")
    np.testing.assert_array_equal(read_logits(tmp_path / "l.npz", DATA), LOGITS)


def test_logits_of_other_texts_are_refused(tmp_path):
    write_logits(tmp_path / "l.npz", LOGITS, DATA, teacher_sha256="t")
    other = DATA.subset([1, 0, 2, 3, 4, 5])
    with pytest.raises(TeacherError, match="written for other data"):
        read_logits(tmp_path / "l.npz", other)


@pytest.mark.parametrize("name", ["l.parquet", "l.csv", "l.jsonl"])
def test_rows_are_matched_by_id(tmp_path, name):
    order = [3, 0, 5, 1, 2, 4]
    path = save(tmp_path / name, LOGITS[order], id=[DATA.ids[i] for i in order])
    np.testing.assert_array_equal(read_logits(path, DATA), LOGITS)


def test_parquet_may_hold_lists(tmp_path):
    parquet.write_table(pyarrow.table({"logits": LOGITS.tolist()}), tmp_path / "l.parquet")
    np.testing.assert_array_equal(read_logits(tmp_path / "l.parquet", DATA), LOGITS)


def broken(value: float) -> np.ndarray:
    logits = LOGITS.copy()
    logits[4, 1] = value
    return logits


@pytest.mark.parametrize("name", ["l.npy", "l.npz", "l.parquet"])
@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (LOGITS[:5], r"shape \(5, 2\), wanted \(6, 2\)"),
        (broken(np.nan), r"1 of 6 rows hold NaN or infinity \(in float32\), first row 4"),
        (broken(np.inf), r"1 of 6 rows hold NaN or infinity \(in float32\), first row 4"),
    ],
)
def test_logits_that_do_not_fit_say_what_was_wanted(tmp_path, name, logits, message):
    with pytest.raises(TeacherError, match=message):
        read_logits(save(tmp_path / name, logits), DATA)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("l.npz", b"PK\x05\x06 damaged", "cannot be read"),
        ("l.npy", b"", "cannot be read"),
        ("l.parquet", b"PAR1 damaged", "cannot be read"),
        ("l.tsv", b"0,1", "not '.tsv'"),
        ("l.csv", b"safe,vulnerable\n1,high\n", "cannot be read as logits .could not convert string"),
        ("l.csv", b"a,b\n1,2\n", "columns a, b; wanted one for each of safe, vulnerable"),
        ("l.jsonl", b"{", "cannot be read as logits"),
        ("l.jsonl", b"[1]", r"l\.jsonl, line 1: \[1\] is JSON but no object"),
        ("l.jsonl", b'{"safe": 1, "vulnerable": 2}\n{"safe": 1}', "cannot be read as logits"),
    ],
)
def test_foreign_and_damaged_files_are_one_clear_error(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TeacherError, match=message):
        read_logits(tmp_path / name, DATA)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TeacherError, match=r"l\.npz: no such file"):
        read_logits(tmp_path / "l.npz", DATA)


def test_pickled_objects_are_never_loaded(tmp_path):
    np.save(tmp_path / "l.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(TeacherError, match="cannot be read"):
        read_logits(tmp_path / "l.npy", DATA)


def test_ids_that_do_not_match_are_refused(tmp_path):
    path = save(tmp_path / "l.parquet", LOGITS, id=["0", "1", "2", "3", "4", "x"])
    with pytest.raises(TeacherError, match="item '5' has no row"):
        read_logits(path, DATA)


def test_a_split_that_is_cut_takes_its_own_rows_of_a_longer_file(tmp_path):
    logits = np.arange(12, dtype=np.float32).reshape(6, 2)
    first = DATA.subset(range(4))
    order = [5, 1, 0, 3, 2, 4]
    columns = {
        "id": [DATA.ids[i] for i in order],
        **{n: logits[order, k].tolist() for k, n in enumerate(DATA.task.labels)},
    }
    save_text(tmp_path / "l.csv", columns)
    save_text(tmp_path / "own.jsonl", {"name of mine" if name == "id" else name: v for name, v in columns.items()})
    for path in (save(tmp_path / "l.npy", logits), tmp_path / "l.csv", tmp_path / "own.jsonl"):
        np.testing.assert_array_equal(read_logits(path, first, cut=True), logits[:4])
        if path.name != "own.jsonl":
            with pytest.raises(TeacherError):
                read_logits(path, first)
    with pytest.raises(TeacherError, match="has no row"):
        save_text(tmp_path / "short.csv", {name: values[:2] for name, values in columns.items()})
        read_logits(tmp_path / "short.csv", first, cut=True)
