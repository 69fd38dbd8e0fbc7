"""What `codewren bench --json` found, for the report; the schema stands in `bench/timing.py`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codewren.core.errors import InputError
from codewren.measure.estimate import Measure
from codewren.report.draw.svg import byte_text, second_text
from codewren.report.facts import UNJUDGED, Energy, ModelFacts, Role, Table
from codewren.report.parts import shown
from codewren.report.reading import Fields

SPENT = "Energy of making the student, and when it has paid for itself"
KIND, SCHEMA = "codewren bench", 1
ROLES = {"teacher": Role.TEACHER, "original": Role.OTHER, "bundle": Role.OTHER}


@dataclass(frozen=True, slots=True)
class Timed:
    """One model of a bench."""

    name: str
    kind: str
    sha256: str
    size_bytes: int | None
    flops: float | None
    papers_flops: float | None
    latency_s: Measure | None
    times_s: tuple[float, ...]
    energy: Energy | None


@dataclass(frozen=True, slots=True)
class BenchFacts:
    """A bench, or its absence.

    Attributes:
        models: what was timed.
        subject: SHA-256 of the bundle that the report is about.
        session: when it was.
    """

    missing: bool = True
    subject: str = ""
    session: str = ""
    models: tuple[Timed, ...] = ()
    tables: tuple[Table, ...] = ()
    machine: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def energy_known(self) -> bool:
        """Whether energy was metered or modelled."""
        return any(model.energy is not None for model in self.models)

    @property
    def spent_known(self) -> bool:
        """Whether it says what making the student took."""
        return any(one.title == SPENT for one in self.tables)

    @property
    def times_s(self) -> dict[str, tuple[float, ...]]:
        """Seconds of single items, by model."""
        return {model.name: model.times_s for model in self.models if model.times_s}

    def onto(self, model: ModelFacts, *, kind: str, keep_time: bool = False) -> ModelFacts:
        """The model with what the bench found of it: a teacher by its kind, a bundle by its hash.

        `keep_time` leaves the latency that another session measured together with the teacher's.
        """
        same = [one for one in self.models if one.kind == kind]
        if kind == "bundle":
            same = [one for one in same if one.sha256 and one.sha256 == self.subject]
        if not same:
            return model
        found = self._onto(model, same[0])
        return replace(found, latency_s=model.latency_s, timed_in=model.timed_in) if keep_time else found

    def has_teacher(self) -> bool:
        """Whether the teacher was timed in the same session."""
        return any(one.kind == "teacher" for one in self.models)

    def others(self) -> list[ModelFacts]:
        """What was timed besides the teacher and the bundle of the report: it has no effectiveness here."""
        rest = [one for one in self.models if one.kind != "teacher" and (not one.sha256 or one.sha256 != self.subject)]
        return [self._onto(ModelFacts(one.name, ROLES[one.kind], UNJUDGED, sha256=one.sha256), one) for one in rest]

    def _onto(self, model: ModelFacts, timed: Timed) -> ModelFacts:
        return replace(
            model,
            size_bytes=model.size_bytes or timed.size_bytes,
            flops=timed.flops or model.flops,
            papers_flops=timed.papers_flops or model.papers_flops,
            latency_s=timed.latency_s or model.latency_s,
            timed_in=self.session if timed.latency_s else model.timed_in,
            energy=timed.energy,
        )


def bench_facts(paths: Sequence[Path], subject: str, *, name: str) -> BenchFacts:
    """The bench that timed a bundle.

    Args:
        paths: files that may hold it; of those that are there, the first that timed the bundle, else the first if it is
            the bundle's own (the first path).
        subject: SHA-256 of the bundle.
        name: what the page calls the bundle.

    Raises:
        InputError: a file is not of `codewren bench`, of a newer schema, or malformed.
    """
    found = [(path, one) for path in paths if (one := _bench(path, subject, name)) is not None]
    timed = [one for _, one in found if any(model.sha256 == subject for model in one.models)]
    own = [one for path, one in found if path == paths[0]]
    return next(iter([*timed, *own]), BenchFacts())


def _bench(path: Path, subject: str, name: str) -> BenchFacts | None:
    fields = Fields.read(path)
    if fields is None:
        return None
    if fields.text("kind") != KIND or fields.count("schema_version") > SCHEMA:
        raise InputError(f"{path}: not a bench of schema {SCHEMA}; write it again with codewren bench --json {path}")
    energy = fields.within("energy") if fields.has("energy") else None
    timed = [_timed(one, energy) for one in fields.each("models")]
    names = [name if one.sha256 and one.sha256 == subject else one.name for one in timed]
    models = tuple(replace(one, name=shown) for one, shown in zip(timed, names, strict=True))
    tables = [_speed(fields.each("models"), names), *_spent(energy)]
    warnings = fields.raw.get("warnings") or []
    if not isinstance(warnings, list):
        raise InputError(f"{path}: warnings is {warnings!r:.60}, wanted a list; make the file again")
    return BenchFacts(
        False,
        subject,
        f"codewren bench, {fields.text('created')}",
        models,
        tuple(tables),
        _machine(fields),
        tuple(f"bench: {one}" for one in warnings),
    )


def _timed(model: Fields, energy: Fields | None) -> Timed:
    kind = model.text("kind")
    if kind not in ROLES:
        raise InputError(f"{model.where}: kind is {kind!r:.40}, wanted one of {', '.join(ROLES)}; make the file again")
    single = next((one for one in model.each("latency") if one.count("threads") == 1), None)
    return Timed(
        model.text("name"),
        kind,
        model.text("sha256") if model.has("sha256") else "",
        model.count("size_bytes") if model.has("size_bytes") else None,
        model.within("flops").number("value") if model.has("flops") else None,
        model.within("papers_flops").number("value") if model.has("papers_flops") else None,
        single.measure("median_s") if single else None,
        _positive(single) if single else (),
        _energy(model, energy),
    )


def _positive(latency: Fields) -> tuple[float, ...]:
    times = latency.raw.get("items_s") or []
    if not isinstance(times, list):
        raise InputError(f"{latency.where}: items_s is {times!r:.60}, wanted a list; make the file again")
    numbers = Fields({str(place): time for place, time in enumerate(times)}, f"{latency.where}: items_s")
    return tuple(seconds for seconds in (numbers.number(place) for place in numbers.raw) if seconds > 0)


def _energy(model: Fields, energy: Fields | None) -> Energy | None:
    if energy is None or not model.has("energy"):
        return None
    found, meter = model.within("energy"), energy.within("meter")
    joules = found.measure("joules_per_1000")
    said, factor = meter.text("label"), meter.number("factor")
    ends = found.raw.get("plausible_joules_per_1000")
    if isinstance(ends, list) and len(ends) == 2:
        plausible = Fields({"low": ends[0], "high": ends[1]}, f"{found.where}: plausible_joules_per_1000")
        joules = replace(joules, low=plausible.number("low"), high=plausible.number("high"))
    said += f"; the model may be off by a factor of {factor:g}, which the brackets include" if factor > 1 else ""
    said += "" if found.raw.get("above_noise") is True else "; not above the noise of the meter"
    if energy.has("grid"):
        said += f"; {_grid(energy.within('grid'))}"
    carbon = found.measure("co2e_g_per_1000") if found.has("co2e_g_per_1000") else None
    if carbon is not None and joules.value > 0:  # grams are joules times a constant, so they are as uncertain
        low, high = (carbon.value * end / joules.value for end in (joules.low, joules.high))
        carbon = replace(carbon, low=low, high=high)
    return Energy(joules, carbon, said)


def _speed(models: Sequence[Fields], names: Sequence[str]) -> Table:
    rows = [(name, *_speed_row(model)) for name, model in zip(names, models, strict=True)]
    header = ("model", "median, 1 thread", "times faster", "95 % below", "throughput", "cold start", "peak memory")
    note = "One item at a time, tokenisation included; throughput in bulk with the most threads tried."
    return Table("latency", "Speed and memory", header, tuple(rows), note)


def _speed_row(model: Fields) -> list[str]:
    latency = next((one for one in model.each("latency") if one.count("threads") == 1), None)
    bulk = max(model.each("throughput"), key=lambda one: one.count("threads"), default=None)
    return [
        _seconds(latency.measure("median_s")) if latency else "–",
        _times(latency.measure("times_faster")) if latency and latency.has("times_faster") else "–",
        second_text(latency.number("p95_s")) if latency else "–",
        f"{bulk.measure('functions_per_s').value:,.0f} functions/s, {bulk.count('threads')} threads" if bulk else "–",
        _seconds(model.measure("cold_start_s")) if model.has("cold_start_s") else "–",
        byte_text(model.measure("peak_memory_bytes").value) if model.has("peak_memory_bytes") else "–",
    ]


def _seconds(measure: Measure) -> str:
    return f"{second_text(measure.value)} [{second_text(measure.low)}, {second_text(measure.high)}]"


def _times(measure: Measure) -> str:
    return f"{shown(measure.value)} [{shown(measure.low)}, {shown(measure.high)}]"


def _spent(energy: Fields | None) -> list[Table]:
    """What search and training cost, and after how many predictions a student has earned it back."""
    if energy is None:
        return []
    rows = []
    if energy.has("spent"):
        spent = energy.within("spent")
        stages = spent.within("stages")
        rows += [(f"spent on {stage}", f"{stages.number(stage):,.0f} J") for stage in stages.raw]
        rows.append(("spent in all", f"{spent.number('joules'):,.0f} J"))
    rows += [_break_even(one) for one in energy.each("break_even")]
    note = energy.within("meter").text("label")
    if energy.has("grid"):
        note += f"; {_grid(energy.within('grid'))}"
    return [Table("latency", SPENT, ("what", "figure"), tuple(rows), note + ".")] if rows else []


def _grid(grid: Fields) -> str:
    year = f", {grid.count('year')}" if grid.has("year") else ""
    return f"grid {grid.text('name')}{year}: {grid.number('g_per_kwh'):g} g CO₂e a kWh"


def _break_even(one: Fields) -> tuple[str, str]:
    name = f"{one.text('student')} against {one.text('teacher')}: earned back after"
    if not one.has("predictions"):
        return name, one.text("note") if one.has("note") else "never"
    said = f"{one.number('predictions'):,.0f} predictions"
    if one.has("low") and one.has("high"):
        said += f" [{one.number('low'):,.0f}, {one.number('high'):,.0f}]"
    return name, said


def _machine(fields: Fields) -> tuple[tuple[str, str], ...]:
    machine, data = fields.within("machine"), fields.within("data")
    facts = [("timed on", machine.text("cpu")), ("cores", str(machine.count("cores")))]
    facts += [(name, machine.text(name)) for name in ("governor", "system", "python") if machine.has(name)]
    if machine.has("versions"):
        versions = machine.within("versions")
        facts.append(("versions", ", ".join(f"{name} {versions.text(name)}" for name in versions.raw)))
    load = fields.within("load") if fields.has("load") else None
    if load is not None and load.has("others_cores"):
        facts.append(("cores kept busy by others", f"{load.number('others_cores'):.2f}"))
    facts.append(("items", f"{data.count('items'):,} of {data.text('source')}"))
    return (*facts, ("timed at", fields.text("created")))
