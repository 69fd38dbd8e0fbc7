"""What a benchmark found; its JSON form is laid down in `codewren.bench.timing`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from codewren.bench.contestants import Flops, Identity
from codewren.bench.judged_items import BenchItems
from codewren.bench.spending import EnergyReport
from codewren.measure.energy.repeat import EnergyFigure
from codewren.measure.estimate import Measure
from codewren.measure.latency import Latency
from codewren.measure.machine import Load, MachineCard

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Throughput:
    """Many items at once."""

    threads: int
    items_per_s: Measure
    functions_per_s: Measure
    items: int

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """What one model costs; `latency` and `throughput` hold one entry a number of threads."""

    identity: Identity
    functions_per_item: int
    flops: Flops | None
    latency: tuple[Latency, ...]
    times_faster: tuple[Measure | None, ...]
    times_less_processor: tuple[Measure | None, ...]
    throughput: tuple[Throughput, ...]
    cold_start_s: Measure | None = None
    peak_memory_bytes: Measure | None = None
    energy: EnergyFigure | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without energy."""
        latency = [
            {
                **one.to_dict(),
                "items_s": one.items_s,
                "processor_items_s": one.processor_items_s,
                "functions_per_item": self.functions_per_item,
                "times_faster": faster.to_dict() if faster else None,
                "times_less_processor": less.to_dict() if less else None,
            }
            for one, faster, less in zip(self.latency, self.times_faster, self.times_less_processor, strict=True)
        ]
        return {
            **self.identity.to_dict(),
            "flops": self.flops.to_dict() if self.flops else None,
            "latency": latency,
            "throughput": [one.to_dict() for one in self.throughput],
            "cold_start_s": self.cold_start_s.to_dict() if self.cold_start_s else None,
            "peak_memory_bytes": self.peak_memory_bytes.to_dict() if self.peak_memory_bytes else None,
        }


@dataclass(frozen=True, slots=True)
class BenchReport:
    """Everything that was measured, and on what."""

    created: str
    items: BenchItems
    timed: int
    warmup: int
    settings: Mapping[str, Any]
    machine: MachineCard
    load: Load
    reference: str | None
    models: tuple[ModelFigures, ...]
    energy: EnergyReport | None
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form that the module's docstring lays down."""
        data = {
            "source": self.items.origin,
            "items": self.timed,
            "warmup": self.warmup,
            "functions_per_item": self.items.task.functions_per_item,
        }
        energy = self.energy
        models = [
            {**one.to_dict(), "energy": energy.model_dict(one.energy) if energy and one.energy else None}
            for one in self.models
        ]
        return {
            "kind": "codewren bench",
            "schema_version": SCHEMA_VERSION,
            "created": self.created,
            "task": self.items.task.to_dict(),
            "data": data,
            "settings": dict(self.settings),
            "machine": self.machine.to_dict(),
            "load": self.load.to_dict(),
            "reference": self.reference,
            "models": models,
            "energy": energy.to_dict() if energy else None,
            "warnings": list(self.warnings),
        }
