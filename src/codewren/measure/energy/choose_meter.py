"""Which meter this machine offers, the best first, and why the better ones were passed over."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from codewren.measure.energy.attributed import Attributed
from codewren.measure.energy.codecarbon_model import codecarbon_meter
from codewren.measure.energy.cpu_model import CpuModel, cpu_model
from codewren.measure.energy.meter import Meter, MeterAbsentError, MeterSheet
from codewren.measure.energy.nvml import nvml_meter
from codewren.measure.energy.rapl import POWERCAP, rapl_meter
from codewren.measure.machine import machine_card


def choose_meter(
    *,
    gpu: bool = False,
    codecarbon: bool = True,
    attributed: bool = False,
    watts_a_core: float | None = None,
    powercap: Path = POWERCAP,
    nvml: Any = None,
) -> Meter:
    """RAPL; else codecarbon's model, else our own. With `gpu`, NVML is added.

    Args:
        gpu: the work runs on a GPU.
        codecarbon: whether its tracker may be started; it takes seconds and a thread.
        attributed: of what RAPL sees, take this process's share (for trainings beside other work).
        watts_a_core: what the user says of this processor; then only our own model may take RAPL's place.
        powercap: where RAPL's counters lie.
        nvml: stands in for `pynvml`.

    Raises:
        InputError: watts that no core takes.
    """
    passed_over: list[str] = []
    candidates: list[Callable[[], Meter]] = [partial(_rapl, powercap, attributed)]
    if codecarbon and watts_a_core is None:
        candidates.append(codecarbon_meter)
    meter = _first(candidates, passed_over) or _own_model(watts_a_core)
    if gpu:
        of_gpu = _first([partial(nvml_meter, nvml)], passed_over)
        meter = meter if of_gpu is None else Together((meter, of_gpu))
    return Noted(meter, tuple(passed_over))


def _first(candidates: Sequence[Callable[[], Meter]], passed_over: list[str]) -> Meter | None:
    for candidate in candidates:
        try:
            return candidate()
        except MeterAbsentError as error:
            passed_over.append(str(error))
    return None


def _rapl(powercap: Path, attributed: bool) -> Meter:
    meter = rapl_meter(powercap)
    return Attributed(meter) if attributed else meter


def _own_model(watts_a_core: float | None) -> CpuModel:
    if watts_a_core is not None:
        return CpuModel(watts_a_core, "given by the user")
    card = machine_card(())
    return cpu_model(card.cpu, card.cores)


class Together:
    """Several meters at once, such as processor and GPU."""

    def __init__(self, meters: Sequence[Meter]) -> None:
        self._meters = tuple(meters)

    @property
    def sheet(self) -> MeterSheet:
        """As good as the worst of them."""
        sheets = [meter.sheet for meter in self._meters]
        return MeterSheet(
            " + ".join(sheet.label for sheet in sheets),
            measured=all(sheet.measured for sheet in sheets),
            includes_idle=any(sheet.includes_idle for sheet in sheets),
            whole_machine=any(sheet.whole_machine for sheet in sheets),
            factor=max(sheet.factor for sheet in sheets),
        )

    def start(self) -> None:
        """Begin an interval in all."""
        for meter in self._meters:
            meter.start()

    def stop(self) -> float:
        """Joules of all since the start."""
        return sum(meter.stop() for meter in self._meters)


class Noted:
    """A meter that also says which better ones were passed over."""

    def __init__(self, meter: Meter, passed_over: tuple[str, ...]) -> None:
        self._meter, self._passed_over = meter, passed_over

    @property
    def sheet(self) -> MeterSheet:
        """The meter's own, with the reasons."""
        return replace(self._meter.sheet, passed_over=self._passed_over)

    def start(self) -> None:
        """Begin an interval."""
        self._meter.start()

    def stop(self) -> float:
        """Joules since the start."""
        return self._meter.stop()
