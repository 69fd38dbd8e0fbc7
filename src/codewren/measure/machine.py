"""The machine a figure was measured on, and what else ran on it meanwhile."""

import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from codewren.measure.fields import Fields
from codewren.measure.latency import cores_available

BUSY_CORES = 0.25
"""Cores kept busy by others above which a run says so."""

_ROOT = Path("/")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True, slots=True)
class MachineCard:
    """What a reader must know to compare figures.

    Attributes:
        cpu: the processor's own name.
        cores: logical cores of the machine.
        affinity: those this process may run on.
        governor: the kernel's frequency policy, None where it is not told (in most virtual machines).
        max_mhz: the highest frequency the policy allows.
        virtual: whether a hypervisor lies between: its neighbours are invisible, and so is the energy.
        ram_bytes: memory of the machine.
        system: operating system and kernel.
        python: version and implementation.
        versions: of the libraries in use.
    """

    cpu: str
    cores: int
    affinity: tuple[int, ...]
    governor: str | None
    max_mhz: float | None
    virtual: bool
    ram_bytes: int | None
    system: str
    python: str
    versions: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        versions = raw.within("versions")
        return cls(
            cpu=raw.text("cpu"),
            cores=raw.count("cores"),
            affinity=tuple(int(core) for core in raw.numbers("affinity")),
            governor=raw.maybe(raw.text, "governor"),
            max_mhz=raw.maybe(raw.number, "max_mhz"),
            virtual=raw.flag("virtual"),
            ram_bytes=raw.maybe(raw.count, "ram_bytes"),
            system=raw.text("system"),
            python=raw.text("python"),
            versions={package: versions.text(package) for package in versions.raw},
        )

    def __str__(self) -> str:
        memory = f", {self.ram_bytes / 1e9:,.0f} GB" if self.ram_bytes else ""
        policy = f", governor {self.governor}" if self.governor else ""
        libraries = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        kind = ", virtual machine" if self.virtual else ""
        return (
            f"{self.cpu}, {len(self.affinity)} of {self.cores} cores{policy}{memory}{kind}; {self.system}; "
            f"{self.python}; {libraries}"
        )


def machine_card(packages: Sequence[str] = ("codewren",), *, root: Path = _ROOT) -> MachineCard:
    """Look around; `root` is where `proc` and `sys` lie."""
    cpuinfo = _cpuinfo(root)
    policy = root / "sys/devices/system/cpu/cpu0/cpufreq"
    max_khz = _text(policy / "scaling_max_freq")
    return MachineCard(
        cpu=cpuinfo.get("model name") or cpuinfo.get("Model") or platform.processor() or platform.machine(),
        cores=os.cpu_count() or 1,
        affinity=_affinity(),
        governor=_text(policy / "scaling_governor"),
        max_mhz=float(max_khz) / 1e3 if max_khz and max_khz.isdigit() else None,
        virtual="hypervisor" in cpuinfo.get("flags", "").split(),
        ram_bytes=_ram_bytes(),
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        versions={package: number for package in packages if (number := _version(package)) is not None},
    )


def _cpuinfo(root: Path) -> dict[str, str]:
    """The first processor's lines; empty where there is no such file."""
    lines = (_text(root / "proc/cpuinfo") or "").split("\n\n")[0].splitlines()
    fields = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in fields}


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _affinity() -> tuple[int, ...]:
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(cores_available()))


def _ram_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds so far.

    Attributes:
        wall_s: a clock's reading.
        own_s: this process and its finished children.
        busy_s: everything on the machine, None where the kernel does not tell.
        stolen_s: time a virtual machine's host gave to others although we wanted it.
    """

    wall_s: float
    own_s: float
    busy_s: float | None
    stolen_s: float | None


def usage(*, root: Path = _ROOT) -> Usage:
    """Read the counters."""
    own = os.times()
    own_s = own.user + own.system + own.children_user + own.children_system
    fields = (_text(root / "proc/stat") or "").partition("\n")[0].split()
    if len(fields) < 9 or fields[0] != "cpu":
        return Usage(time.monotonic(), own_s, None, None)
    user, nice, system, _, _, irq, softirq, stolen = (int(field) / _TICKS_A_SECOND for field in fields[1:9])
    return Usage(time.monotonic(), own_s, user + nice + system + irq + softirq, stolen)


@dataclass(frozen=True, slots=True)
class Load:
    """What else the machine did during a run.

    Attributes:
        before: load averages over 1, 5 and 15 minutes at the start; likewise `during` (halfway) and `after`.
        others_cores: cores that other processes kept busy on average, None where the kernel does not tell.
        stolen_cores: cores' time that the host of a virtual machine gave to others, on average.
    """

    before: tuple[float, ...] | None
    during: tuple[float, ...] | None
    after: tuple[float, ...] | None
    others_cores: float | None
    stolen_cores: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        before, during, after = (raw.numbers(time) or None for time in ("before", "during", "after"))
        others, stolen = (raw.maybe(raw.number, name) for name in ("others_cores", "stolen_cores"))
        return cls(before, during, after, others, stolen)

    def warning(self) -> str | None:
        """One line if the machine was too busy to trust wall times."""
        others, stolen = self.others_cores or 0.0, self.stolen_cores or 0.0
        if others + stolen < BUSY_CORES:
            return None
        by_host = f", its host took {stolen:.1f}" if stolen >= BUSY_CORES / 2 else ""
        return (
            f"the machine was busy: other processes used {others:.1f} cores on average{by_host}; "
            "times are longer and intervals wider than on a quiet one"
        )


class LoadWatch:
    """Takes the load before, during and after a run."""

    def __init__(self, *, root: Path = _ROOT) -> None:
        self._root = root
        self._before, self._start = load_average(), usage(root=root)
        self._during: tuple[float, ...] | None = None

    def halfway(self) -> None:
        """Note the load in the middle of the run."""
        self._during = load_average()

    def finish(self) -> Load:
        """The load of the whole run."""
        start, end = self._start, usage(root=self._root)
        wall_s = max(end.wall_s - start.wall_s, 1e-9)
        others = stolen = None
        if start.busy_s is not None and end.busy_s is not None:
            others = max(0.0, (end.busy_s - start.busy_s) - (end.own_s - start.own_s)) / wall_s
        if start.stolen_s is not None and end.stolen_s is not None:
            stolen = max(0.0, end.stolen_s - start.stolen_s) / wall_s
        return Load(self._before, self._during, load_average(), others, stolen)


def load_average() -> tuple[float, ...] | None:
    """Over 1, 5 and 15 minutes, None where the system keeps none."""
    if sys.platform == "win32":
        return None
    try:
        return os.getloadavg()
    except OSError:
        return None
