"""RAPL: the energy counters of Intel and AMD processors, as Linux shows them.

Source: https://docs.kernel.org/power/powercap/powercap.html
"""

import threading
from dataclasses import dataclass
from pathlib import Path

from codewren.measure.energy.meter import MeterAbsentError, MeterSheet

POWERCAP = Path("/sys/class/powercap")
READ_EVERY_S = 30.0
"""A package counter may run over within minutes (262 kJ at 1 kW: 262 s); it is read more often than that."""


@dataclass(slots=True)
class Zone:
    """One counter that may run over.

    Attributes:
        folder: of the powercap tree.
        name: as the kernel calls it.
        range_uj: the value after which it starts at 0 again.
        last_uj: its last reading.
        total_uj: microjoules since the meter was made.
    """

    folder: Path
    name: str
    range_uj: int
    last_uj: int
    total_uj: int = 0

    def read(self) -> None:
        """Add what was used since the last reading; a counter below it has run over once."""
        now_uj = _number(self.folder / "energy_uj")
        used_uj = now_uj - self.last_uj
        self.total_uj += used_uj if used_uj >= 0 else used_uj + self.range_uj
        self.last_uj = now_uj


class Rapl:
    """Joules of all packages, and of the memory where it has a counter of its own.

    Between start and stop a thread keeps reading, so that no counter runs over unseen.
    """

    def __init__(self, zones: list[Zone]) -> None:
        self._zones = zones
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._reader: threading.Thread | None = None
        self._start_uj = 0

    @property
    def sheet(self) -> MeterSheet:
        """Measured; everything on the machine, idle included."""
        names = ", ".join(zone.name for zone in self._zones)
        return MeterSheet(f"measured by RAPL ({names})", measured=True, includes_idle=True, whole_machine=True)

    def start(self) -> None:
        """Begin an interval."""
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._keep_reading, args=(self._ended,), daemon=True)
        self._start_uj = self._total_uj()
        self._reader.start()

    def stop(self) -> float:
        """Joules since the start."""
        total_uj = self._total_uj()
        self._ended.set()
        if self._reader is not None:
            self._reader.join()
        return (total_uj - self._start_uj) / 1e6

    def _total_uj(self) -> int:
        with self._lock:
            for zone in self._zones:
                zone.read()
            return sum(zone.total_uj for zone in self._zones)

    def _keep_reading(self, ended: threading.Event) -> None:
        while not ended.wait(READ_EVERY_S):
            self._total_uj()


def rapl_meter(root: Path = POWERCAP) -> Rapl:
    """The meter of this machine.

    Left out: `core` and `uncore`, which the package holds; `psys`, which holds the package; `intel-rapl-mmio`, which
    shows the same counters a second time. Some packages without the others would be a wrong sum, so all must be read.

    Raises:
        MeterAbsentError: there are no counters, or not all may be read.
    """
    folders = sorted(root.glob("intel-rapl:*"))
    zones = [_zone(folder) for folder in folders if folder.name.count(":") == 1 and _is(folder, "package")]
    zones += [_zone(folder) for folder in folders if folder.name.count(":") == 2 and _is(folder, "dram")]
    nested = (folder for parent in folders for folder in sorted(parent.glob("intel-rapl:*:*")))
    known = {zone.folder.name for zone in zones}
    zones += [_zone(folder) for folder in nested if folder.name not in known and _is(folder, "dram")]
    if not any(zone.name.startswith("package") for zone in zones):
        raise MeterAbsentError(f"RAPL: no package counter below {root} (a virtual machine, or not Linux)")
    return Rapl(zones)


def _is(folder: Path, kind: str) -> bool:
    try:
        return (folder / "name").read_text(encoding="ascii").strip().startswith(kind)
    except (OSError, UnicodeDecodeError):
        return False


def _zone(folder: Path) -> Zone:
    # Names repeat: every package of a server has a `dram`.
    number = folder.name.partition(":")[2]
    name = (folder / "name").read_text(encoding="ascii").strip()
    full = name if name.startswith("package") else f"{name} {number}"
    try:
        return Zone(folder, full, _number(folder / "max_energy_range_uj"), _number(folder / "energy_uj"))
    except PermissionError as error:
        raise MeterAbsentError(
            f"RAPL: only root may read {error.filename}; run: sudo chmod a+r {folder.parent}/intel-rapl*/energy_uj"
        ) from None
    except (OSError, ValueError) as error:
        raise MeterAbsentError(f"RAPL: {folder} cannot be read ({error})") from None


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))
