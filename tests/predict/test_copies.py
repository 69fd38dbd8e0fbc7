"""Copies and pickles of predictors answer as the one they were made of."""

import copy
import pickle
from pathlib import Path

import pytest

import codewren
from codewren.core.errors import BundleError, CodewrenError
from codewren.core.task import CLONE
from encoders import write_encoder
from students import CONFIG, write_student

PAIRS = [("int f(int a) { return a; }", "int g(int b) { return b + 1; }")]


@pytest.fixture(params=["student", "encoder"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "x.wren"
    return write_student(file, CONFIG, CLONE) if request.param == "student" else write_encoder(file)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_copy_answers_as_the_predictor_does(path: Path, copied) -> None:
    predictor = codewren.load(path)
    predictor.threads = 3
    again = copied(predictor)
    assert again.predict_proba(PAIRS) == predictor.predict_proba(PAIRS)
    assert (again.threads, again.path, again.manifest) == (3, path, predictor.manifest)


def test_a_pickle_is_small(path: Path) -> None:
    assert len(pickle.dumps(codewren.load(path))) < 1_000


def test_a_pickle_keeps_the_calibration_of_an_encoder() -> None:
    predictor = codewren.load("clones-micro@bigclonebench")
    for again in (pickle.loads(pickle.dumps(predictor)), copy.deepcopy(predictor)):
        assert again.predict_proba(PAIRS) == predictor.predict_proba(PAIRS)
        assert repr(again) == "<SimilarityPredictor clones-micro.wren@bigclonebench>"


def test_a_pickle_of_a_bundle_that_was_replaced_is_refused(tmp_path: Path) -> None:
    path = write_student(tmp_path / "x.wren", CONFIG)
    kept = pickle.dumps(codewren.load(path))
    path.unlink()
    with pytest.raises(BundleError, match="no such file"):
        pickle.loads(kept)
    write_student(path, CONFIG, temperature=2.0)
    with pytest.raises(BundleError, match="not the bundle that was pickled"):
        pickle.loads(kept)


def test_a_predictor_says_what_it_is(tmp_path: Path) -> None:
    predictor = codewren.load(write_student(tmp_path / "x.wren", CONFIG))
    assert repr(predictor) == "<Predictor x.wren: safe or vulnerable of a function>"


def test_what_is_exported_can_be_listed_and_had() -> None:
    assert {"BundleError", "CodewrenError", "InputError", "__version__", "load"} <= set(dir(codewren))
    assert issubclass(codewren.BundleError, codewren.CodewrenError)
    assert codewren.CodewrenError is CodewrenError
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        codewren.lod  # noqa: B018
