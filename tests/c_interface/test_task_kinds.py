"""The C library and the npm package decide as Python does: one label, several at once, or one of an order."""

import importlib.util
import json
import statistics
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import codewren
from c_builds import ROOT, installed_library, tool
from codewren.core.task import Kind, Task, Unit
from codewren.predict.predictor import Predictor
from students import CONFIG, write_student

SETS = Task("calls", Unit.FUNCTION, ("files", "net", "time"), "net", kind=Kind.MULTI_LABEL)
TEXTS = [f"w{number} w{number * 3 % 50} w9" for number in range(4, 40)]


@pytest.fixture(scope="module", params=[*Kind])
def bundle(request, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("kinds") / "a.wren"
    task = replace(SETS, kind=request.param)
    write_student(path, CONFIG, task, temperature=1.3)
    rows = codewren.load(path).predict_proba(TEXTS)
    middles = [statistics.median(column) for column in zip(*rows, strict=True)]  # so that answers differ
    changes = {"thresholds": tuple(middles)} if task.is_multi_label else {"threshold": middles[2]}
    return write_student(path, CONFIG, task, temperature=1.3, **changes)


def names(predictor: Predictor) -> list[list[str]]:
    """What Python predicts, as lists of labels."""
    found = predictor.predict(TEXTS)
    return [[one.name for one in answer] if predictor.task.is_multi_label else [answer.name] for answer in found]


def test_the_c_library_decides_as_python_does(bundle: Path) -> None:
    spec = importlib.util.spec_from_file_location("c_library", ROOT / "scripts/c_library.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    library = module.CLibrary(installed_library("c") / "lib/libcodewren.so")
    model, predictor = library.load(bundle.read_bytes()), codewren.load(bundle)
    rows = model.predict(TEXTS)
    assert library.calls.codewren_kind(model.handle).decode() == predictor.task.kind
    for ours, theirs in zip(rows, predictor.predict_proba(TEXTS), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-12)
    assert model.decide(rows) == names(predictor)
    if predictor.task.kind is not Kind.SINGLE_LABEL:
        assert len({tuple(labels) for labels in names(predictor)}) > 1, "else nothing is compared"


def test_the_npm_package_decides_as_python_does(bundle: Path) -> None:
    command = [tool("node"), ROOT / "scripts/wasm_probabilities.mjs", bundle]
    told = json.loads(
        subprocess.run(command, input=json.dumps(TEXTS), capture_output=True, text=True, check=True).stdout
    )
    predictor = codewren.load(bundle)
    assert told["kind"] == predictor.task.kind
    found = told["predicted"] if predictor.task.is_multi_label else [[label] for label in told["predicted"]]
    assert found == names(predictor)
