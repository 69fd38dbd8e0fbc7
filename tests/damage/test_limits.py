"""What a stranger's bundle can waste before it is refused: the largest inputs that pass its limits, harmless ones.

`docs/bundle-format.md`, "Limits", states the figures.
"""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from codewren.bundle.container import LIMITS
from codewren.bundle.read import MOST_FLOPS, Bundle
from codewren.bundle.tokenizer_spec import SPECIAL_TOKENS, byte_alphabet
from codewren.core.errors import LONGEST_MESSAGE, BundleError, ConfigError, InputError, nearest
from codewren.core.student_config import MOST_LAYERS, PositionType
from codewren.core.task import MOST_LABELS, VULNERABILITY, Task
from students import CONFIG, write_student

PEAK_BYTES, SECONDS = 800_000_000, 30  # the second on a busy machine
READ = """
import sys, time
from codewren.core.errors import BundleError
from codewren.measure.fresh_process import peak_bytes
from codewren.predict.predictor import load
try:
    load(sys.argv[1]).predict_proba(["w4 w5"])
    said = "answered"
except BundleError as error:
    said = str(error)
print(peak_bytes(), time.process_time(), said)
"""
Members = dict[str, bytes]


def list_of(item: bytes, most: int) -> bytes:
    """The longest JSON list of one item that fits into so many bytes."""
    return b"[" + (item + b",") * (most // (len(item) + 1) - 1) + item + b"]"


def with_tensors(item: bytes) -> Callable[[Members], None]:
    def edit(members: Members) -> None:
        raw = json.loads(members["manifest.json"])
        raw["config"]["num_hidden_layers"] = raw["tensors"] = "HERE"
        text = json.dumps(raw).encode()
        rows = list_of(item, LIMITS["manifest.json"] - len(text) - 100)
        text = text.replace(b'"tensors": "HERE"', b'"tensors": ' + rows)
        members["manifest.json"] = text.replace(b'"HERE"', str(min(rows.count(b","), 1 << 24)).encode())

    return edit


def with_manifest(name: str, value: Callable[[int], bytes], *, inside: str = "") -> Callable[[Members], None]:
    """A field of the manifest as long as may be."""

    def edit(members: Members) -> None:
        raw = json.loads(members["manifest.json"])
        (raw[inside] if inside else raw)[name] = "HERE"
        text = json.dumps(raw).encode()
        members["manifest.json"] = text.replace(b'"HERE"', value(LIMITS["manifest.json"] - len(text) - 100))

    return edit


def with_tokenizer(name: str, item: bytes, **changes: object) -> Callable[[Members], None]:
    def edit(members: Members) -> None:
        raw = {**json.loads(members["tokenizer.json"]), **changes, name: "HERE"}
        text = json.dumps(raw).encode()
        members["tokenizer.json"] = text.replace(b'"HERE"', list_of(item, LIMITS["tokenizer.json"] - len(text) - 100))

    return edit


def long_key(member: str) -> Callable[[Members], None]:
    def edit(members: Members) -> None:
        raw = json.loads(members[member])
        (raw["config"] if member == "manifest.json" else raw)["x" * (LIMITS[member] - 30_000)] = 1
        members[member] = json.dumps(raw).encode()

    return edit


BYTES = [*SPECIAL_TOKENS, *byte_alphabet()]
HARMLESS: dict[str, Callable[[Members], None]] = {
    "rows that are none": with_tensors(b"0"),
    "rows with names": with_tensors(b'{"name":"a"}'),
    "scores of empty objects": with_manifest("scores", lambda most: b'{"a":' + list_of(b"{}", most - 9) + b"}"),
    "scores nested deep": with_manifest("scores", lambda most: b"[" * (most // 2) + b"]" * (most // 2)),
    "labels": with_manifest("labels", lambda most: list_of(b'"a"', most), inside="task"),
    "a name": with_manifest("name", lambda most: b'"' + b"n" * (most - 2) + b'"', inside="task"),
    "a format": with_manifest("format", lambda most: b'"' + b"n" * (most - 2) + b'"'),
    "a key of the configuration": long_key("manifest.json"),
    "a key of the tokenizer": long_key("tokenizer.json"),
    "a vocabulary": with_tokenizer("vocab", b'"ab"'),
    "merges": with_tokenizer("merges", b"9,9", kind="bpe", vocab=BYTES),
    "fractions": with_tokenizer("scores", b".5".rjust(3, b"0"), kind="unigram"),
}


def rewritten(path: Path, edit: Callable[[Members], None]) -> Path:
    """A bundle edited, hashes made to fit, deflated as small as it gets."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    edit(members)
    for name, content in members.items():
        if name == "tokenizer.json" and len(content) > 10_000:
            raw = members["manifest.json"]
            old = json.loads(raw)["members"][name]
            raw = raw.replace(old["sha256"].encode(), hashlib.sha256(content).hexdigest().encode())
            members["manifest.json"] = raw.replace(f'"size":{old["size"]}'.encode(), f'"size":{len(content)}'.encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            stored = zipfile.ZIP_STORED if name == "weights.bin" else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content, stored)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="the limits were measured on Linux")
@pytest.mark.parametrize("name", HARMLESS)
def test_a_small_file_wastes_little(tmp_path: Path, name: str) -> None:
    path = rewritten(write_student(tmp_path / "x.wren"), HARMLESS[name])
    assert path.stat().st_size < 600_000
    read = subprocess.run([sys.executable, "-c", READ, path], check=True, capture_output=True, text=True)
    peak, seconds, said = read.stdout.strip().split(" ", 2)
    assert int(peak) < PEAK_BYTES
    assert float(seconds) < SECONDS
    assert len(said) <= LONGEST_MESSAGE
    assert "HERE" not in said


def test_a_message_quotes_little_of_a_stranger(tmp_path: Path) -> None:
    path = rewritten(write_student(tmp_path / "x.wren"), long_key("manifest.json"))
    with pytest.raises(BundleError, match=r"unknown student field 'xxx.*\[\.\.\.\].*known: ") as caught:
        Bundle.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) <= LONGEST_MESSAGE


def test_a_long_word_is_compared_with_nothing() -> None:
    assert nearest("x" * 10**7, ["epochs", "seed"]) == "known: epochs, seed"


def test_layers_and_labels_have_limits() -> None:
    CONFIG.replace(num_hidden_layers=MOST_LAYERS)
    with pytest.raises(ConfigError, match="exceeds 1024"):
        CONFIG.replace(num_hidden_layers=MOST_LAYERS + 1)
    names = tuple(f"l{number}" for number in range(MOST_LABELS + 1))
    Task("many", VULNERABILITY.unit, names[:-1], "l0")
    with pytest.raises(InputError, match="10001 labels, at most 10000"):
        Task("many", VULNERABILITY.unit, names, "l0")


@pytest.mark.parametrize("positions", PositionType)
def test_a_small_file_cannot_ask_for_hours_of_arithmetic(tmp_path: Path, positions: PositionType) -> None:
    long = CONFIG.replace(
        max_sequence_length=120_000,
        hidden_size=3,
        num_attention_heads=1,
        intermediate_size=1,
        num_hidden_layers=12,
        position_embedding_type=positions,
    )
    path = write_student(tmp_path / "x.wren", long)
    with pytest.raises(BundleError, match=re.escape(f"at most {MOST_FLOPS:.0e} are allowed")):
        Bundle.read(path)
