import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import softmax as scipy_softmax
from sklearn import metrics as oracle

from codewren.core.errors import InputError
from codewren.measure.calibration import best_threshold, cross_fit, fit_temperature, softmax

SCORES = {
    "accuracy": oracle.accuracy_score,
    "f1": lambda y, p: oracle.f1_score(y, p, zero_division=0),
    "mcc": oracle.matthews_corrcoef,
}


def calibrated(seed: int, n: int, classes: int, temperature: float):
    """Labels drawn from softmax(logits / temperature), so that this temperature is the true one."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=4, size=(n, classes))
    chances = scipy_softmax(logits / temperature, axis=1)
    return logits, (chances.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


def test_softmax_is_scipys_even_for_huge_logits():
    logits = np.array([[1e4, -1e4, 0], [1.0, 2.0, 3.0]], dtype=np.float32)
    assert softmax(logits, temperature=2.5) == pytest.approx(scipy_softmax(logits.astype(float) / 2.5, axis=1))


@pytest.mark.parametrize(("classes", "temperature"), [(2, 0.4), (2, 3.0), (4, 1.7)])
def test_temperature_is_the_one_that_made_the_labels_and_the_likeliest(classes, temperature):
    logits, labels = calibrated(0, 6_000, classes, temperature)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(temperature, rel=0.1)

    def loss(log_temperature: float) -> float:
        return oracle.log_loss(labels, scipy_softmax(logits / np.exp(log_temperature), axis=1))

    best = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded", options={"xatol": 1e-6})
    assert found == pytest.approx(np.exp(best.x), rel=1e-3)


def test_temperature_stays_within_its_limits():
    logits = np.array([[2.0, -2.0], [-2.0, 2.0]] * 10)
    assert 0.05 <= fit_temperature(logits, np.array([0, 1] * 10)) < 0.2  # flat to the last digit below
    assert fit_temperature(logits, np.array([1, 0] * 10)) == pytest.approx(20)


@pytest.mark.filterwarnings("ignore:A single label")  # scikit-learn's, and right: its MCC is 0 there
@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(1, 40),
    st.sampled_from(sorted(SCORES)),
    st.sampled_from([1, 2, 12]),
)
def test_threshold_is_as_good_as_any(seed, n, metric, decimals):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    probabilities = np.round(np.clip(rng.normal(0.35 + 0.2 * labels, 0.25), 0, 1), decimals)
    found = best_threshold(labels, probabilities, metric)
    assert 0 <= found <= 1
    tried = [SCORES[metric](labels, probabilities > cut) for cut in (0.0, *probabilities, 1.0)]
    assert SCORES[metric](labels, probabilities > found) == pytest.approx(max(tried))


def test_of_equal_thresholds_the_nearest_to_a_half_is_taken():
    assert best_threshold(np.array([0, 1]), np.array([0.1, 0.7]), "accuracy") == pytest.approx(0.4)
    equal_cuts = best_threshold(np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.4, 0.9]), "accuracy")
    assert equal_cuts == pytest.approx(0.65)


def test_threshold_between_neighbouring_floats_still_separates():
    low = 0.3
    high = np.nextafter(low, 1)
    found = best_threshold(np.array([0, 1]), np.array([low, high]), "accuracy")
    assert not low > found
    assert high > found


def test_logits_are_no_probabilities():
    with pytest.raises(InputError, match="wanted 0 to 1, not logits"):
        best_threshold(np.array([0, 1]), np.array([-1.0, 2.0]), "f1")
    with pytest.raises(InputError, match="equally many"):
        best_threshold(np.array([0, 1]), np.array([0.5]), "f1")


def test_cross_fit_never_lets_an_item_judge_itself():
    """With one fold an item, changing its own label cannot move its own probability; others' it does."""
    logits, labels = calibrated(1, 60, 2, 2.0)
    before = cross_fit(logits, labels, positive=1, folds=60).probabilities
    for index in range(0, 60, 7):
        flipped = labels.copy()
        flipped[index] = 1 - flipped[index]
        after = cross_fit(logits, flipped, positive=1, folds=60).probabilities
        assert after[index] == pytest.approx(before[index], abs=1e-12)
        assert np.abs(after - before).max() > 1e-4


def test_tuning_on_noise_flatters_the_split_tuned_on_and_cross_fitting_does_not():
    gains_tuned, gains_crossed = [], []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        labels = np.arange(60) % 2
        logits = rng.normal(size=(60, 2))
        probabilities = softmax(logits)[:, 1]
        tuned = probabilities > best_threshold(labels, probabilities, "accuracy")
        crossed = cross_fit(logits, labels, positive=1, metric="accuracy", seed=seed).predictions
        gains_tuned.append((tuned == labels).mean() - 0.5)
        gains_crossed.append((crossed == labels).mean() - 0.5)
    assert np.mean(gains_tuned) > 0.05
    assert np.mean(gains_crossed) < 0.02


def test_cross_fit_calibrates_like_a_fit_on_all():
    logits, labels = calibrated(2, 3_000, 3, 2.5)
    found = cross_fit(logits, labels, positive=0)
    assert found.temperatures == pytest.approx([2.5] * 5, rel=0.15)
    assert found.thresholds == (0.5,) * 5
    assert oracle.log_loss(labels, found.probabilities) < oracle.log_loss(labels, softmax(logits))
    assert (found.predictions == logits.argmax(axis=1)).all()


def test_folds_must_be_possible():
    logits, labels = calibrated(3, 4, 2, 1.0)
    with pytest.raises(InputError, match="5 folds of 4 items"):
        cross_fit(logits, labels, positive=1)
