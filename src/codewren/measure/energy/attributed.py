"""This process's part of what a counter of the whole machine saw."""

from dataclasses import replace

from codewren.measure.energy.cpu_model import processor_seconds
from codewren.measure.energy.meter import Meter, MeterSheet
from codewren.measure.machine import Usage, usage


class Attributed:
    """A processor's meter times our share of everybody's processor seconds.

    Idle power is split among those who work, and two trainings side by side are not counted twice. Where the kernel
    does not tell what others used, the share is 1.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._before: Usage | None = None
        self._own_s = 0.0

    @property
    def sheet(self) -> MeterSheet:
        """The meter's own, said to be a share."""
        sheet = self._meter.sheet
        return replace(sheet, label=f"{sheet.label}, times our share of processor time", whole_machine=False)

    def start(self) -> None:
        """Begin an interval."""
        self._before, self._own_s = usage(), processor_seconds()
        self._meter.start()

    def stop(self) -> float:
        """Our joules since the start."""
        joules = self._meter.stop()
        return joules * share(self._before, usage(), processor_seconds() - self._own_s)


def share(before: Usage | None, after: Usage, own_s: float) -> float:
    """Our part of all processor seconds between two readings."""
    if before is None or before.busy_s is None or after.busy_s is None:
        return 1.0
    return own_s / max(after.busy_s - before.busy_s, own_s, 1e-9)
