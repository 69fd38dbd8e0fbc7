"""What is made of joules: figures above noise, grams, break-even."""

import json
import random
from importlib.util import find_spec

import pytest

from codewren.core.errors import InputError
from codewren.measure.energy.break_even import break_even
from codewren.measure.energy.carbon import grid
from codewren.measure.energy.meter import MeterSheet
from codewren.measure.energy.repeat import LEAST_REPEATS, EnergyFigure, Repeats, joules_per_item
from codewren.measure.estimate import Measure


class Machine:
    """Takes `idle_w` always and a fixed energy an item; time passes only when something is done."""

    def __init__(self, *, idle_w: float = 0.0, noise_j: float = 0.0, includes_idle: bool = True) -> None:
        self.now_s = self.spent_j = self.since_j = 0.0
        self.idle_w, self.noise_j, self.rng = idle_w, noise_j, random.Random(0)
        self.sheet = MeterSheet(
            "measured by test", measured=True, includes_idle=includes_idle, whole_machine=True, factor=2.0
        )
        self.log: list[str] = []

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.log.append("rest")
        self.now_s += seconds
        self.spent_j += self.idle_w * seconds

    def start(self) -> None:
        self.since_j = self.spent_j

    def stop(self) -> float:
        return self.spent_j - self.since_j + self.rng.gauss(0, self.noise_j)

    def work(self, name: str, *, items: int, seconds: float, joules: float):
        def run() -> int:
            self.log.append(name)
            self.now_s += seconds
            self.spent_j += self.idle_w * seconds + items * joules
            return items

        return run

    def measure(self, works, repeats=None):
        return joules_per_item(self, works, repeats, clock=self.clock, sleep=self.sleep)


def test_idle_power_is_taken_off():
    machine = Machine(idle_w=50)
    works = {
        "slow": machine.work("slow", items=1, seconds=0.4, joules=9.0),
        "fast": machine.work("fast", items=100, seconds=0.01, joules=0.002),
    }
    figures, idle = machine.measure(works)
    assert figures["slow"].joules.value == pytest.approx(9.0)
    assert figures["fast"].joules.value == pytest.approx(0.002)
    assert idle is not None
    assert idle.value == pytest.approx(50)
    assert all(figure.above_noise for figure in figures.values())
    assert figures["slow"].plausible == pytest.approx((4.5, 18.0))


def test_a_rest_comes_before_the_works_of_every_repeat_whose_order_turns():
    machine = Machine(idle_w=1)
    works = {name: machine.work(name, items=1, seconds=1.0, joules=1.0) for name in "ab"}
    machine.measure(works)
    assert machine.log == ["rest", "a", "b", "rest", "b", "a"] * (LEAST_REPEATS // 2)


def test_a_meter_without_idle_needs_no_rest():
    machine = Machine(includes_idle=False)
    figures, idle = machine.measure({"a": machine.work("a", items=1, seconds=1.0, joules=1.0)})
    assert idle is None
    assert "rest" not in machine.log
    assert figures["a"].joules.value == pytest.approx(1.0)


def test_noise_is_repeated_against_and_what_stays_below_it_says_so():
    clear = Machine(idle_w=10, noise_j=0.5)
    figures, _ = clear.measure({"a": clear.work("a", items=1, seconds=1.0, joules=100.0)}, Repeats(most=40))
    assert figures["a"].repeats == LEAST_REPEATS
    assert figures["a"].above_noise
    drowned = Machine(idle_w=10, noise_j=5.0)
    figures, _ = drowned.measure({"a": drowned.work("a", items=1, seconds=1.0, joules=0.01)}, Repeats(most=40))
    assert figures["a"].repeats == 40
    assert not figures["a"].above_noise


def test_a_work_that_has_settled_is_not_repeated_for_the_sake_of_another():
    machine = Machine(idle_w=0, noise_j=1.0)
    works = {
        "large": machine.work("large", items=1, seconds=1.0, joules=1000.0),
        "small": machine.work("small", items=1, seconds=1.0, joules=1.0),
    }
    figures, _ = machine.measure(works, Repeats(most=15))
    assert (figures["large"].repeats, figures["small"].repeats) == (LEAST_REPEATS, 15)
    assert machine.log.count("large") == LEAST_REPEATS


def figure(low: float, value: float, high: float) -> EnergyFigure:
    return EnergyFigure(Measure("joules", value, low, high, 6), 6, 100, 1.0, 1.0)


def test_break_even_is_what_was_spent_over_what_is_saved():
    found = break_even(1000.0, figure(10, 11, 12), figure(0.9, 1, 1.1))
    assert found.predictions == pytest.approx(100.0)
    assert found.low == pytest.approx(1000 / 11.1)
    assert found.high == pytest.approx(1000 / 8.9)


def test_a_student_that_saves_nothing_never_breaks_even():
    assert break_even(1000.0, figure(0.9, 1, 1.1), figure(10, 11, 12)).note.startswith("never")


def test_a_saving_below_the_noise_is_no_saving():
    found = break_even(1000.0, figure(-5, 2, 8), figure(0.9, 1, 1.1))
    assert found.predictions is None
    assert "below the noise" in found.note
    wide = break_even(1000.0, figure(3, 4, 5), figure(2.5, 3, 3.5))
    assert (wide.predictions, wide.high) == (pytest.approx(1000.0), None)


@pytest.fixture
def countries(tmp_path):
    path = tmp_path / "mix.json"
    rows = {
        "FRA": {"country_name": "France", "carbon_intensity": 56.0, "year": 2023},
        "DEU": {"country_name": "Germany", "carbon_intensity": 381.0, "year": 2023},
        "NUL": {"country_name": "Nowhere", "carbon_intensity": None, "year": 2023},
    }
    path.write_text(json.dumps(rows))
    return path


def test_a_country_has_its_figure_with_year_and_source(countries):
    found = grid("FRA", table=countries)
    assert found is not None
    assert (found.g_per_kwh, found.name, found.year) == (56.0, "France", 2023)
    assert found.grams(3.6e6) == pytest.approx(56.0)
    assert json.loads(json.dumps(found.to_dict()))["country"] == "FRA"


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("fra", "'FRA'"), ("Germany", "'DEU'"), ("DUE", "'DEU'"), ("XQX", "2 codes are known"), ("NUL", "2 codes")],
)
def test_an_unknown_country_is_never_the_worlds_average(countries, wrong, hint):
    with pytest.raises(InputError, match=hint) as caught:
        grid(wrong, table=countries)
    assert "alpha-3" in str(caught.value)


def test_the_user_may_give_a_figure():
    found = grid(g_per_kwh=12.5)
    assert found is not None
    assert found.grams(7.2e6) == pytest.approx(25.0)
    assert grid() is None
    with pytest.raises(InputError, match="-1 g CO2e/kWh"):
        grid(g_per_kwh=-1)


def test_codecarbons_own_table_is_read_where_it_is_installed():
    if find_spec("codecarbon") is None:
        pytest.skip("codecarbon is not installed")
    found = grid("FRA")
    assert found is not None
    assert 10 < found.g_per_kwh < 200
    assert found.source.startswith("codecarbon 3")
    sweden, poland = grid("SWE"), grid("POL")
    assert sweden is not None
    assert poland is not None
    assert sweden.g_per_kwh < poland.g_per_kwh / 5
