import json

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as oracle

from codewren.measure.quality import quality

MACRO = ["precision_macro", "recall_macro", "f1_macro"]
BINARY = ["accuracy", "precision", "recall", "f1", *MACRO, "mcc", "auc", "ece", "brier"]


def outputs(seed: int, n: int, classes: int = 2, signal: float = 1.5):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    powers = np.exp(rng.normal(size=(n, classes)) + signal * np.eye(classes)[labels])
    return labels, powers / powers.sum(axis=1, keepdims=True)


def test_binary_quality_has_every_measure_inside_its_interval():
    labels, probabilities = outputs(0, 400)
    found = quality(labels, probabilities, positive=1)
    assert [measure.name for measure in found.measures] == BINARY
    for measure in found.measures:
        assert measure.low < measure.value < measure.high, measure
    predictions = probabilities[:, 1] > 0.5
    assert found["precision"].value == pytest.approx(oracle.precision_score(labels, predictions))
    assert found["f1"].value == pytest.approx(oracle.f1_score(labels, predictions))
    assert found["auc"].value == pytest.approx(oracle.roc_auc_score(labels, probabilities[:, 1]))
    assert found["precision"].n == predictions.sum()
    assert found["recall"].n == labels.sum()


def test_the_positive_label_may_be_column_zero():
    labels, probabilities = outputs(1, 300)
    mirrored = quality(1 - labels, probabilities[:, ::-1], positive=0)
    for name in ("accuracy", "precision", "recall", "f1", "mcc", "auc"):
        assert mirrored[name].value == pytest.approx(quality(labels, probabilities, positive=1)[name].value)


def test_more_labels_have_macro_measures_only():
    labels, probabilities = outputs(2, 300, classes=4)
    found = quality(labels, probabilities, positive=0)
    assert {"precision", "recall", "f1"}.isdisjoint(measure.name for measure in found.measures)
    assert found["f1_macro"].value == pytest.approx(
        oracle.f1_score(labels, probabilities.argmax(axis=1), average="macro")
    )
    assert found["auc"].value == pytest.approx(oracle.roc_auc_score(labels, probabilities, multi_class="ovr"))


def test_an_undefined_auc_is_said_to_be_so():
    _, probabilities = outputs(3, 50, classes=3)
    found = quality(np.arange(50) % 2, probabilities, positive=1)
    assert found.undefined == (("auc", "1 of the task's labels do not occur in this split"),)
    with pytest.raises(KeyError, match="do not occur"):
        found["auc"]
    with pytest.raises(KeyError, match="'acc' is not one of"):
        found["acc"]
    assert ("auc", "undefined", found.undefined[0][1], "0") in found.rows()


def test_agreement_counts_the_teachers_answers_not_the_labels():
    labels, probabilities = outputs(4, 200)
    found = quality(labels, probabilities, positive=1, teacher=1 - (probabilities[:, 1] > 0.5).astype(int))
    assert found["agreement"].value == 0
    assert found["accuracy"].value > 0.5


def test_given_predictions_overrule_the_threshold():
    labels, probabilities = outputs(5, 200)
    found = quality(labels, probabilities, positive=1, predictions=labels)
    assert found["accuracy"].value == 1
    assert found["accuracy"].low == pytest.approx(stats.binomtest(200, 200).proportion_ci().low)


def test_majority_is_tested_exactly():
    labels, probabilities = outputs(6, 500, signal=0.1)
    found = quality(labels, probabilities, positive=1)
    share = max(labels.mean(), 1 - labels.mean())
    right = int(((probabilities[:, 1] > 0.5) == labels).sum())
    assert found.majority.value == pytest.approx(share)
    assert found.p_majority == pytest.approx(stats.binomtest(right, 500, share, alternative="greater").pvalue)


def test_counted_intervals_agree_with_resampled_items():
    """The multinomial draw of cells against the slow way: resample items, count again, ask scikit-learn."""
    labels, probabilities = outputs(7, 300)
    predictions = (probabilities[:, 1] > 0.5).astype(int)
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, 300, 300) for _ in range(600)]
    slow = np.quantile([oracle.matthews_corrcoef(labels[d], predictions[d]) for d in draws], [0.025, 0.975])
    found = quality(labels, probabilities, positive=1)["mcc"]
    assert (found.low, found.high) == pytest.approx(tuple(slow), abs=0.02)


def test_quality_is_seeded_and_is_json():
    labels, probabilities = outputs(8, 150)
    first, second, other = (quality(labels, probabilities, positive=1, seed=seed) for seed in (1, 1, 2))
    assert first == second != other
    kept = json.loads(json.dumps(first.to_dict()))
    assert kept["measures"]["auc"]["low"] == first["auc"].low
    assert np.sum(kept["confusion"]) == kept["n"] == 150
    assert [row[0] for row in first.rows()] == [*BINARY, "majority", "p (majority)"]
