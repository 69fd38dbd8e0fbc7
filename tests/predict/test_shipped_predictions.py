"""Shipped bundles give today what they gave when they were recorded.

Each instruction set adds in another order, so each has its own record: with the compiler of the record (GCC on x86-64
Linux) `generic` and `avx2` are equal to the last bit. `avx512`, for which there is no record, and another compiler or
processor round otherwise and are held to `LAST_BITS`.

Record again, after a change that is meant to move them: `python tests/predict/test_shipped_predictions.py`.
"""

import hashlib
import json
import platform
from itertools import pairwise
from pathlib import Path

import pytest

from codewren import _native
from codewren.predict.predictor import Predictor, load, predictor_of

FIXTURES = Path(__file__).parent / "fixtures"
INPUTS = json.loads((FIXTURES / "shipped_inputs.json").read_text(encoding="utf-8"))
RECORD = FIXTURES / "shipped_predictions.json"
ENCODER_RECORD = FIXTURES / "shipped_encoders.json"
SIZES = ("micro", "mini", "standard")
NAMES = [f"{family}-{size}" for family in INPUTS for size in SIZES]
ENCODERS = [f"clones-{size}" for size in SIZES]
LAST_BITS = 1e-6
SAME_COMPILER = platform.system() == "Linux" and platform.machine() == "x86_64"


def probabilities(name: str, target: str) -> list[list[float]]:
    """Of ten items: ten functions, or five pairs of two functions and five of a function with itself."""
    functions = INPUTS[name.rpartition("-")[0]]
    pairs = [*zip(functions[:5], functions[5:], strict=True), *zip(functions[:5], functions[:5], strict=True)]
    predictor = Predictor(load(name).bundle, threads=1, target=target)
    return predictor.predict_proba(pairs if predictor.task.unit == "pair" else functions)


@pytest.mark.parametrize("target", _native.targets())
@pytest.mark.parametrize("name", NAMES)
def test_probabilities_are_those_of_the_record(name: str, target: str) -> None:
    records = json.loads(RECORD.read_text(encoding="utf-8"))[name]
    now = probabilities(name, target)
    if SAME_COMPILER and target in records:
        assert now == records[target]
    for row, recorded_row in zip(now, records.get(target, records["avx2"]), strict=True):
        assert row == pytest.approx(recorded_row, abs=LAST_BITS)


@pytest.mark.parametrize("name", NAMES)
def test_instruction_sets_differ_in_the_last_bits_only(name: str) -> None:
    """The records themselves, so that a machine without AVX checks both."""
    generic, *others = json.loads(RECORD.read_text(encoding="utf-8"))[name].values()
    assert len(generic) == 10
    for other in others:
        for row, generic_row in zip(other, generic, strict=True):
            assert row == pytest.approx(generic_row, abs=LAST_BITS)


def encoded(name: str, target: str = "") -> dict[str, object]:
    """A hash of the vectors of all inputs, and the probabilities of some pairs of them."""
    functions = [text for texts in INPUTS.values() for text in texts]
    predictor = predictor_of(load(name).bundle, threads=1, target=target)
    pairs = list(pairwise(functions))
    vectors = hashlib.sha256(predictor.encode(functions)).hexdigest()
    return {"vectors": vectors, "probabilities": [row[1] for row in predictor.predict_proba(pairs)]}


@pytest.mark.parametrize("target", _native.similarity_targets())
@pytest.mark.parametrize("name", ENCODERS)
def test_vectors_are_those_of_the_record_on_every_processor(name: str, target: str) -> None:
    """Whole numbers: nothing may differ but the last bits of the logistic function."""
    record, now = json.loads(ENCODER_RECORD.read_text(encoding="utf-8"))[name], encoded(name, target)
    assert now["vectors"] == record["vectors"]
    assert now["probabilities"] == pytest.approx(record["probabilities"], abs=1e-12)


if __name__ == "__main__":
    ENCODER_RECORD.write_text(json.dumps({name: encoded(name) for name in ENCODERS}, indent=0) + "\n", encoding="utf-8")
    record = {name: {target: probabilities(name, target) for target in _native.targets()[::-1]} for name in NAMES}
    RECORD.write_text(json.dumps(record, indent=0) + "\n", encoding="utf-8")
