import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codewren.bundle.read import Decision
from codewren.bundle.tokenizer_spec import TokenizerSpec
from codewren.bundle.write import amend_bundle, quantise_rows, write_bundle
from codewren.core.errors import InputError
from codewren.core.student_config import Storage, TokenizerKind
from codewren.core.task import CLONE, VULNERABILITY
from oracle import Oracle
from students import CONFIG, random_tensors, wordpiece_tokenizer

TOKENIZER = wordpiece_tokenizer(CONFIG.vocab_size)


def write(path: Path, **changes: Any) -> int:
    arguments = {"task": VULNERABILITY, "config": CONFIG, "tensors": random_tensors(CONFIG, VULNERABILITY)}
    return write_bundle(path, **{**arguments, "tokenizer": TOKENIZER, **changes})


def test_equal_students_give_equal_bytes(tmp_path: Path) -> None:
    size = write(tmp_path / "a.wren", provenance={"seed": 1})
    write(tmp_path / "b.wren", provenance={"seed": 1})
    assert (tmp_path / "a.wren").read_bytes() == (tmp_path / "b.wren").read_bytes()
    assert size == (tmp_path / "a.wren").stat().st_size


def test_an_amended_bundle_is_the_one_that_was_written_with_everything(tmp_path: Path) -> None:
    whole, amended = tmp_path / "whole.wren", tmp_path / "amended.wren"
    scores, decision = {"split": "valid", "measures": {"f1": 0.1 + 0.2}}, Decision(0.3, 1.7, 0.9)
    write(
        whole,
        provenance={"seed": 1, "decision": {"calibrate": True}},
        scores=scores,
        card="# card",
        threshold=0.3,
        temperature=1.7,
        alert_threshold=0.9,
    )
    write(amended, provenance={"seed": 1})
    size = amend_bundle(
        amended, card="# card", provenance={"decision": {"calibrate": True}}, decision=decision, scores=scores
    )
    assert amended.read_bytes() == whole.read_bytes()
    assert size == amended.stat().st_size
    amend_bundle(amended, card="# card", provenance={})
    assert amended.read_bytes() == whole.read_bytes()


def test_the_file_is_an_ordinary_zip_with_the_four_members(tmp_path: Path) -> None:
    write(tmp_path / "x.wren", card="# Grüße")
    with zipfile.ZipFile(tmp_path / "x.wren") as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["MODEL_CARD.md", "manifest.json", "tokenizer.json", "weights.bin"]
        assert archive.getinfo("weights.bin").compress_type == zipfile.ZIP_STORED
        assert archive.read("MODEL_CARD.md").decode() == "# Grüße"
        assert TokenizerSpec.from_dict(json.loads(archive.read("tokenizer.json"))) == TOKENIZER


@pytest.mark.parametrize("storage", Storage)
def test_stored_tensors_are_as_close_as_their_format_allows(tmp_path: Path, storage: Storage) -> None:
    config = CONFIG.replace(storage=storage)
    tensors = random_tensors(config, VULNERABILITY)
    write(tmp_path / "x.wren", config=config, tensors=tensors)
    stored = Oracle(tmp_path / "x.wren").tensors
    assert stored.keys() == tensors.keys()
    for name, values in tensors.items():
        error = np.abs(stored[name] - values)
        if storage is Storage.FP32:
            assert error.max() == 0
        elif storage is Storage.FP16 or values.ndim == 1:
            assert (error <= np.abs(values) * 2**-11 + 2**-25).all()
        else:
            # half a step of the row's scale, which is at most one fp16 rounding above the exact one
            assert (error.max(1) <= np.abs(values).max(1) / 127 * (1 + 2**-10) / 2 + 2**-24).all()


def test_quantised_rows_keep_their_largest_value_and_their_zeros() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, 16)) * 10.0 ** rng.integers(-9, 6, (2000, 1))
    rows[7] = 0
    steps, scales = quantise_rows(rows.astype(np.float32))
    assert steps.dtype == np.int8
    assert np.abs(steps.astype(int)).max() == 127
    assert (scales[7], steps[7].any()) == (0, False)
    assert (scales.astype(float) * 127 >= np.abs(rows.astype(np.float32)).max(1)).all()
    tiny = np.full((1, 4), 1e-12, np.float32)
    assert np.isfinite(quantise_rows(tiny)[1]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokenizer": wordpiece_tokenizer(59)}, "wordpiece with 59 entries and the student wants wordpiece with 60"),
        ({"config": CONFIG.replace(tokenizer=TokenizerKind.WORD)}, "the student wants word with 60"),
        ({"config": CONFIG.replace(hidden_size=48)}, "has shape"),
        ({"task": CLONE}, r"head\.dense\.weight has shape \(24, 24\), the configuration wants \(24, 48\)"),
        ({"tensors": {}}, r"missing \['embeddings\.norm\.bias'"),
        ({"threshold": 1.5}, "threshold 1.5"),
        ({"temperature": 0.0}, "temperature 0.0"),
        ({"scores": {"accuracy": float("nan")}}, "is not JSON"),
        ({"provenance": {"path": Path("x")}}, "is not JSON"),
    ],
)
def test_what_does_not_fit_is_refused_and_writes_nothing(tmp_path: Path, changes: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        write(tmp_path / "x.wren", **changes)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("storage", [Storage.INT8, Storage.FP16])
@pytest.mark.parametrize("name", ["embeddings.word", "head.out.bias"])
def test_weights_outside_the_storage_format_are_refused(
    tmp_path: Path, name: str, storage: Storage, value: float
) -> None:
    tensors = random_tensors(CONFIG, VULNERABILITY)
    tensors[name].flat[0] = value
    with pytest.raises(InputError, match=r"use storage fp32|train it again"):
        write(tmp_path / "x.wren", config=CONFIG.replace(storage=storage), tensors=tensors)
