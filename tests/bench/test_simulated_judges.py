"""The lines of the simulated judges of benchmarks/tasks mean to the product what the judges meant."""

import sys
from pathlib import Path

import numpy as np
import pytest

from codewren.train.teachers.judgements import probabilities

FOLDER = Path(__file__).parents[2] / "benchmarks" / "tasks"


@pytest.fixture(scope="module")
def judges():
    sys.path.insert(0, str(FOLDER))
    try:
        import judges

        yield judges
    finally:
        sys.path.remove(str(FOLDER))


def test_a_label_with_its_confidence_and_the_likeliest_tokens_come_back(judges):
    shares = np.array([0.05, 0.62, 0.2, 0.1, 0.03])
    said = probabilities(judges.line("f", 0, shares, tokens=False), judges.LABELS, confidence=0.9)
    assert said.argmax() == 1
    assert said[1] == pytest.approx(0.62)
    tokens = judges.line("f", 1, shares, tokens=True)
    assert len(tokens["logprobs"]) == judges.TOP
    found = probabilities(tokens, judges.LABELS, confidence=0.9)
    np.testing.assert_allclose(found[1:4], shares[1:4], atol=1e-3)
    assert found[0] == found[4]


def test_below_one_half_a_judge_is_unsure(judges):
    line = judges.line("f", 0, np.array([0.3, 0.4, 0.1, 0.1, 0.1]), tokens=False)
    assert line == {"id": "f", "judge": "judge 1", "label": "unsure"}


def test_no_stranger_teaches_in_its_own_setting(judges):
    assert all(judges.SETTINGS[f"kinds-{at + 1}"][2] is judges.KINDS[at] for at in range(3))
    assert all(len(set(judges.SETTINGS[f"kinds-{at + 1}"])) == 3 for at in range(3))
