"""Scales put values where they belong, and ticks are round."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.report.draw.svg import Scale, byte_text, number, scale, second_text

numbers = st.floats(-1e9, 1e9, allow_subnormal=False).map(lambda v: round(v, 6))


@given(st.lists(numbers, min_size=1, max_size=5))
def test_an_even_scale_holds_its_values_in_order_and_has_few_round_ticks(values):
    made = scale(values, 0.0, 100.0)
    places = [made(value) for value in sorted(values)]
    assert places == sorted(places)
    assert places[0] > 0 and places[-1] < 100
    ticks = made.ticks()
    assert 1 <= len(ticks) <= 8
    assert all(made.low - 1e-6 <= tick <= made.high + 1e-6 for tick in ticks)


@given(st.lists(st.floats(1e-9, 1e12), min_size=1, max_size=5))
def test_a_logarithmic_scale_puts_equal_ratios_equally_far_apart(values):
    made = scale(values, 0.0, 100.0, logarithmic=True)
    middle = math.sqrt(made.low * made.high)
    assert made(middle) == pytest.approx(50.0, abs=1e-6)
    assert all(0 < made(value) < 100 for value in values)
    assert all(f"{tick:.0e}"[0] in "125" for tick in made.ticks())


def test_a_turned_scale_grows_upwards_and_keeps_strangers_on_the_border():
    made = Scale(0.0, 1.0, 300.0, 20.0)
    assert (made(0.0), made(1.0), made(0.5)) == (300.0, 20.0, 160.0)
    assert (made(-5.0), made(5.0)) == (300.0, 20.0)


def test_figures_are_told_in_units_that_read_well():
    assert [byte_text(v) for v in (12, 742_339, 3e6)] == ["12 B", "742 kB", "3 MB"]
    assert [second_text(v) for v in (2.58e-5, 0.0189, 2)] == ["25.8 µs", "18.9 ms", "2 s"]
    assert [number(v) for v in (0.605, 1000, 0)] == ["0.605", "1,000", "0"]
