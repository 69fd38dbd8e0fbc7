"""A bundle is data from a stranger: whatever is wrong with it ends in one BundleError, never in a wrong answer."""

import hashlib
import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codewren.bundle.read import Bundle
from codewren.core.errors import BundleError
from codewren.core.student_config import Storage
from codewren.core.task import CLONE, VULNERABILITY
from codewren.predict.predictor import Predictor
from students import CONFIG, write_student

TEXT = "w4 w5 w6"
RELAXED = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
Members = dict[str, bytes]
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_student(tmp_path_factory.mktemp("bundle") / "good.wren", threshold=0.4, card="# Card\n")


def repack(path: Path, members: Members, *, stored: tuple[str, ...] = ("weights.bin",), padding: int = 23) -> Path:
    """Write members as a zip file; true sizes and CRCs, weights aligned as the writer does."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            if name == "weights.bin":
                info.extra = b"\x35\xd9" + (padding - 4).to_bytes(2, "little") + bytes(padding - 4)
            archive.writestr(info, content, zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED)
    path.write_bytes(stream.getvalue())
    return path


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def edited(good: Path, path: Path, edit: Edit) -> Path:
    """A bundle whose manifest was changed by `edit` and is otherwise consistent."""
    members = members_of(good)
    manifest = json.loads(members["manifest.json"])
    edit(manifest)
    members["manifest.json"] = json.dumps(manifest).encode()
    return repack(path, members)


def replaced(good: Path, path: Path, **contents: bytes) -> Path:
    """A bundle with other members, hashes made to fit."""
    members = members_of(good)
    manifest = json.loads(members["manifest.json"])
    for name, content in contents.items():
        member = next(known for known in members if known.startswith(name))
        members[member] = content
        if member in manifest["members"]:
            manifest["members"][member] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    if "manifest" not in contents:
        members["manifest.json"] = json.dumps(manifest).encode()
    return repack(path, members)


def test_a_good_bundle_says_what_was_written(good: Path) -> None:
    bundle = Bundle.read(good)
    assert (bundle.task, bundle.config) == (VULNERABILITY, CONFIG)
    assert (bundle.decision.threshold, bundle.decision.alert_threshold) == (0.4, None)
    assert bundle.card == "# Card\n"
    assert bundle.size_bytes == good.stat().st_size
    assert bundle.sha256 == hashlib.sha256(good.read_bytes()).hexdigest()
    assert bytes(bundle.weights) == members_of(good)["weights.bin"]
    assert bundle.weights.readonly


def test_weights_are_a_view_of_the_mapped_file_on_a_64_byte_boundary(good: Path) -> None:
    content = good.read_bytes()
    start = content.index(bytes(Bundle.read(good).weights))
    assert start % 64 == 0


def test_a_bundle_made_by_another_zip_library_is_read(good: Path, tmp_path: Path) -> None:
    assert Bundle.read(repack(tmp_path / "x.wren", members_of(good))).manifest == Bundle.read(good).manifest


def test_a_newer_schema_asks_for_an_upgrade(good: Path, tmp_path: Path) -> None:
    path = edited(good, tmp_path / "x.wren", lambda manifest: manifest.update(schema_version=5))
    with pytest.raises(BundleError, match=r"schema version 5 is newer than this program's 4; upgrade"):
        Bundle.read(path)


def test_unknown_keys_of_the_manifest_are_ignored(good: Path, tmp_path: Path) -> None:
    Bundle.read(edited(good, tmp_path / "x.wren", lambda manifest: manifest.update(colour="brown")))


def _tensor(index: int, **changes: Any) -> Edit:
    return lambda manifest: manifest["tensors"][index].update(changes)


def _config(**changes: Any) -> Edit:
    return lambda manifest: manifest["config"].update(changes)


EDITS: dict[str, tuple[Edit, str]] = {
    "foreign": (lambda m: m.update(format="wrong"), "'codewren' was wanted"),
    "no version": (lambda m: m.pop("schema_version"), "'schema_version' is missing"),
    "version 0": (lambda m: m.update(schema_version=0), "never existed"),
    "version true": (lambda m: m.update(schema_version=True), "'schema_version' is bool"),
    "no members": (lambda m: m.update(members={}), "not what the manifest says"),
    "wrong hash": (lambda m: m["members"]["weights.bin"].update(sha256="0" * 64), "SHA-256"),
    "task is a list": (lambda m: m.update(task=[]), "'task' is list"),
    "labels of numbers": (lambda m: m["task"].update(labels=[1, 2]), "task is malformed"),
    "one label": (lambda m: m["task"].update(labels=["vulnerable"]), "two or more distinct"),
    "unknown unit": (lambda m: m["task"].update(unit="file"), "'file' is not a valid Unit"),
    "pair unit": (lambda m: m["task"].update(unit="pair"), "head.dense.weight' has shape"),
    "a label more": (lambda m: m["task"]["labels"].append("c"), "head.out.weight' has shape"),
    "unknown field": (_config(depth=3), "unknown student field 'depth'"),
    "huge layers": (_config(num_hidden_layers=10**7), "exceeds 1024"),
    "layers": (_config(num_hidden_layers=1000), "claims 1000 layers"),
    "huge hidden": (_config(hidden_size=10**30), "at most"),
    "dropout text": (_config(hidden_dropout_prob="a"), "config"),
    "list": (_config(hidden_size=[1]), "'hidden_size' is"),
    "heads": (_config(num_attention_heads=7), "not divisible"),
    "vocabulary": (_config(vocab_size=61), "the config wants 'wordpiece' with 61"),
    "kind": (_config(tokenizer="word"), "the config wants 'word'"),
    "threshold": (lambda m: m["decision"].update(threshold=1.5), "out of range"),
    "threshold NaN": (lambda m: m["decision"].update(threshold=float("nan")), "out of range"),
    "temperature": (lambda m: m["decision"].update(temperature=0), "out of range"),
    "huge temperature": (lambda m: m["decision"].update(temperature=10**400), "out of range"),
    "alert threshold": (lambda m: m["decision"].update(alert_threshold=-0.1), "out of range"),
    "alert threshold NaN": (lambda m: m["decision"].update(alert_threshold=float("nan")), "out of range"),
    "text alert threshold": (lambda m: m["decision"].update(alert_threshold="0.9"), "a number was wanted"),
    "text threshold": (lambda m: m["decision"].update(threshold="0.5"), "a number was wanted"),
    "tensor missing": (lambda m: m["tensors"].pop(), "names"),
    "tensor twice": (lambda m: m["tensors"].append(m["tensors"][0]), "names"),
    "tensor no row": (lambda m: m["tensors"].append(5), "is no row"),
    "unknown tensor": (_tensor(1, name="x"), "no such tensor"),
    "name a list": (_tensor(1, name=["x"]), "no such tensor"),
    "shape": (_tensor(0, shape=[24, 60]), "wanted: \\[60, 24\\]"),
    "int8 vector": (_tensor(2, dtype="int8"), "has dtype 'int8'"),
    "float64": (_tensor(0, dtype="fp64"), "has dtype 'fp64'"),
    "deep shape": (_tensor(0, shape=json.loads("[" * 400 + "]" * 400)), "has shape"),
    "dtype a list": (_tensor(0, dtype=[]), "has dtype"),
    "other dtype": (_tensor(0, dtype="fp32"), "bytes, wanted"),
    "negative": (_tensor(0, offset=-16), "no multiple of 16"),
    "unaligned": (_tensor(0, offset=8), "no multiple of 16"),
    "no offset": (_tensor(0, offset=None), "no multiple of 16"),
    "outside": (_tensor(0, offset=1 << 40), "ends at byte"),
    "scales outside": (_tensor(0, scale_offset=1 << 40), "ends at byte"),
    "overlap": (_tensor(1, offset=0), "tensors overlap"),
    "no scales": (lambda m: m["tensors"][0].pop("scale_offset"), "scale_offset None"),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_hostile_manifest_is_refused(good: Path, tmp_path: Path, name: str) -> None:
    edit, message = EDITS[name]
    path = edited(good, tmp_path / "x.wren", edit)
    with pytest.raises(BundleError, match=message) as caught:
        Bundle.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_scales_that_are_not_finite_and_positive_are_refused(good: Path, tmp_path: Path) -> None:
    place = Bundle.read(good).tensors[0]
    assert place.scale_offset is not None
    for bits in (0x7C00, 0x7E00, 0x8001, 0xBC00):
        weights = bytearray(members_of(good)["weights.bin"])
        weights[place.scale_offset : place.scale_offset + 2] = bits.to_bytes(2, "little")
        with pytest.raises(BundleError, match="negative, infinite or NaN"):
            Bundle.read(replaced(good, tmp_path / "x.wren", weights=bytes(weights)))


HOSTILE_JSON = [b"", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b"1" * 5000, b'{"format": "codewren"']


@pytest.mark.parametrize("member", ["manifest", "tokenizer"])
@pytest.mark.parametrize("content", HOSTILE_JSON, ids=range(len(HOSTILE_JSON)))
def test_members_that_are_not_the_json_they_should_be_are_refused(
    good: Path, tmp_path: Path, member: str, content: bytes
) -> None:
    with pytest.raises(BundleError, match=f"{member}|'format'|format is"):
        Bundle.read(replaced(good, tmp_path / "x.wren", **{member: content}))


def test_a_tokenizer_that_is_not_one_is_refused(good: Path, tmp_path: Path) -> None:
    raw = json.loads(members_of(good)["tokenizer.json"])
    for change in ({"vocab": raw["vocab"][:-1]}, {"vocab": [5] * 60}, {"scores": [10**400]}, {"kind": ["bpe"]}):
        content = json.dumps({**raw, **change}).encode()
        with pytest.raises(BundleError, match="tokenizer"):
            Bundle.read(replaced(good, tmp_path / "x.wren", tokenizer=content))


def test_a_card_that_is_not_text_is_refused(good: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"MODEL_CARD\.md is not UTF-8"):
        Bundle.read(replaced(good, tmp_path / "x.wren", MODEL_CARD=b"\xff"))


def test_members_missing_unknown_or_packed_wrongly_are_refused(good: Path, tmp_path: Path) -> None:
    members = members_of(good)
    path = tmp_path / "x.wren"
    for name in members:
        with pytest.raises(BundleError, match=f"member {name} is missing"):
            Bundle.read(repack(path, {key: value for key, value in members.items() if key != name}))
    for name in ("extra.py", "../weights.bin", "weights.bin/", "é"):
        with pytest.raises(BundleError, match="is unknown or there twice"):
            Bundle.read(repack(path, {**members, name: b""}))
    with pytest.raises(BundleError, match="must be stored"):
        Bundle.read(repack(path, members, stored=()))
    with pytest.raises(BundleError, match="not aligned"):
        Predictor(Bundle.read(repack(path, members, padding=24)))


def test_a_zip_bomb_is_not_unpacked(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.wren"
    with pytest.raises(BundleError, match="at most 16777216 are allowed"):
        Bundle.read(repack(path, {**members_of(good), "tokenizer.json": bytes(70 << 20)}))
    lying = bytearray(repack(path, {**members_of(good), "tokenizer.json": bytes(15 << 20)}).read_bytes())
    true_size, small = (15 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")
    path.write_bytes(lying.replace(true_size, small))
    with pytest.raises(BundleError, match="does not unpack to the 100 bytes"):
        Bundle.read(path)


def test_two_directory_entries_for_the_same_bytes_are_refused(good: Path, tmp_path: Path) -> None:
    content = bytearray(good.read_bytes())
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(b"manifest.json"))
    place = int.from_bytes(content[entry + 42 : entry + 46], "little")
    content[entry + 42 : entry + 46] = (0).to_bytes(4, "little")
    assert place
    path = tmp_path / "x.wren"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="directory and header disagree"):
        Bundle.read(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"MZ" * 100, b"PK\x05\x06" + bytes(18)], ids=["0", "2", "exe", "zip"])
def test_files_that_are_no_bundles_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.wren"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"x\.wren: "):
        Bundle.read(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such file"):
        Bundle.read(tmp_path / "absent.wren")
    with pytest.raises(BundleError, match="cannot read"):
        Bundle.read(tmp_path)


def outcome(path: Path) -> list[list[float]] | None:
    """What the file answers; None where it is refused. Any other exception is a defect."""
    try:
        return Predictor(Bundle.read(path), threads=1).predict_proba([TEXT])
    except BundleError as error:
        assert "\n" not in str(error)
        return None


def test_every_truncation_is_refused(good: Path, tmp_path: Path) -> None:
    content = good.read_bytes()
    path = tmp_path / "x.wren"
    lengths = {*range(0, len(content), 97), *range(len(content) - 60, len(content))}
    for length in sorted(lengths):
        path.write_bytes(content[:length])
        assert outcome(path) is None
    path.write_bytes(content + b"\0")
    assert outcome(path) is None


def test_flipped_bits_never_change_an_answer(good: Path, tmp_path: Path) -> None:
    content, wanted = good.read_bytes(), outcome(good)
    path, rng, refused = tmp_path / "x.wren", random.Random(0), 0
    for _ in range(400):
        damaged = bytearray(content)
        damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        found = outcome(path)
        assert found is None or found == wanted
        refused += found is None
    assert refused > 380  # the others hit dates, attributes and padding, which carry nothing


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def manifest_edits(draw: st.DrawFn) -> Edit:
    """Put a strange value somewhere in a manifest."""
    value = draw(JSON | st.sampled_from([-1, 0, 1, 2**31, 2**63, 2**64, 1e308, "int8", "fp16", "fp32", [], {}]))
    choices = draw(st.lists(st.integers(0, 60), min_size=1, max_size=4))

    def edit(manifest: dict[str, Any]) -> None:
        place: Any = manifest
        for depth, choice in enumerate(choices):
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                return
            key = keys[choice % len(keys)]
            if depth == len(choices) - 1 or not isinstance(place[key], dict | list):
                place[key] = value
                return
            place = place[key]

    return edit


@RELAXED
@given(edit=manifest_edits())
def test_any_manifest_is_read_or_refused(good: Path, tmp_path: Path, edit: Edit) -> None:
    outcome(edited(good, tmp_path / "x.wren", edit))


@RELAXED
@given(noise=st.binary(max_size=300), place=st.integers(0, 10**6), keep_end=st.booleans())
def test_any_bytes_are_read_or_refused(good: Path, tmp_path: Path, noise: bytes, place: int, keep_end: bool) -> None:
    content = good.read_bytes()
    start = place % len(content)
    end = min(len(content), start + len(noise)) if keep_end else len(content)
    path = tmp_path / "x.wren"
    path.write_bytes(content[:start] + noise + content[end:])
    outcome(path)


@RELAXED
@given(data=st.data())
def test_any_weights_give_an_answer_or_are_refused(tmp_path: Path, data: st.DataObject) -> None:
    storage = data.draw(st.sampled_from(list(Storage)))
    task = data.draw(st.sampled_from([VULNERABILITY, CLONE]))
    good = write_student(tmp_path / "good.wren", CONFIG.replace(storage=storage, num_hidden_layers=2), task)
    weights = bytearray(members_of(good)["weights.bin"])
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(weights) - 1))
        noise = data.draw(st.binary(min_size=1, max_size=64))
        weights[start : start + len(noise)] = noise[: len(weights) - start]
    path = replaced(good, tmp_path / "x.wren", weights=bytes(weights))
    try:
        predictor = Predictor(Bundle.read(path), threads=1)
        (row,) = predictor.predict_proba([TEXT if task is VULNERABILITY else (TEXT, "w7")])  # type: ignore[list-item]
    except BundleError:
        return
    assert sum(row) == pytest.approx(1)


def test_a_true_crc_does_not_hide_a_changed_member(good: Path, tmp_path: Path) -> None:
    members = members_of(good)
    members["MODEL_CARD.md"] = members["MODEL_CARD.md"].swapcase()
    assert zlib.crc32(members["MODEL_CARD.md"]) != zlib.crc32(members_of(good)["MODEL_CARD.md"])
    with pytest.raises(BundleError, match=r"MODEL_CARD\.md does not match its SHA-256"):
        Bundle.read(repack(tmp_path / "x.wren", members))
