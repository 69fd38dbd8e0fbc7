"""The scores that pick an epoch, against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, roc_auc_score

from codewren.core.errors import InputError
from codewren.core.task import CLONE, Task, Unit
from codewren.train.validation import validation_scores

THREE = Task("cwe", Unit.FUNCTION, ("none", "leak", "overflow"), "leak")
RNG = np.random.default_rng(0)


def test_two_labels_are_scored_as_scikit_learn_does():
    labels, logits = RNG.integers(0, 2, 200), RNG.normal(size=(200, 2)).astype(np.float32)
    predicted, margin = logits.argmax(axis=1), logits[:, 1] - logits[:, 0]
    wanted = {
        "accuracy": accuracy_score(labels, predicted),
        "f1": f1_score(labels, predicted),
        "mcc": matthews_corrcoef(labels, predicted),
        "auc": roc_auc_score(labels, margin),
    }
    assert validation_scores(CLONE, labels, logits) == pytest.approx(wanted)


def test_three_labels_are_scored_by_macro_f1():
    labels, logits = RNG.integers(0, 3, 200), RNG.normal(size=(200, 3)).astype(np.float32)
    scores = validation_scores(THREE, labels, logits)
    assert scores["f1"] == pytest.approx(f1_score(labels, logits.argmax(axis=1), average="macro"))
    assert scores["mcc"] == pytest.approx(matthews_corrcoef(labels, logits.argmax(axis=1)))


def test_large_logits_do_not_overflow():
    logits = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype=np.float32)
    assert validation_scores(CLONE, np.array([0, 1]), logits)["accuracy"] == 1.0


def test_an_undefined_metric_is_left_out_unless_it_is_needed():
    labels, logits = np.zeros(5, dtype=np.int64), RNG.normal(size=(5, 2)).astype(np.float32)
    assert set(validation_scores(CLONE, labels, logits)) == {"accuracy", "f1", "mcc"}
    with pytest.raises(InputError, match="AUC is undefined"):
        validation_scores(CLONE, labels, logits, needed="auc")
