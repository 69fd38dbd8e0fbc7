"""A bundle with a similarity encoder is data from a stranger too: refused in one line, or the answer is unchanged."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundle.test_read import edited, manifest_edits, members_of, replaced
from codewren.bundle.open import open_bundle
from codewren.bundle.read import Bundle
from codewren.bundle.similarity import SimilarityBundle
from codewren.bundle.size import similarity_size_bytes
from codewren.core.errors import BundleError, InputError
from codewren.core.task import VULNERABILITY
from codewren.predict.predictor import predictor_of
from codewren.predict.similarity import SimilarityPredictor
from encoders import random_arrays, write_encoder
from students import write_student

PAIR = ("int add(int a, int b) { return a + b; }", "def add(a, b):\n    return a + b\n")
RELAXED = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("bundle") / "good.wren", PAIR, card="# Card\n")


def outcome(path: Path) -> list[list[float]] | None:
    """What the file answers; None where it is refused. Any other exception is a defect."""
    try:
        predictor = predictor_of(open_bundle(path), threads=1)
        if not isinstance(predictor, SimilarityPredictor):
            return None
        predictor.pairs_above(predictor.encode(PAIR), 0.0)
        return predictor.predict_proba([PAIR])
    except BundleError as error:
        assert "\n" not in str(error)
        return None


def test_what_was_written_is_read(good: Path, tmp_path: Path) -> None:
    bundle = open_bundle(good)
    assert isinstance(bundle, SimilarityBundle)
    assert (bundle.card, bundle.size_bytes) == ("# Card\n", good.stat().st_size)
    assert bundle.config.part_widths == (64, 24, 40, 32)
    assert bundle.decision.alert_threshold == 0.9
    assert write_encoder(tmp_path / "again.wren", PAIR, card="# Card\n").read_bytes() == good.read_bytes()
    arrays, tensors = random_arrays(PAIR), {entry.name: entry for entry in bundle.tensors}
    for name, array in arrays.items():
        entry = tensors[name.replace("_", ".")]
        assert bytes(bundle.weights[entry.offset : entry.end]) == array.tobytes()


def test_the_size_is_known_before_training(good: Path) -> None:
    bundle = open_bundle(good)
    assert isinstance(bundle, SimilarityBundle)
    bound = similarity_size_bytes(bundle.config)
    assert bound - 8_000 < bundle.size_bytes <= bound


def test_a_program_that_knows_students_only_asks_for_an_upgrade(good: Path) -> None:
    """It looks at the schema version before anything that differs; the members have the names it knows."""
    members = members_of(good)
    assert sorted(members) == ["MODEL_CARD.md", "manifest.json", "tokenizer.json", "weights.bin"]
    assert json.loads(members["manifest.json"])["schema_version"] == 2


def test_one_form_is_not_read_as_the_other(good: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="holds a similarity encoder, a student was wanted"):
        Bundle.read(good)
    with pytest.raises(BundleError, match="'student' of schema version 2 never existed"):
        open_bundle(edited(good, tmp_path / "x.wren", lambda manifest: manifest.pop("form")))
    student = write_student(tmp_path / "s.wren")
    with pytest.raises(BundleError, match="'similarity' of schema version 1 never existed"):
        open_bundle(edited(student, tmp_path / "y.wren", lambda manifest: manifest.update(form="similarity")))
    with pytest.raises(BundleError, match="form 'x' is none of student, similarity"):
        open_bundle(edited(good, tmp_path / "x.wren", lambda manifest: manifest.update(form="x")))


def _table(**changes: Any) -> Edit:
    return lambda manifest: manifest["config"]["names"].update(changes)


def _tensor(index: int, **changes: Any) -> Edit:
    return lambda manifest: manifest["tensors"][index].update(changes)


def _general(**changes: Any) -> Edit:
    return lambda manifest: manifest["calibrations"]["general"].update(changes)


EDITS: dict[str, tuple[Edit, str]] = {
    "function task": (lambda m: m.update(task=VULNERABILITY.to_dict()), "judges pairs by two labels"),
    "three labels": (lambda m: m["task"]["labels"].append("c"), "judges pairs by two labels"),
    "no config": (lambda m: m.pop("config"), "'config' is missing"),
    "unknown key": (lambda m: m["config"].update(depth=3), "config has"),
    "unknown key of a table": (_table(colour=1), "a table has"),
    "negative entries": (_table(entries=-1), "entries is -1"),
    "huge entries": (_table(entries=1 << 40), "entries is 1099511627776"),
    "more rows than entries": (_table(rows=601), "rows is 601"),
    "huge width": (_table(width=5000), "width is 5000"),
    "width text": (_table(width="24"), "'width' is str"),
    "width true": (_table(width=True), "'width' is bool"),
    "sketch no power": (_table(sketch_width=48), "no power of two"),
    "unknown weight": (_table(unknown=256), "unknown is 256"),
    "other width": (_table(width=25), "tensor names.rows is"),
    "three roots": (lambda m: m["config"]["roots"].pop(), "four numbers were wanted"),
    "roots text": (lambda m: m["config"].update(roots=["a"] * 4), "four numbers were wanted"),
    "large roots": (lambda m: m["config"].update(roots=[1.0] * 4), "no shares of a whole"),
    "NaN root": (lambda m: m["config"].update(roots=[float("nan"), 0, 0, 1]), "no shares of a whole"),
    "huge root": (lambda m: m["config"].update(roots=[10**400, 0, 0, 1]), "out of range"),
    "no general": (lambda m: m["calibrations"].pop("general"), "lack 'general'"),
    "calibration a list": (lambda m: m["calibrations"].update(general=[]), "'general' is list"),
    "slope 0": (_general(slope=0), "slope 0.0"),
    "slope NaN": (_general(slope=float("nan")), "slope nan"),
    "no offset": (_general(offset=None), "offset is None"),
    "threshold": (_general(threshold=1.5), "threshold 1.5 is out of range"),
    "alert": (_general(alert_threshold=-1), "threshold -1.0 is out of range"),
    "tensor missing": (lambda m: m["tensors"].pop(), "names 5 tensors"),
    "tensor twice": (lambda m: m["tensors"].append(m["tensors"][0]), "names 7 tensors"),
    "tensor no row": (lambda m: m["tensors"].append(5), "is no row"),
    "unknown tensor": (_tensor(1, name="x"), "no such tensor"),
    "dtype": (_tensor(0, dtype="int8"), "wanted"),
    "shape": (_tensor(2, shape=[24, 300]), "wanted"),
    "bytes": (_tensor(2, nbytes=1), "wanted"),
    "unaligned": (_tensor(0, offset=8), "no multiple of 16"),
    "outside": (_tensor(0, offset=1 << 40), "ends at byte"),
    "overlap": (_tensor(1, offset=0), "tensors overlap"),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_hostile_manifest_is_refused(good: Path, tmp_path: Path, name: str) -> None:
    edit, message = EDITS[name]
    path = edited(good, tmp_path / "x.wren", edit)
    with pytest.raises(BundleError, match=message) as caught:
        open_bundle(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_another_lexer_is_refused(good: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"tokenizer\.json is"):
        open_bundle(replaced(good, tmp_path / "x.wren", tokenizer=b'{"kind": "source", "version": 2}'))


def test_fingerprints_that_collide_are_refused(good: Path, tmp_path: Path) -> None:
    """Twice the same, or so many of one place in the table that each look-up would take a millisecond."""
    weights = bytearray(members_of(good)["weights.bin"])
    weights[4:8] = weights[:4]
    with pytest.raises(BundleError, match="fingerprints of features collide"):
        predictor_of(open_bundle(replaced(good, tmp_path / "x.wren", weights=bytes(weights))))
    inverse = pow(0x9E3779B1, -1, 1 << 32)
    crowd = np.array([(high * (1 << 24) + low) * inverse % (1 << 32) for high in range(16) for low in range(100)])
    arrays = random_arrays(entries=1600)
    arrays["names_fingerprints"] = crowd.astype(np.uint32)
    arrays["names_weights"] = np.ones(1600, np.uint8)
    path = write_encoder(tmp_path / "y.wren", arrays=arrays)
    with pytest.raises(BundleError, match="fingerprints of features collide"):
        predictor_of(open_bundle(path))


def test_the_writer_refuses_what_is_no_table(tmp_path: Path) -> None:
    arrays = random_arrays()
    for name, values in (
        ("names_rows", arrays["names_rows"].astype(np.int16)),
        ("names_weights", arrays["names_weights"][:-1]),
        ("structure_fingerprints", np.zeros_like(arrays["structure_fingerprints"])),
    ):
        with pytest.raises(InputError, match="wanted"):
            write_encoder(tmp_path / "x.wren", arrays={**arrays, name: values})
    with pytest.raises(InputError, match="lack 'general'"):
        write_encoder(tmp_path / "x.wren", calibrations={})


def test_every_truncation_is_refused(good: Path, tmp_path: Path) -> None:
    content, path = good.read_bytes(), tmp_path / "x.wren"
    for length in sorted({*range(0, len(content), 997), *range(len(content) - 40, len(content))}):
        path.write_bytes(content[:length])
        assert outcome(path) is None


def test_flipped_bits_never_change_an_answer(good: Path, tmp_path: Path) -> None:
    content, answer = good.read_bytes(), outcome(good)
    path, rng, refused = tmp_path / "x.wren", random.Random(0), 0
    for _ in range(200):
        damaged = bytearray(content)
        damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        damaged_answer = outcome(path)
        assert damaged_answer is None or damaged_answer == answer
        refused += damaged_answer is None
    assert refused > 190  # the others hit dates, attributes and padding, which carry nothing


@RELAXED
@given(edit=manifest_edits())
def test_any_manifest_is_read_or_refused(good: Path, tmp_path: Path, edit: Edit) -> None:
    outcome(edited(good, tmp_path / "x.wren", edit))


@RELAXED
@given(data=st.data())
def test_any_weights_give_an_answer_or_are_refused(good: Path, tmp_path: Path, data: st.DataObject) -> None:
    weights = bytearray(members_of(good)["weights.bin"])
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(weights) - 1))
        noise = data.draw(st.binary(min_size=1, max_size=64))
        weights[start : start + len(noise)] = noise[: len(weights) - start]
    answer = outcome(replaced(good, tmp_path / "x.wren", weights=bytes(weights)))
    assert answer is None or sum(answer[0]) == pytest.approx(1)
