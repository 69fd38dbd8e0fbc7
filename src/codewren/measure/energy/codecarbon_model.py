"""codecarbon's offline model, where that package is installed (extra `energy`).

Taken from it: the processor's joules of this process. Left out: memory, a constant 20 W that would be nine tenths of
the figure; the grid, because an unknown country silently becomes the world's average there (see `carbon.py`).
"""

import logging
from typing import Any

from codewren.measure.energy.cpu_model import FACTOR
from codewren.measure.energy.meter import MeterAbsentError, MeterSheet

ANY_COUNTRY = "FRA"
"""codecarbon's grams are not used, but it wants a country."""

J_A_KWH = 3.6e6


class Codecarbon:
    """The offline tracker in its process mode: load x design power, sampled every second."""

    def __init__(self, tracker: Any, version: str) -> None:
        self._tracker, self._version = tracker, version
        self._intervals = 0

    @property
    def sheet(self) -> MeterSheet:
        """Modelled."""
        return MeterSheet(
            f"modelled: codecarbon {self._version}, offline, processor of this process only, without memory and idle",
            measured=False,
            includes_idle=False,
            whole_machine=False,
            factor=FACTOR,
        )

    def start(self) -> None:
        """Begin an interval."""
        self._intervals += 1
        self._tracker.start_task(f"interval {self._intervals}")

    def stop(self) -> float:
        """Joules since the start."""
        return float(self._tracker.stop_task().cpu_energy) * J_A_KWH


def codecarbon_meter(library: Any = None) -> Codecarbon:
    """The meter; `library` is `codecarbon` unless given.

    Raises:
        MeterAbsentError: not installed, or it cannot start here.
    """
    library = library or _codecarbon()
    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)  # its option comes too late for its first lines
    tracker = library.OfflineEmissionsTracker(
        country_iso_code=ANY_COUNTRY,
        tracking_mode="process",
        force_mode_cpu_load=True,
        measure_power_secs=1,
        save_to_file=False,
        allow_multiple_runs=True,
        log_level="critical",
    )
    meter = Codecarbon(tracker, library.__version__)
    meter.start()  # the first one looks the hardware up, for seconds
    try:
        meter.stop()
    except (AttributeError, TypeError) as error:  # it reports its own failures in a log only
        raise MeterAbsentError(f"codecarbon {library.__version__}: its tracker does not start here ({error})") from None
    return meter


def _codecarbon() -> Any:
    try:
        import codecarbon
    except ImportError:
        raise MeterAbsentError("codecarbon: not installed (pip install 'codewren[energy]')") from None
    return codecarbon
