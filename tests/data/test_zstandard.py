"""Files compressed by Zstandard: whole ones are read, cut ones are told, and so is what is missing."""

import importlib
import json

import pytest

from codewren.core.errors import InputError, MissingExtraError
from codewren.data.readers import read_rows

zstandard = pytest.importorskip("zstandard", reason="the extra zstd is not installed")
ROWS = [{"idx": i, "func": f"int f{i}(int a) {{ return a * {i}; }}"} for i in range(5000)]
TEXT = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def values(path):
    return [dict(row.values) for row in read_rows(path)]


@pytest.mark.parametrize("parts", [1, 3])
def test_rows_are_those_of_the_plain_file_in_one_frame_or_several(tmp_path, parts):
    size = -(-len(TEXT) // parts)
    frames = [zstandard.compress(TEXT[start : start + size]) for start in range(0, len(TEXT), size)]
    path = tmp_path / "train.jsonl.zst"
    path.write_bytes(b"".join(frames))
    assert len(frames) == parts and values(path) == ROWS


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b"no frame", lambda b: b[:-3], lambda b: b[: len(b) // 2]])
def test_what_is_not_whole_is_one_line(tmp_path, damage):
    path = tmp_path / "train.jsonl.zst"
    path.write_bytes(damage(zstandard.compress(TEXT)))
    with pytest.raises(InputError, match=r"train.jsonl.zst: not a whole .zst file .*; fetch or compress it again"):
        values(path)


def test_without_a_library_the_line_says_what_to_install(tmp_path, monkeypatch):
    path = tmp_path / "train.jsonl.zst"
    path.write_bytes(zstandard.compress(TEXT))
    wanted = importlib.import_module

    def without(name, package=None):
        if name in ("compression.zstd", "zstandard"):
            raise ImportError(name)
        return wanted(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(MissingExtraError, match=r"zstandard, which reads train.jsonl.zst,.*codewren\[zstd\]"):
        values(path)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        values(path)
