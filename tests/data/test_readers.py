import csv
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codewren.core.errors import InputError, MissingExtraError
from codewren.data.readers import read_hub, read_rows

COMPRESS = {"": lambda content: content, ".gz": gzip.compress, ".xz": lzma.compress}
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=8)
TEXT_TABLES = st.lists(NAMES, min_size=1, max_size=4, unique=True).flatmap(
    lambda names: st.lists(
        st.fixed_dictionaries({name: st.text(max_size=40) for name in names}), min_size=1, max_size=6
    )
)
JSON_VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=40))


def as_jsonl(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=len(rows) % 2 == 0) + "\n" for row in rows).encode()


def as_delimited(delimiter: str):
    def encode(rows: list[dict]) -> bytes:
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue().encode()

    return encode


def as_parquet(rows: list[dict]) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), out, row_group_size=2)
    return out.getvalue()


ENCODE = {".jsonl": as_jsonl, ".csv": as_delimited(","), ".tsv": as_delimited("\t"), ".parquet": as_parquet}


def round_trip(content: bytes, suffix: str) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{suffix}"
        path.write_bytes(content)
        return [dict(row.values) for row in read_rows(path)]


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("suffix", ENCODE)
@settings(max_examples=40, deadline=None)  # the first Parquet table loads the library
@given(rows=TEXT_TABLES)
def test_text_tables_come_back_as_written(suffix, compression, rows):
    content = COMPRESS[compression](ENCODE[suffix](rows))
    assert round_trip(content, suffix + compression) == rows


@given(rows=st.lists(st.dictionaries(st.text(max_size=8), JSON_VALUES, max_size=4), min_size=1, max_size=6))
def test_jsonl_keeps_types_and_ragged_rows(rows):
    assert round_trip(as_jsonl(rows), ".jsonl") == rows


def test_byte_order_mark_and_blank_lines_are_no_data(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("﻿x,y\r\n\r\n1,2\r\n\r\n".encode())
    assert [row.values for row in read_rows(path)] == [{"x": "1", "y": "2"}]


def test_functions_longer_than_the_csv_limit_are_read_and_the_limit_is_put_back(tmp_path):
    before = csv.field_size_limit()
    long = "x = 1; " * 40_000
    (tmp_path / "a.tsv").write_text(f"func\n{long}\n")
    assert [row.values["func"] for row in read_rows(tmp_path / "a.tsv")] == [long]
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"a": 1}\n{"a": \n', r"a\.jsonl, line 2: not JSON"),
        ("a.jsonl", b'{"a": 1}\n\n[1]\n', r"a\.jsonl, line 3: \[1\] is JSON but no object"),
        ("a.jsonl", b"[" * 100_000, r"a\.jsonl, line 1: not JSON"),
        ("a.jsonl", b'{"a": 1}\n{"a": "\xff"}\n', r"a\.jsonl, line 2: byte 0xff at column 8 is not UTF-8"),
        ("a.csv", b"a,b\n1,2\n3\n", r"a\.csv, line 3: 1 fields where the header has 2 \(a, b\)"),
        ("a.csv", b'a,b\n1,"2\n', r"a\.csv, line 2: .*quotes"),
        ("a.csv", b"a,a\n1,2\n", r"a\.csv, line 1: two columns are named 'a'"),
        ("a.tsv", b"a\tb\n1\t\xe9\n", r"a\.tsv, line 2: byte 0xe9 at column 3 is not UTF-8"),
        ("a.parquet", b"PAR1 no", r"a\.parquet: not a whole Parquet file"),
        ("a.jsonl.xz", lzma.compress(b'{"a": 1}\n' * 9_000)[:-40], r"a\.jsonl\.xz: not a whole \.xz file"),
        ("a.jsonl.xz", b'{"a": 1}\n', r"a\.jsonl\.xz: not a whole \.xz file"),
        ("a.jsonl.gz", gzip.compress(b'{"a": 1}\n', mtime=0)[:-4], r"a\.jsonl\.gz: not a whole \.gz file"),
        ("a.jsonl.gz", b'{"a": 1}\n', r"a\.jsonl\.gz: not a whole \.gz file"),
        ("a.xlsx", b"", r"a\.xlsx: unknown format; wanted \.jsonl"),
        ("a.gz", b"", r"a\.gz: unknown format"),
        ("a", b"", r"a: unknown format"),
    ],
)
def test_bad_file_is_one_line_that_says_where(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        list(read_rows(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_missing_file_names_its_neighbour_and_missing_folder_the_recipe(tmp_path):
    (tmp_path / "train.jsonl").write_text("{}")
    with pytest.raises(InputError, match=r"trian\.jsonl: no such file; did you mean 'train\.jsonl'\?"):
        list(read_rows(tmp_path / "trian.jsonl"))
    with pytest.raises(InputError, match=r"nor a folder .*nowhere; check data\.root"):
        list(read_rows(tmp_path / "nowhere" / "train.jsonl"))
    with pytest.raises(InputError, match=r"cannot read .*Is a directory"):
        (tmp_path / "d.jsonl").mkdir()
        list(read_rows(tmp_path / "d.jsonl"))


def test_wrong_column_names_the_nearest_and_lists_all(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"func": "f", "target": 1, "idx": 3}\n')
    row = next(read_rows(tmp_path / "a.jsonl"))
    with pytest.raises(InputError, match=r"line 1: no column 'fnc' \(did you mean 'func'\?\); columns here: func, tar"):
        row.text("fnc")
    with pytest.raises(InputError, match="'target' holds 1, wanted source text"):
        row.text("target")
    assert row.name("idx") == "3"


def test_empty_id_and_lone_surrogate_are_refused(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"func": "f\\ud800", "idx": ""}\n')
    row = next(read_rows(tmp_path / "a.jsonl"))
    with pytest.raises(InputError, match="lone surrogate"):
        row.text("func")
    with pytest.raises(InputError, match="'idx' is empty, wanted an id"):
        row.name("idx")


def test_rows_are_read_as_they_are_asked_for(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a": 1}\nbroken\n')
    assert next(read_rows(tmp_path / "a.jsonl")).values == {"a": 1}


def test_missing_libraries_name_the_extra(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(as_parquet([{"a": 1}]))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'codewren\[train\]'"):
        list(read_rows(tmp_path / "a.parquet"))
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'codewren\[hub\]'"):
        list(read_hub("hub:someone/something", split="train"))


def test_hub_address_names_data_set_and_split(monkeypatch):
    asked = []

    def load_dataset(name, *, split):
        asked.append((name, split))
        return [{"func": "f"}]

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    assert [row.position for row in read_hub("hub:a/b:extra", split="train")] == ["hub:a/b:extra, row 1"]
    assert [row.text("func") for row in read_hub("hub:a/b", split="validation")] == ["f"]
    assert asked == [("a/b", "extra"), ("a/b", "validation")]


HUB_SCRIPT = """
import sys
from codewren.core.errors import InputError
from codewren.data.readers import read_hub
print([row.values["func"] for row in read_hub(f"hub:{sys.argv[1]}:train", split="x")])
for address in ("hub:nobody/nothing", f"hub:{sys.argv[1]}:nosplit"):
    try:
        list(read_hub(address, split="train"))
    except InputError as error:
        print(error)
"""


def test_real_datasets_library_reads_a_folder_and_refuses_the_hub_when_offline(tmp_path):
    """In a process of its own: the library reads its offline switch when it is imported."""
    pytest.importorskip("datasets")
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.jsonl").write_text('{"func": "f()"}\n{"func": "g()"}\n')
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-c", HUB_SCRIPT, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    rows, missing, nosplit = done.stdout.splitlines()
    assert rows == "['f()', 'g()']"
    assert missing.startswith("hub:nobody/nothing: cannot load split 'train' (") and "offline" in missing
    assert "cannot load split 'nosplit'" in nosplit
