"""What a benchmark measured; its JSON form is laid down in `codewren.bench.timing`, written and read here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from codewren.bench.contestants import Flops, Identity
from codewren.bench.spending import EnergyReport
from codewren.core.errors import InputError
from codewren.core.task import Task
from codewren.measure.energy.repeat import EnergyFigure
from codewren.measure.estimate import Measure
from codewren.measure.fields import Fields
from codewren.measure.latency import Latency
from codewren.measure.machine import Load, MachineCard

KIND, SCHEMA_VERSION = "codewren bench", 1


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

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        threads, items = raw.count("threads"), raw.count("items")
        return cls(threads, raw.measure("items_per_s"), raw.measure("functions_per_s"), items)


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

    def to_dict(self, energy: EnergyReport | None = None) -> dict[str, Any]:
        """Return the JSON form; energy needs the report that says how it was measured."""
        return {
            **self.identity.to_dict(),
            "flops": self.flops.to_dict() if self.flops else None,
            "latency": self._latency_dicts(),
            "throughput": [bulk.to_dict() for bulk in self.throughput],
            "cold_start_s": self.cold_start_s.to_dict() if self.cold_start_s else None,
            "peak_memory_bytes": self.peak_memory_bytes.to_dict() if self.peak_memory_bytes else None,
            "energy": energy.model_dict(self.energy) if energy and self.energy else None,
        }

    def _latency_dicts(self) -> list[dict[str, Any]]:
        return [
            {
                **latency.to_dict(),
                "items_s": latency.items_s,
                "processor_items_s": latency.processor_items_s,
                "functions_per_item": self.functions_per_item,
                "times_faster": faster.to_dict() if faster else None,
                "times_less_processor": less.to_dict() if less else None,
            }
            for latency, faster, less in zip(self.latency, self.times_faster, self.times_less_processor, strict=True)
        ]

    @classmethod
    def from_dict(cls, raw: Fields, *, functions_per_item: int, energy: EnergyReport | None = None) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        rows, flops, joules = raw.each("latency"), raw.maybe(raw.within, "flops"), raw.maybe(raw.within, "energy")
        return cls(
            identity=Identity.from_dict(raw),
            functions_per_item=functions_per_item,
            flops=Flops.from_dict(flops) if flops else None,
            latency=tuple(Latency.from_dict(row) for row in rows),
            times_faster=tuple(row.maybe(row.measure, "times_faster") for row in rows),
            times_less_processor=tuple(row.maybe(row.measure, "times_less_processor") for row in rows),
            throughput=tuple(Throughput.from_dict(row) for row in raw.each("throughput")),
            cold_start_s=raw.maybe(raw.measure, "cold_start_s"),
            peak_memory_bytes=raw.maybe(raw.measure, "peak_memory_bytes"),
            energy=energy.figure_of(joules) if energy and joules else None,
        )


@dataclass(frozen=True, slots=True)
class BenchReport:
    """Everything that was measured, and on what.

    Attributes:
        created: when, in ISO 8601.
        task: what the models judge.
        origin: where the items come from, in words.
        timed: items that were timed.
        warmup: items run before them.
        settings: the options.
        reference: name of the model that ratios are against.
        warnings: what makes the figures less certain than they look.
    """

    created: str
    task: Task
    origin: str
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
        """Return the JSON form that `codewren.bench.timing` lays down."""
        return {
            "kind": KIND,
            "schema_version": SCHEMA_VERSION,
            "created": self.created,
            "task": self.task.to_dict(),
            "data": {
                "source": self.origin,
                "items": self.timed,
                "warmup": self.warmup,
                "functions_per_item": self.task.functions_per_item,
            },
            "settings": dict(self.settings),
            "machine": self.machine.to_dict(),
            "load": self.load.to_dict(),
            "reference": self.reference,
            "models": [model.to_dict(self.energy) for model in self.models],
            "energy": self.energy.to_dict() if self.energy else None,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: not of `codewren bench`, of a newer schema, or malformed.
        """
        if raw.text("kind") != KIND or raw.count("schema_version") > SCHEMA_VERSION:
            raise InputError(
                f"{raw.where}: not a bench of schema {SCHEMA_VERSION}; write it again with codewren bench --json"
            )
        data, how = raw.within("data"), raw.maybe(raw.within, "energy")
        task = _task(raw.within("task"))
        energy = EnergyReport.from_dict(how) if how else None
        models = (
            ModelFigures.from_dict(row, functions_per_item=task.functions_per_item, energy=energy)
            for row in raw.each("models")
        )
        return cls(
            created=raw.text("created"),
            task=task,
            origin=data.text("source"),
            timed=data.count("items"),
            warmup=data.count("warmup"),
            settings=dict(raw.within("settings").raw),
            machine=MachineCard.from_dict(raw.within("machine")),
            load=Load.from_dict(raw.within("load")),
            reference=raw.maybe(raw.text, "reference"),
            models=tuple(models),
            energy=energy,
            warnings=raw.texts("warnings"),
        )


def _task(raw: Fields) -> Task:
    try:
        return Task.from_dict(dict(raw.raw))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{raw.where}: not a task ({error!r:.80}); write it again with codewren bench --json"
        ) from None


def read_bench(path: Path) -> BenchReport | None:
    """The report in a file of `codewren bench --json`, None where there is no such file.

    Raises:
        InputError: the file is not of `codewren bench`, of a newer schema, or malformed.
    """
    raw = Fields.read(path)
    return BenchReport.from_dict(raw) if raw else None
