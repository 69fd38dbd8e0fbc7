"""NVML: the energy counters of NVIDIA GPUs since Volta.

Source: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html (nvmlDeviceGetTotalEnergyConsumption)
"""

import importlib
from typing import Any

from codewren.measure.energy.meter import MeterAbsentError, MeterSheet


class Nvml:
    """Joules of all GPUs that the driver shows."""

    def __init__(self, library: Any, handles: list[Any], names: list[str]) -> None:
        self._library, self._handles, self._names = library, handles, names
        self._start_mj = 0

    @property
    def sheet(self) -> MeterSheet:
        """Measured; everything on those GPUs, idle included."""
        label = f"measured by NVML ({', '.join(self._names)})"
        return MeterSheet(label, measured=True, includes_idle=True, whole_machine=True)

    def start(self) -> None:
        """Begin an interval."""
        self._start_mj = self._total_mj()

    def stop(self) -> float:
        """Joules since the start."""
        return (self._total_mj() - self._start_mj) / 1e3

    def _total_mj(self) -> int:
        return sum(int(self._library.nvmlDeviceGetTotalEnergyConsumption(handle)) for handle in self._handles)


def nvml_meter(library: Any = None) -> Nvml:
    """The meter of this machine's GPUs; `library` is `pynvml` unless given.

    Raises:
        MeterAbsentError: no library, driver or GPU, or one without an energy counter.
    """
    library = library or _pynvml()
    try:
        library.nvmlInit()
        handles = [library.nvmlDeviceGetHandleByIndex(i) for i in range(library.nvmlDeviceGetCount())]
        names = [_text(library.nvmlDeviceGetName(handle)) for handle in handles]
        meter = Nvml(library, handles, names)
        meter.start()
    except library.NVMLError as error:
        raise MeterAbsentError(f"NVML: {error}") from None
    if not handles:
        raise MeterAbsentError("NVML: the driver shows no GPU")
    return meter


def _pynvml() -> Any:
    try:
        return importlib.import_module("pynvml")
    except ImportError:
        raise MeterAbsentError("NVML: pynvml is not installed (pip install nvidia-ml-py)") from None


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
