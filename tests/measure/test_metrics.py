import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from codewren.core.errors import InputError
from codewren.measure import metrics


def random_outputs(seed: int, n: int, classes: int, *, coarse: bool = False):
    """Labels and probabilities that have something to do with them; coarse ones have many ties."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) + 1.2 * np.eye(classes)[labels]
    logits = np.round(logits) if coarse else logits
    powers = np.exp(logits)
    return labels, powers / powers.sum(axis=1, keepdims=True)


CASES = given(st.integers(0, 10_000), st.integers(2, 60), st.integers(2, 5))


@pytest.mark.filterwarnings("ignore:A single label")  # scikit-learn's, and right: its MCC is 0 there
@settings(max_examples=40, deadline=None)
@CASES
def test_confusion_metrics_are_sklearns(seed, n, classes):
    rng = np.random.default_rng(seed)
    labels, predictions = rng.integers(0, classes, n), rng.integers(0, classes, n)
    matrix = metrics.confusion(labels, predictions, classes=classes)
    every = list(range(classes))
    assert (matrix == oracle.confusion_matrix(labels, predictions, labels=every)).all()
    assert metrics.accuracy(matrix) == pytest.approx(oracle.accuracy_score(labels, predictions))
    assert metrics.mcc(matrix) == pytest.approx(oracle.matthews_corrcoef(labels, predictions), abs=1e-12)
    for ours, theirs in (
        (metrics.precision, oracle.precision_score),
        (metrics.recall, oracle.recall_score),
        (metrics.f1, oracle.f1_score),
    ):
        single = theirs(labels, predictions, labels=every, average=None, zero_division=0)
        assert ours(matrix) == pytest.approx(single)
        averaged = theirs(labels, predictions, average="macro", zero_division=0)
        assert metrics.macro(ours, matrix) == pytest.approx(averaged)


def test_a_stack_of_matrices_gives_what_each_gives_alone():
    stack = np.random.default_rng(0).integers(0, 9, (20, 3, 3))
    for metric in (metrics.accuracy, metrics.mcc, metrics.precision, lambda m: metrics.macro(metrics.f1, m)):
        assert metric(stack) == pytest.approx(np.array([metric(matrix) for matrix in stack]))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.integers(0, 1))
def test_auc_is_sklearns_with_weights_and_ties(seed, coarse, positive):
    labels, probabilities = random_outputs(seed, 50, 2, coarse=coarse)
    weights = np.random.default_rng(seed).integers(0, 3, 50).astype(float)
    weights[:2], labels[:2] = 1, [0, 1]
    ours = metrics.auc_statistic(labels, probabilities, positive=positive)(weights)
    theirs = oracle.roc_auc_score(labels == positive, probabilities[:, positive], sample_weight=weights)
    assert ours == pytest.approx(theirs)


def test_auc_of_more_labels_is_the_macro_mean_of_one_against_the_rest():
    labels, probabilities = random_outputs(4, 200, 4)
    ours = metrics.score("auc", labels, probabilities, positive=0)
    assert ours == pytest.approx(oracle.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro"))


@settings(max_examples=40, deadline=None)
@CASES
def test_brier_is_sklearns(seed, n, classes):
    labels, probabilities = random_outputs(seed, n, classes)
    ours = metrics.brier_statistic(labels, probabilities)(np.ones(n))
    scores = probabilities[:, 1] if classes == 2 else probabilities
    theirs = oracle.brier_score_loss(labels, scores, labels=list(range(classes)), scale_by_half=True)
    assert ours == pytest.approx(theirs)


def test_ece_by_hand():
    """Bin (0.6, 0.6667] holds two items at 0.65, one right; bin (0.8667, 0.9333] one at 0.9, wrong."""
    probabilities = np.array([[0.65, 0.35], [0.35, 0.65], [0.1, 0.9]])
    ece = metrics.ece_statistic(np.array([0, 0, 0]), probabilities)
    assert ece(np.ones(3)) == pytest.approx((2 * abs(0.5 - 0.65) + 1 * abs(0 - 0.9)) / 3)
    assert ece(np.array([1.0, 0.0, 1.0])) == pytest.approx((abs(1 - 0.65) + 0.9) / 2)


def test_ece_of_outcomes_drawn_from_the_probabilities_vanishes():
    rng = np.random.default_rng(0)
    positive = rng.random(200_000)
    labels = (rng.random(200_000) < positive).astype(int)
    probabilities = np.stack([1 - positive, positive], axis=1)
    assert metrics.ece_statistic(labels, probabilities)(np.ones(200_000)) < 0.005
    overconfident = np.stack([positive < 0.5, positive >= 0.5], axis=1).astype(float)
    assert metrics.ece_statistic(labels, overconfident)(np.ones(200_000)) == pytest.approx(0.25, abs=0.005)


def test_the_positive_label_must_exceed_the_threshold_and_more_labels_take_the_largest():
    probabilities = np.array([[0.5, 0.5], [0.4, 0.6], [0.6, 0.4]])
    assert metrics.decide(probabilities, positive=1).tolist() == [0, 1, 0]
    assert metrics.decide(probabilities, positive=0).tolist() == [1, 1, 0]
    assert metrics.decide(probabilities, positive=1, threshold=0.3).tolist() == [1, 1, 1]
    assert metrics.decide(np.array([[0.2, 0.5, 0.3]]), positive=0, threshold=0.1).tolist() == [1]


@pytest.mark.parametrize("classes", [2, 3])
def test_score_names_the_selection_metrics(classes):
    labels, probabilities = random_outputs(1, 300, classes)
    predictions = probabilities.argmax(axis=1)
    found = {m: metrics.score(m, labels, probabilities, positive=1) for m in ("accuracy", "f1", "mcc")}
    assert found == pytest.approx(
        {
            "accuracy": oracle.accuracy_score(labels, predictions),
            "f1": oracle.f1_score(labels, predictions, average="binary" if classes == 2 else "macro"),
            "mcc": oracle.matthews_corrcoef(labels, predictions),
        }
    )


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([0, 1], [[0.5, 0.5]], "do not fit"),
        ([0], [0.5], "do not fit"),
        ([], np.empty((0, 2)), "no items"),
        ([0, 2], [[0.5, 0.5]] * 2, "label indices 0 to 2 do not fit outputs of 2 columns"),
        ([0, 1], [[0.5, 0.5], [np.nan, 0.5]], "1 of 2 items have outputs that are not finite"),
        ([0, 0], [[0.5, 0.5], [0.2, 0.8]], "AUC is undefined"),
    ],
)
def test_what_cannot_be_measured_is_refused(labels, probabilities, message):
    with pytest.raises(InputError, match=message):
        metrics.score("auc", np.array(labels, dtype=int), np.array(probabilities), positive=1)
