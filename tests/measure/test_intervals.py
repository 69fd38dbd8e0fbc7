import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from codewren.core.errors import InputError
from codewren.measure.fidelity import FlipRate, flips, wilson
from codewren.measure.fields import Fields, as_measure
from codewren.measure.intervals import (
    Measure,
    binomial_tail,
    bootstrap,
    clopper_pearson,
    mcnemar,
    proportion,
    summary,
)
from codewren.measure.quality import Quality, quality

COUNTS = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS)
def test_exact_interval_is_scipys(counts):
    hits, n = counts
    expected = stats.binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert clopper_pearson(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(COUNTS, st.floats(0.001, 0.999))
def test_binomial_tail_is_scipys_one_sided_test(counts, rate):
    hits, n = counts
    expected = stats.binomtest(hits, n, rate, alternative="greater").pvalue
    assert binomial_tail(hits, n, rate) == pytest.approx(expected, rel=1e-9, abs=1e-280)


def test_binomial_tail_holds_at_the_ends_and_for_thousands():
    assert binomial_tail(0, 10, 0.3) == 1
    assert (binomial_tail(3, 10, 0.0), binomial_tail(3, 10, 1.0)) == (0, 1)
    assert binomial_tail(1, 4_000, 1e-9) == pytest.approx(4e-6, rel=1e-3)
    expected = stats.binom.sf(2_100 - 1, 4_000, 0.5)
    assert binomial_tail(2_100, 4_000, 0.5) == pytest.approx(expected, rel=1e-8)


def test_a_share_of_nothing_knows_nothing():
    assert proportion("precision", 0, 0) == Measure("precision", 0.0, 0.0, 1.0, 0)
    with pytest.raises(InputError, match="5 of 4 is no share"):
        clopper_pearson(5, 4)


def test_measure_round_trips():
    measure = Measure("mcc", 0.5, 0.4, 0.6, 100)
    assert Measure.from_dict(measure.to_dict()) == measure
    assert str(measure) == "0.5000 [0.4000, 0.6000]"


def test_bootstrap_of_a_mean_agrees_with_the_normal_interval():
    values = np.random.default_rng(1).normal(3, 2, 900)
    found = bootstrap("mean", lambda w: float((w * values).sum() / w.sum()), 900, rng=np.random.default_rng(2))
    half = 1.96 * values.std() / 30
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=half / 10)


def test_bootstrap_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(60):
        values = rng.exponential(1.0, 200)
        found = bootstrap("mean", lambda w, v=values: float((w * v).sum() / w.sum()), 200, rng=rng)
        covered += found.low <= 1.0 <= found.high
    assert covered >= 51  # chance of fewer at 95 % coverage: below 1 in 1,000


def test_undefined_resamples_are_left_out_but_not_all_of_them():
    assert summary("auc", 0.5, np.array([np.nan, 0.2, 0.2]), 3).low == pytest.approx(0.2)
    with pytest.raises(InputError, match="undefined on every resample"):
        summary("auc", 0.5, np.array([np.nan]), 3)


@settings(max_examples=40)
@given(st.integers(1, 200), st.integers(0, 10_000))
def test_mcnemar_is_the_sign_test_on_the_disagreements(n, seed):
    rng = np.random.default_rng(seed)
    labels, first, second = rng.integers(0, 3, n), rng.integers(0, 3, n), rng.integers(0, 3, n)
    found = mcnemar(labels, first, second)
    wins = sum(a == y and b != y for y, a, b in zip(labels, first, second, strict=True))
    losses = sum(a != y and b == y for y, a, b in zip(labels, first, second, strict=True))
    assert (found.only_first_right, found.only_second_right) == (wins, losses)
    if wins + losses:
        assert found.p_value == pytest.approx(stats.binomtest(wins, wins + losses, 0.5).pvalue, rel=1e-9)
    else:
        assert found.p_value == 1
    assert found.difference.value == pytest.approx((first == labels).mean() - (second == labels).mean())
    assert found.difference.low <= found.difference.value <= found.difference.high


def test_mcnemar_turned_round_changes_sign_only():
    rng = np.random.default_rng(0)
    labels, first = rng.integers(0, 2, 500), rng.integers(0, 2, 500)
    second = np.where(rng.random(500) < 0.9, labels, 1 - labels)
    forward, backward = mcnemar(labels, first, second), mcnemar(labels, second, first)
    assert forward.p_value == backward.p_value < 1e-6
    assert forward.difference.value == -backward.difference.value < 0
    assert forward.difference.high < 0 < backward.difference.low
    assert forward.to_dict()["difference"]["n"] == 500


def test_mcnemar_wants_one_split():
    with pytest.raises(InputError, match="same split"):
        mcnemar(np.zeros(3, int), np.zeros(3, int), np.zeros(2, int))


@pytest.mark.parametrize("share", [proportion, wilson])
def test_a_share_of_no_items_says_so_in_words_and_in_json(share):
    found = share("flips", 0, 0)
    assert str(found) == "- (no items)"
    plain = json.loads(json.dumps(found.to_dict()))
    assert (plain["value"], plain["low"], plain["high"], plain["n"]) == (None, None, None, 0)
    assert Measure.from_dict(plain) == found == as_measure(Fields(plain, "x"), "flips")
    one = share("flips", 0, 1)
    assert str(one).startswith("0.0000 [") and Measure.from_dict(one.to_dict()) == one


def test_flips_of_no_edited_items_and_precision_without_alarms_are_no_zeros():
    nothing = flips(np.zeros(3, int), np.zeros(3, int), np.zeros(3, bool)).to_dict()
    assert nothing == {"edited": 0, "flipped": 0, "rate": None, "low": None, "high": None}
    assert FlipRate.from_dict(Fields(nothing, "x")).to_dict() == nothing
    found = quality(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]), positive=1)
    assert ("precision", "-", "- (no items)", "0") in found.rows()
    assert Quality.from_dict(json.loads(json.dumps(found.to_dict()))).to_dict() == found.to_dict()
