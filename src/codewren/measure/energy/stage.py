"""Energy of a stage that runs once, such as a training."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from codewren.measure.energy.carbon import J_A_KWH
from codewren.measure.energy.cpu_model import processor_seconds
from codewren.measure.energy.meter import Meter
from codewren.measure.fields import Fields


@dataclass(frozen=True, slots=True)
class StageEnergy:
    """What a stage took.

    Attributes:
        joules: by the meter.
        processor_s: processor seconds of this process and its ended children.
        seconds: wall time.
        meter: its label.
        factor: what a modelled meter may be off by, 1 for a measured one.
    """

    joules: float
    processor_s: float
    seconds: float
    meter: str
    factor: float

    @property
    def kwh(self) -> float:
        """Kilowatt hours."""
        return self.joules / J_A_KWH

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "kwh": self.kwh}

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        joules, processor_s, seconds = (raw.number(name) for name in ("joules", "processor_s", "seconds"))
        return cls(joules, processor_s, seconds, raw.text("meter"), raw.number("factor"))


def read_stages(path: Path) -> list[tuple[str, StageEnergy]]:
    """Stages and what each call of them took, as a run's `energy.json` lists them; no file is no stages.

    Raises:
        InputError: the file is malformed.
    """
    fields = Fields.read(path)
    rows = fields.each("stages") if fields else []
    return [(row.text("stage"), StageEnergy.from_dict(row)) for row in rows]


class EnergyMeter:
    """Measures the body of a `with`; `energy` holds the figure afterwards, also after an error."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.energy: StageEnergy | None = None

    def __enter__(self) -> Self:
        self._processor_s, self._start_s = processor_seconds(), time.perf_counter()
        self._meter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        joules, sheet = self._meter.stop(), self._meter.sheet
        self.energy = StageEnergy(
            joules=joules,
            processor_s=processor_seconds() - self._processor_s,
            seconds=time.perf_counter() - self._start_s,
            meter=sheet.label,
            factor=sheet.factor,
        )
