"""A bundle with a hint is data from a stranger too: refused in one line, or the answer is unchanged."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle.test_read import edited, members_of, replaced
from codewren.bundle.hint import HintBundle, HintConfig
from codewren.bundle.open import open_bundle
from codewren.bundle.read import Bundle
from codewren.bundle.write_hint import HintText, write_hint_bundle
from codewren.core.errors import BundleError, InputError
from codewren.core.task import CLONE, VULNERABILITY
from codewren.predict.predictor import predictor_of
from hints import CALIBRATIONS, HEADS, KINDS, random_weights, write_hint

TEXTS = ("int add(int a, int b) { return a + b; }", "void f(char *p, int n) { char b[8]; memcpy(b, p, n); }")
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hint(tmp_path_factory.mktemp("bundle") / "good.wren", TEXTS, "# Card\n")


def outcome(path: Path) -> list[list[float]] | None:
    """What the file answers; None where it is refused. Any other exception is a defect."""
    try:
        predictor = predictor_of(open_bundle(path), threads=1)
        if predictor.task != VULNERABILITY:
            return None
        return predictor.predict_proba(TEXTS)
    except BundleError as error:
        assert "\n" not in str(error)
        return None


def test_what_was_written_is_read(good: Path, tmp_path: Path) -> None:
    bundle = open_bundle(good)
    assert isinstance(bundle, HintBundle)
    assert (bundle.card, bundle.size_bytes) == ("# Card\n", good.stat().st_size)
    assert (bundle.config.heads, bundle.config.kinds) == (HEADS, KINDS)
    assert bundle.calibrations == CALIBRATIONS
    assert bundle.decision.alert_threshold == 0.9
    assert write_hint(tmp_path / "again.wren", TEXTS, "# Card\n").read_bytes() == good.read_bytes()
    for entry in bundle.tensors:
        assert bytes(bundle.weights[entry.offset : entry.end]) == random_weights(TEXTS)[entry.name].tobytes()
    assert list(bundle.line_trees) == random_weights(TEXTS)["line_trees"].ravel().tolist()


def test_one_form_is_not_read_as_the_other(good: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="holds a hint, a student was wanted"):
        Bundle.read(good)
    with pytest.raises(BundleError, match="'student' of schema version 3 never existed"):
        open_bundle(edited(good, tmp_path / "x.wren", lambda manifest: manifest.pop("form")))


def _config(**changes: Any) -> Edit:
    return lambda manifest: manifest["config"].update(changes)


def _general(**changes: Any) -> Edit:
    return lambda manifest: manifest["calibrations"]["general"].update(changes)


def _tree(place: int, number: Any) -> Edit:
    return lambda manifest: manifest["line_trees"][3].__setitem__(place, number)


EDITS: dict[str, tuple[Edit, str]] = {
    "pair task": (lambda m: m.update(task=CLONE.to_dict()), "judges functions by two labels"),
    "three labels": (lambda m: m["task"]["labels"].append("c"), "judges functions by two labels"),
    "no config": (lambda m: m.pop("config"), "'config' is missing"),
    "unknown key": (_config(depth=3), "config has"),
    "negative entries": (_config(entries=-1), "entries have kinds"),
    "huge entries": (_config(entries=1 << 40), "entries have kinds"),
    "more kind entries": (_config(kind_entries=1 << 20), "entries have kinds"),
    "entries text": (_config(entries="9"), "'entries' is str"),
    "no heads": (_config(heads={}), "0 heads"),
    "many heads": (_config(heads={str(k): 1.0 for k in range(65)}), "65 heads"),
    "another head": (_config(heads={**HEADS, "x": 1.0}), "tensor rows is"),
    "head text": (_config(heads={"text": "a"}), "config text is 'a'"),
    "head true": (_config(heads={"text": True}), "config text is True"),
    "NaN scale": (_config(kind_scale=float("nan")), "config kind_scale is nan"),
    "huge prior": (_config(kinds={"other": 10**400}), "config other is"),
    "no general": (lambda m: m["calibrations"].pop("general"), "lack general"),
    "no review": (lambda m: m["calibrations"].pop("review"), "lack review"),
    "calibration a list": (lambda m: m["calibrations"].update(general=[]), "'general' is list"),
    "unknown head": (_general(heads={"x": 1.0}), "are not all there"),
    "few counts": (_general(counts=[0.0]), "1 slopes of counts"),
    "counts text": (_general(counts=["a"] * 19), "config 0 is 'a'"),
    "infinite offset": (_general(offset=float("inf")), "config offset is inf"),
    "threshold": (_general(threshold=1.5), "threshold 1.5 is out of range"),
    "alert": (_general(alert_threshold=-1), "threshold -1.0 is out of range"),
    "trees an object": (lambda m: m.update(line_trees={}), "'line_trees' is dict"),
    "tree a number": (lambda m: m["line_trees"].append(1), "line_trees holds a list of 21"),
    "tree cut": (lambda m: m["line_trees"][0].pop(), "not all trees"),
    "many trees": (lambda m: m.update(line_trees=m["line_trees"] * 205), "line_trees holds a list of 4100"),
    "no such measure": (_tree(0, 58), "not all trees"),
    "no such limit": (_tree(1, 256), "not all trees"),
    "leaf true": (_tree(6, True), "not all trees"),
    "leaf a fraction": (_tree(6, 0.5), "not all trees"),
    "huge leaf": (_tree(13, -(1 << 21)), "not all trees"),
    "tensor missing": (lambda m: m["tensors"].pop(), "names 2 tensors"),
    "outside": (lambda m: m["tensors"][0].update(offset=1 << 40), "ends at byte"),
    "overlap": (lambda m: m["tensors"][1].update(offset=0), "tensors overlap"),
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
        open_bundle(replaced(good, tmp_path / "x.wren", tokenizer=b'{"kind": "hint", "version": 2}'))


def test_fingerprints_that_collide_are_refused(good: Path, tmp_path: Path) -> None:
    weights = bytearray(members_of(good)["weights.bin"])
    weights[4:8] = weights[:4]
    with pytest.raises(BundleError, match="fingerprints of features collide"):
        predictor_of(open_bundle(replaced(good, tmp_path / "x.wren", weights=bytes(weights))))


def test_the_writer_refuses_what_is_no_hint(tmp_path: Path) -> None:
    arrays = random_weights(TEXTS)
    config = HintConfig(len(arrays["rows"]), HEADS, len(arrays["kind_rows"]), 0.05, KINDS)

    def write(**changes: Any) -> None:
        arguments = {"arrays": arrays, "calibrations": CALIBRATIONS, **changes}
        write_hint_bundle(tmp_path / "x.wren", task=VULNERABILITY, config=config, text=HintText(), **arguments)

    with pytest.raises(InputError, match="rows: found"):
        write(arrays={**arrays, "rows": arrays["rows"].astype(np.int16)})
    with pytest.raises(InputError, match="fingerprints are there twice"):
        write(arrays={**arrays, "fingerprints": np.zeros_like(arrays["fingerprints"])})
    with pytest.raises(InputError, match="general and review are wanted"):
        write(calibrations={})


def test_every_truncation_is_refused(good: Path, tmp_path: Path) -> None:
    content, path = good.read_bytes(), tmp_path / "x.wren"
    for length in sorted({*range(0, len(content), 97), *range(len(content) - 40, len(content))}):
        path.write_bytes(content[:length])
        assert outcome(path) is None


def test_flipped_bits_never_change_an_answer(good: Path, tmp_path: Path) -> None:
    content, answer = good.read_bytes(), outcome(good)
    path, rng = tmp_path / "x.wren", random.Random(0)
    for _ in range(200):
        damaged = bytearray(content)
        damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        assert outcome(path) in (None, answer)


def test_a_hint_without_trees_is_read(good: Path, tmp_path: Path) -> None:
    path = edited(good, tmp_path / "x.wren", lambda manifest: manifest.pop("line_trees"))
    assert predictor_of(open_bundle(path)).predict_proba(TEXTS) == outcome(good)


def test_the_manifest_says_its_form(good: Path) -> None:
    manifest = json.loads(members_of(good)["manifest.json"])
    assert (manifest["schema_version"], manifest["form"]) == (3, "hint")
