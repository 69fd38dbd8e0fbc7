"""Joules of one item, repeated until the figure stands out from its own noise."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from codewren.measure.energy.meter import Meter
from codewren.measure.estimate import Measure, quantile_measure

LEAST_REPEATS = 6
"""Fewer do not give a 95 % interval of a median."""

Work = Callable[[], int]
"""Does some work and returns how many items that was."""


@dataclass(frozen=True, slots=True)
class EnergyFigure:
    """Energy of one item.

    Attributes:
        joules: median over repeats, idle power taken off, exact interval over repeats.
        repeats: intervals measured.
        items: items done in all of them.
        seconds: of all of them, by the clock that was used.
        factor: what a modelled meter may be off by, 1 for a measured one.
    """

    joules: Measure
    repeats: int
    items: int
    seconds: float
    factor: float

    @property
    def above_noise(self) -> bool:
        """Whether the interval lies above zero and is narrower than the figure itself."""
        return self.joules.low > 0 and self.joules.high - self.joules.low < self.joules.value

    @property
    def plausible(self) -> tuple[float, float]:
        """The interval, widened by what a modelled meter may be off."""
        return self.joules.low / self.factor, self.joules.high * self.factor


@dataclass(frozen=True, slots=True)
class Repeats:
    """How long and how often to measure.

    Attributes:
        block_s: least length of one interval.
        most: intervals of one work, at most; at least `LEAST_REPEATS`.
        precise: stop a work whose interval's half is below this share of its figure.
    """

    block_s: float = 0.5
    most: int = 20
    precise: float = 0.1


@dataclass(slots=True)
class _Series:
    joules: list[float] = field(default_factory=list)
    items: int = 0
    seconds: float = 0.0

    def figure(self, name: str, factor: float) -> EnergyFigure:
        return EnergyFigure(quantile_measure(name, self.joules), len(self.joules), self.items, self.seconds, factor)

    def settled(self, precise: float) -> bool:
        if len(self.joules) < LEAST_REPEATS:
            return False
        measure = quantile_measure("", self.joules)
        return (measure.high - measure.low) / 2 <= precise * measure.value


def joules_per_item(
    meter: Meter,
    works: Mapping[str, Work],
    repeats: Repeats | None = None,
    *,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[dict[str, EnergyFigure], Measure | None]:
    """Energy of each work's items, and the idle power that was taken off (None where the meter does not see it).

    In every repeat the machine first rests, if the meter sees idle power; then each work that has not settled yet runs
    for a block. The rest just before is what is subtracted, so a slow drift of the machine cancels.
    """
    repeats, sheet = repeats or Repeats(), meter.sheet
    series = {name: _Series() for name in works}
    idle_w: list[float] = []
    for turn in range(max(repeats.most, LEAST_REPEATS)):
        open_works = [name for name, work_series in series.items() if not work_series.settled(repeats.precise)]
        if not open_works:
            break
        if sheet.includes_idle:
            idle_w.append(_idle_power(meter, repeats.block_s, clock, sleep))
        for name in open_works if turn % 2 == 0 else reversed(open_works):
            joules, items, seconds = _block(meter, works[name], repeats.block_s, clock)
            work_series = series[name]
            work_series.joules.append((joules - (idle_w[-1] * seconds if idle_w else 0.0)) / items)
            work_series.items += items
            work_series.seconds += seconds
    figures = {name: work_series.figure("joules", sheet.factor) for name, work_series in series.items()}
    return figures, quantile_measure("idle_w", idle_w) if idle_w else None


def _idle_power(meter: Meter, seconds: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> float:
    start = clock()
    meter.start()
    sleep(seconds)
    joules = meter.stop()
    return joules / (clock() - start)


def _block(meter: Meter, work: Work, seconds: float, clock: Callable[[], float]) -> tuple[float, int, float]:
    """Joules, items and seconds of as many calls as fill the time."""
    items, start = 0, clock()
    meter.start()
    while True:
        items += work()
        if clock() - start >= seconds:
            break
    joules = meter.stop()
    return joules, items, clock() - start
