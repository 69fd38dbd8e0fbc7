"""What `codewren bench --json` measured, for the report."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codewren.bench.bench_report import BenchReport, ModelFigures, read_bench
from codewren.bench.spending import ITEMS, EnergyReport, Spent
from codewren.measure.energy.break_even import BreakEven
from codewren.measure.energy.carbon import Grid
from codewren.measure.estimate import Measure
from codewren.measure.latency import Latency
from codewren.report.draw.svg import byte_text, second_text
from codewren.report.facts import UNJUDGED, Energy, ModelFacts, Role, Table
from codewren.report.parts import shown

SPENT = "Energy of making the student, and when it has paid for itself"
ROLES = {"teacher": Role.TEACHER, "original": Role.OTHER, "bundle": Role.OTHER}


@dataclass(frozen=True, slots=True)
class BenchFacts:
    """A bench, or its absence.

    Attributes:
        report: what was measured, None where nobody did; the bundle of the report goes by the page's name for it.
        subject: SHA-256 of that bundle.
    """

    report: BenchReport | None = None
    subject: str = ""

    @property
    def models(self) -> tuple[ModelFigures, ...]:
        """What was timed."""
        return self.report.models if self.report else ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """Speed and memory, and what was spent on making the student."""
        return (_speed(self.models), *_spent(self.report.energy)) if self.report else ()

    @property
    def machine(self) -> tuple[tuple[str, str], ...]:
        """Facts about the machine that was timed."""
        return _machine(self.report) if self.report else ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the figures less certain than they look."""
        return tuple(f"bench: {line}" for line in self.report.warnings) if self.report else ()

    @property
    def energy_known(self) -> bool:
        """Whether energy was metered or modelled."""
        return any(model.energy is not None for model in self.models)

    @property
    def spent_known(self) -> bool:
        """Whether it says what making the student took."""
        return bool(self.report and self.report.energy and _spent(self.report.energy))

    @property
    def times_s(self) -> dict[str, tuple[float, ...]]:
        """Seconds of single items, by model."""
        times = {model.identity.name: _positive_times(model) for model in self.models}
        return {name: seconds for name, seconds in times.items() if seconds}

    def onto(self, model: ModelFacts, *, kind: str, keep_time: bool = False) -> ModelFacts:
        """The model with what the bench measured of it: a teacher by its kind, a bundle by its hash.

        `keep_time` leaves the latency that another session measured together with the teacher's.
        """
        same = [figures for figures in self.models if figures.identity.kind == kind]
        if kind == "bundle":
            same = [figures for figures in same if self._is_subject(figures)]
        if not same:
            return model
        timed = self._onto(model, same[0])
        return replace(timed, latency_s=model.latency_s, timed_in=model.timed_in) if keep_time else timed

    def has_teacher(self) -> bool:
        """Whether the teacher was timed in the same session."""
        return any(model.identity.kind == "teacher" for model in self.models)

    def beside(self) -> list[ModelFacts]:
        """What was timed beside the teacher and the bundle of the report: it has no effectiveness here."""
        strangers = [m for m in self.models if m.identity.kind != "teacher" and not self._is_subject(m)]
        return [self._onto(_unjudged(figures), figures) for figures in strangers]

    def _is_subject(self, figures: ModelFigures) -> bool:
        return bool(figures.identity.sha256) and figures.identity.sha256 == self.subject

    def _onto(self, model: ModelFacts, figures: ModelFigures) -> ModelFacts:
        identity, latency = figures.identity, _single_thread(figures)
        papers = None if identity.papers_flops is None else float(identity.papers_flops)
        session = f"codewren bench, {self.report.created}" if self.report else ""
        return replace(
            model,
            size_bytes=model.size_bytes or identity.size_bytes,
            flops=(figures.flops.value if figures.flops else None) or model.flops,
            papers_flops=papers or model.papers_flops,
            latency_s=latency.median_s if latency else model.latency_s,
            timed_in=session if latency else model.timed_in,
            energy=_energy(figures, self.report.energy if self.report else None),
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
    reports = [(path, report) for path in paths if (report := read_bench(path)) is not None]
    timed = [report for _, report in reports if any(model.identity.sha256 == subject for model in report.models)]
    own = [report for path, report in reports if path == paths[0]]
    report = next(iter([*timed, *own]), None)
    return BenchFacts(_renamed(report, subject, name), subject) if report else BenchFacts()


def _renamed(report: BenchReport, subject: str, name: str) -> BenchReport:
    models = (
        replace(model, identity=replace(model.identity, name=name))
        if model.identity.sha256 and model.identity.sha256 == subject
        else model
        for model in report.models
    )
    return replace(report, models=tuple(models))


def _unjudged(figures: ModelFigures) -> ModelFacts:
    identity = figures.identity
    return ModelFacts(identity.name, ROLES[identity.kind], UNJUDGED, sha256=identity.sha256 or "")


def _single_thread(figures: ModelFigures) -> Latency | None:
    return next((latency for latency in figures.latency if latency.threads == 1), None)


def _positive_times(figures: ModelFigures) -> tuple[float, ...]:
    latency = _single_thread(figures)
    return tuple(seconds for seconds in latency.items_s if seconds > 0) if latency else ()


def _energy(figures: ModelFigures, report: EnergyReport | None) -> Energy | None:
    energy = figures.energy
    if energy is None or report is None:
        return None
    low, high = energy.plausible
    joules = replace(energy.joules, low=low, high=high).times(ITEMS, "joules_per_1000")
    factor = energy.factor
    how = report.meter.label
    how += f"; the model may be off by a factor of {factor:g}, which the brackets include" if factor > 1 else ""
    how += "" if energy.above_noise else "; not above the noise of the meter"
    if report.grid is None:
        return Energy(joules, None, how)
    carbon = joules.times(report.grid.grams(1.0), "co2e_g_per_1000")
    return Energy(joules, carbon, f"{how}; {_grid(report.grid)}")


def _speed(models: Sequence[ModelFigures]) -> Table:
    rows = [(model.identity.name, *_speed_row(model)) for model in models]
    header = ("model", "median, 1 thread", "times faster", "95 % below", "throughput", "cold start", "peak memory")
    note = "One item at a time, tokenisation included; throughput in bulk with the most threads tried."
    return Table("latency", "Speed and memory", header, tuple(rows), note)


def _speed_row(model: ModelFigures) -> list[str]:
    latency = _single_thread(model)
    faster = model.times_faster[model.latency.index(latency)] if latency else None
    bulk = max(model.throughput, key=lambda throughput: throughput.threads, default=None)
    memory = model.peak_memory_bytes
    return [
        _seconds(latency.median_s) if latency else "–",
        f"{shown(faster.value)} [{shown(faster.low)}, {shown(faster.high)}]" if faster else "–",
        second_text(latency.p95_s) if latency else "–",
        f"{bulk.functions_per_s.value:,.0f} functions/s, {bulk.threads} threads" if bulk else "–",
        _seconds(model.cold_start_s) if model.cold_start_s else "–",
        byte_text(memory.value) if memory else "–",
    ]


def _seconds(measure: Measure) -> str:
    return f"{second_text(measure.value)} [{second_text(measure.low)}, {second_text(measure.high)}]"


def _spent(energy: EnergyReport | None) -> list[Table]:
    """What search and training cost, and after how many predictions a student has earned it back."""
    if energy is None:
        return []
    rows = _spent_rows(energy.spent) if energy.spent else []
    rows += [_break_even(*names, even) for names, even in energy.break_even.items()]
    note = f"{energy.meter.label}; {_grid(energy.grid)}" if energy.grid else energy.meter.label
    return [Table("latency", SPENT, ("what", "figure"), tuple(rows), note + ".")] if rows else []


def _spent_rows(spent: Spent) -> list[tuple[str, str]]:
    rows = [(f"spent on {stage}", f"{joules:,.0f} J") for stage, joules in spent.stages.items()]
    return [*rows, ("spent in all", f"{spent.joules:,.0f} J")]


def _grid(grid: Grid) -> str:
    year = f", {grid.year}" if grid.year is not None else ""
    return f"grid {grid.name}{year}: {grid.g_per_kwh:g} g CO₂e a kWh"


def _break_even(student: str, teacher: str, even: BreakEven) -> tuple[str, str]:
    name = f"{student} against {teacher}: earned back after"
    if even.predictions is None:
        return name, even.note or "never"
    interval = f" [{even.low:,.0f}, {even.high:,.0f}]" if even.low is not None and even.high is not None else ""
    return name, f"{even.predictions:,.0f} predictions{interval}"


def _machine(report: BenchReport) -> tuple[tuple[str, str], ...]:
    machine, neighbours = report.machine, report.load.others_cores
    facts = [("timed on", machine.cpu), ("cores", str(machine.cores))]
    facts += [("governor", machine.governor)] if machine.governor else []
    facts += [("system", machine.system), ("python", machine.python)]
    if machine.versions:
        facts.append(("versions", ", ".join(f"{package} {number}" for package, number in machine.versions.items())))
    if neighbours is not None:
        facts.append(("cores kept busy by others", f"{neighbours:.2f}"))
    facts.append(("items", f"{report.timed:,} of {report.origin}"))
    return (*facts, ("timed at", report.created))
