"""Agreement, bins, flips and slices against an independent library and closed forms."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import cohen_kappa_score

from codewren.core.errors import InputError
from codewren.measure.fidelity import compare_flips, flips, kappa, quartile_names, reliability_bins, slices, wilson
from codewren.measure.intervals import mcnemar
from codewren.measure.metrics import ece_statistic

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("classes", [2, 4])
def test_kappa_is_that_of_an_independent_library(classes):
    first = RNG.integers(0, classes, 300)
    second = np.where(RNG.random(300) < 0.6, first, RNG.integers(0, classes, 300))
    found = kappa(first, second, classes=classes)
    assert found.value == pytest.approx(cohen_kappa_score(first, second))
    assert found.low < found.value < found.high
    assert kappa(first, first, classes=classes).value == 1.0
    assert kappa(np.zeros(5, int), np.zeros(5, int), classes=classes).value == 1.0


def test_kappa_wants_two_equally_long_lists():
    with pytest.raises(InputError, match="3 and 2 labels"):
        kappa(np.zeros(3, int), np.zeros(2, int), classes=2)


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (3, 10), (10, 10), (400, 4000)])
def test_wilson_ends_are_the_rates_that_the_score_test_just_rejects(successes, n):
    """Closed form: at either end the share lies 1.96 standard errors of that end away."""
    found = wilson("x", successes, n)
    for end in (found.low, found.high):
        if 0 < end < 1 - 1e-12:
            assert abs(successes / n - end) == pytest.approx(1.959964 * np.sqrt(end * (1 - end) / n), rel=1e-5)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_of_nothing_wilson_knows_nothing():
    assert (wilson("x", 0, 0).low, wilson("x", 0, 0).high) == (0, 1)
    with pytest.raises(InputError, match="3 of 2"):
        wilson("x", 3, 2)


def test_bins_add_up_to_the_calibration_error_and_to_a_librarys_curve():
    positive = RNG.random(2000)
    probabilities = np.stack([1 - positive, positive], axis=1)
    labels = (RNG.random(2000) < positive**2).astype(np.int64)
    bins = reliability_bins(labels, probabilities)
    assert sum(one.count for one in bins) == 2000
    error = sum(one.count * abs(one.accuracy - one.confidence) for one in bins) / 2000
    assert error == pytest.approx(ece_statistic(labels, probabilities)(np.ones(2000)))
    right = probabilities.argmax(axis=1) == labels
    accuracy, confidence = calibration_curve(right, probabilities.max(axis=1), n_bins=15)
    assert [one.accuracy for one in bins] == pytest.approx(accuracy)
    assert [one.confidence for one in bins] == pytest.approx(confidence)
    assert all(one.low < one.confidence <= one.high for one in bins)


def test_flips_are_counted_among_edited_items():
    found = flips(np.array([0, 1, 1, 0]), np.array([1, 1, 0, 0]), np.array([True, True, True, False]))
    raw = found.to_dict()
    assert (raw["edited"], raw["flipped"], raw["rate"]) == (3, 2, 2 / 3)
    assert raw["low"] < 2 / 3 < raw["high"]


def test_a_flip_without_an_edit_is_a_broken_predictor():
    with pytest.raises(InputError, match="not deterministic"):
        flips(np.array([0, 1]), np.array([1, 1]), np.array([False, True]))


def test_flip_rates_are_compared_in_pairs_as_mcnemar_does():
    before, edited = np.zeros(200, int), np.ones(200, bool)
    first, second = (RNG.random(200) < 0.1).astype(int), (RNG.random(200) < 0.3).astype(int)
    found = compare_flips(flips(before, first, edited), flips(before, second, edited))
    same = mcnemar(before, first, second)  # "right" is not to flip
    assert (found.items, found.only_first, found.only_second) == (200, same.only_second_right, same.only_first_right)
    assert found.p_value == pytest.approx(same.p_value)
    with pytest.raises(InputError, match="different edits"):
        compare_flips(flips(before, first, edited), flips(before, before, ~edited))


def test_slices_come_worst_first_and_say_how_it_is_elsewhere():
    right = np.array([1, 1, 0, 0, 0, 1], dtype=bool)
    found = slices(right, {"project": ["a", "a", "b", "b", "b", "b"], "length": ["x"] * 6})
    assert [(one.by, one.name, one.accuracy.n) for one in found] == [
        ("project", "b", 4),
        ("length", "x", 6),
        ("project", "a", 2),
    ]
    assert (found[0].accuracy.value, found[0].elsewhere) == (0.25, 1.0)
    assert found[1].elsewhere == found[1].accuracy.value


def test_quartiles_hold_a_quarter_each_and_ties_share_one():
    names = quartile_names(list(range(100)), "lines")
    assert {names.count(name) for name in set(names)} == {25}
    assert set(quartile_names([5, 5, 5, 5], "lines")) == {"up to 5 lines"}
    assert set(quartile_names([1, 1, 1, 9], "lines")) == {"up to 1 lines", "above 1 lines"}
