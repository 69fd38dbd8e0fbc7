"""The ONNX form of a hint gives the runtime's numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from codewren.cli.main import cli
from codewren.compress.hint_to_onnx import OUTPUTS, hint_to_onnx
from codewren.predict.hint import HintPredictor
from codewren.predict.predictor import load
from codewren.syntax.functions import extract
from hints import write_hint
from train.hint.made_packages import made_recipe, write_packages

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime reads what is written")

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("examples/request.c", "tests/verify/source/parse.c")


def real_functions() -> list[str]:
    """Functions of the C files that lie in this repository, one long one, and texts without a feature."""
    texts = []
    for name in SOURCES:
        source = (ROOT / name).read_bytes()
        texts += [source[one.start_byte : one.end_byte].decode() for one in extract(source, "c").functions]
    return [*texts, "\n".join(texts) * 40, "", "/* nothing */", "int f(void) { zq9(); }"]


def close_to(predictor: HintPredictor, path: Path, texts: list[str]) -> None:
    session = onnxruntime.InferenceSession(path)
    wanted = {"suspicion": predictor.suspicion(texts), "review_first": predictor.review_first(texts)}
    others = [name for name in predictor.bundle.calibrations if name not in OUTPUTS]
    for name in others:
        wanted[name] = [row[1] for row in load(f"{predictor.path}@{name}").predict_proba(texts)]
    for number, (known, kinds) in enumerate(zip(predictor.known_features(texts), predictor.kinds(texts), strict=True)):
        feed = {name: np.array(getattr(known, name), np.int64) for name in ("entries", "counts", "measures")}
        found = dict(zip([one.name for one in session.get_outputs()], session.run(None, feed), strict=True))
        assert found.keys() == {*wanted, "kinds"}
        for name, values in wanted.items():
            assert found[name][0] == pytest.approx(values[number], abs=1e-5), name
        assert found["kinds"].tolist() == pytest.approx(list(kinds.values()), abs=1e-5)


@pytest.mark.parametrize("name", ["hints-c-micro", "hints-c-mini"])
def test_both_numbers_and_the_kinds_are_the_runtimes(tmp_path: Path, name: str) -> None:
    predictor = load(name)
    assert isinstance(predictor, HintPredictor)
    size = hint_to_onnx(predictor.bundle, tmp_path / "hint.onnx")
    assert size == (tmp_path / "hint.onnx").stat().st_size
    weights = predictor.config.entries * len(predictor.config.heads)
    assert size < weights + predictor.config.kind_entries * len(predictor.config.kinds) + 10_000
    texts = real_functions()
    assert len(texts) > 6
    assert max(predictor.suspicion(texts)) - min(predictor.suspicion(texts)) > 0.01
    close_to(predictor, tmp_path / "hint.onnx", texts)


def test_random_weights_and_a_damped_count(tmp_path: Path) -> None:
    texts = real_functions()
    predictor = load(write_hint(tmp_path / "small.wren", texts[:3]))
    assert isinstance(predictor, HintPredictor)
    hint_to_onnx(predictor.bundle, tmp_path / "hint.onnx")
    assert max(max(known.counts, default=0) for known in predictor.known_features(texts)) > 64
    close_to(predictor, tmp_path / "hint.onnx", texts)


def test_the_verb_exports_a_fitted_hint(tmp_path: Path) -> None:
    write_packages(tmp_path)
    recipe, out = tmp_path / "recipe.json", tmp_path / "run"
    recipe.write_text(json.dumps(made_recipe(tmp_path).to_dict()))
    made = CliRunner().invoke(cli, ["export", str(recipe), "--out", str(out), "--onnx", "--quiet"])
    assert made.exit_code == 0, made.output
    predictor = load(out / "student.wren")
    assert isinstance(predictor, HintPredictor)
    close_to(predictor, out / "student.onnx", real_functions())
    assert CliRunner().invoke(cli, ["export", str(recipe), "--out", str(out), "--front"]).exit_code == 2


def test_known_features_add_up_to_the_runtimes_sums(tmp_path: Path) -> None:
    texts = real_functions()
    predictor = load(write_hint(tmp_path / "small.wren", texts))
    assert isinstance(predictor, HintPredictor)
    known = predictor.known_features(texts)
    assert [row.measures[0] for row in known] == [total for _, total in predictor.count_tokens(texts)]
    assert known[-3].entries == known[-2].entries == []
    assert all(len(set(row.entries)) == len(row.entries) for row in known)
