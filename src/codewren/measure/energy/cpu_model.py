"""Our own stated model where nothing can be measured: watts of a busy core times processor seconds."""

import csv
import os
import time
from importlib.util import find_spec
from pathlib import Path

from codewren.core.errors import InputError
from codewren.measure.energy.meter import MeterSheet

WATTS_A_CORE = 4.0
"""Of a busy logical core where the processor is unknown; codecarbon assumes the same."""

FACTOR = 3.0
"""How far off we think the model may be, either way: a laptop's single busy core boosts to about three times its share
of the design power, and a server's core in a full package can stay at a third of it."""


class CpuModel:
    """Joules = watts a core x processor seconds of this process and of its children that have ended.

    Holds no idle power, no memory, no other process.
    """

    def __init__(self, watts_a_core: float = WATTS_A_CORE, source: str = "generic") -> None:
        if not 0 < watts_a_core < 1000:
            raise InputError(f"{watts_a_core} W for one busy core; wanted more than 0, and less than 1000")
        self.watts_a_core, self.source = watts_a_core, source
        self._start_s = 0.0

    @property
    def sheet(self) -> MeterSheet:
        """Modelled."""
        return MeterSheet(
            f"modelled: {self.watts_a_core:.3g} W a core ({self.source}) x processor seconds, without memory and idle",
            measured=False,
            includes_idle=False,
            whole_machine=False,
            factor=FACTOR,
        )

    def start(self) -> None:
        """Begin an interval."""
        self._start_s = processor_seconds()

    def stop(self) -> float:
        """Joules since the start."""
        return (processor_seconds() - self._start_s) * self.watts_a_core


def processor_seconds() -> float:
    """Of this process's threads, and of its children that have ended."""
    times = os.times()
    return time.process_time_ns() / 1e9 + times.children_user + times.children_system


def cpu_model(cpu: str, cores: int, *, table: Path | None = None) -> CpuModel:
    """The model for a processor: its design power shared among its cores if codecarbon's table names it exactly.

    Args:
        cpu: the processor's own name.
        cores: logical cores of the whole machine.
        table: codecarbon's list of processors, looked up in the installed package by default.
    """
    table = table or _codecarbon_table()
    watts = _design_power(_plain(cpu), table) if table is not None else None
    if watts is None:
        return CpuModel()
    return CpuModel(watts / cores, f"{watts:g} W design power of {cpu} / {cores} cores")


def _design_power(cpu: str, table: Path) -> float | None:
    with table.open(encoding="utf-8", newline="") as stream:
        watts = [float(row["TDP"]) for row in csv.DictReader(stream) if _plain(row["Name"]) == cpu]
    return watts[0] if watts else None


def _plain(name: str) -> str:
    """A processor's name as both the kernel and the table could have written it."""
    name = name.replace("(R)", "").replace("(TM)", "").replace("(tm)", "").partition(" @ ")[0].partition(" with ")[0]
    words = [word for word in name.split() if word not in ("CPU", "Processor") and not word.endswith("-Core")]
    return " ".join(words).lower()


def _codecarbon_table() -> Path | None:
    spec = find_spec("codecarbon")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "data/hardware/cpu_power.csv"
    return path if path.is_file() else None
