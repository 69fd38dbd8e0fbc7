import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from codewren.core.errors import InputError
from codewren.measure.estimate import bootstrap_measure, quantile, quantile_measure

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(VALUES, st.floats(0, 1))
def test_quantile_is_numpys(values, share):
    assert quantile(values, share) == pytest.approx(np.quantile(values, share), rel=1e-9, abs=1e-6)


def test_nothing_has_no_quantile():
    with pytest.raises(InputError, match="no values"):
        quantile([], 0.5)


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("n", [6, 7, 20, 63, 200])
def test_the_interval_is_the_narrowest_whose_tails_hold_at_most_a_fortieth_each(n, share):
    found = quantile_measure("m", range(n), share)
    low, high = int(found.low), int(found.high)
    assert low == 0 or binom.cdf(low, n, share) <= 0.025
    assert binom.cdf(low + 1, n, share) > 0.025
    assert high == n - 1 or binom.sf(high, n, share) <= 0.025  # P(X >= high + 1)
    assert binom.sf(high - 1, n, share) > 0.025


def test_the_median_lies_inside_as_often_as_promised():
    rng = random.Random(1)
    inside = 0
    for _ in range(2000):
        found = quantile_measure("m", [rng.expovariate(1) for _ in range(15)])
        inside += found.low <= 0.6931 <= found.high
    assert inside / 2000 >= 0.95


def test_too_few_values_give_their_range():
    found = quantile_measure("m", [3.0, 1.0, 2.0])
    assert (found.low, found.value, found.high, found.n) == (1.0, 2.0, 3.0, 3)


def test_the_bootstrap_of_a_mean_is_about_two_standard_errors_wide():
    rng = random.Random(0)
    values = [rng.gauss(10, 2) for _ in range(400)]
    found = bootstrap_measure("m", values)
    error = statistics.stdev(values) / 20
    assert found.value == pytest.approx(statistics.fmean(values))
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert found == bootstrap_measure("m", values)


def test_a_figure_in_another_unit_keeps_its_interval():
    found = quantile_measure("s", [1.0, 2.0, 3.0]).times(1000, "ms")
    assert (found.name, found.low, found.value, found.high) == ("ms", 1000, 2000, 3000)
