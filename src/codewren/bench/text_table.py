"""A benchmark as text: one column a model, one line a figure."""

from collections.abc import Callable, Sequence

from codewren.bench.bench_report import BenchReport, ModelFigures
from codewren.measure.estimate import Measure

Cell = Callable[[ModelFigures], str]
NOTHING = "-"


def bench_text(report: BenchReport) -> str:
    """The table, then what it was measured on, how sure it is, and when a student has paid for itself."""
    lines = [["", *(model.identity.name for model in report.models)], *_lines(report)]
    shown = [line for line in lines if any(cell != NOTHING for cell in line[1:])]
    return "\n".join([*_aligned(shown), "", *_notes(report)])


def _lines(report: BenchReport) -> list[list[str]]:
    rows: list[tuple[str, Cell]] = [
        ("bytes", lambda m: _whole(m.identity.size_bytes)),
        ("parameters", lambda m: _whole(m.identity.parameters)),
        ("MFLOPs a mean item", lambda m: f"{m.flops.value / 1e6:,.2f}" if m.flops else NOTHING),
        ("MFLOPs, papers' formula", lambda m: _whole(m.identity.papers_flops, 1e6)),
    ]
    for column, latency in enumerate(report.models[0].latency):
        rows += _timing_rows(column, latency.threads or 1, reference=report.reference)
    rows += [
        ("cold start, s", lambda m: _measure(m.cold_start_s)),
        ("peak memory, MB", lambda m: _measure(m.peak_memory_bytes, 1e-6, interval=False)),
        ("J a 1,000 items", _joules),
    ]
    grid = report.energy.grid if report.energy else None
    if grid is not None:
        rows.append(("g CO2e a 1,000 items", lambda m: _joules(m, grid.grams(1.0))))
    return [[title, *(cell(model) for model in report.models)] for title, cell in rows]


def _timing_rows(column: int, threads: int, *, reference: str | None) -> list[tuple[str, Cell]]:
    on = f"{threads} thread{'s' if threads > 1 else ''}"
    rows: list[tuple[str, Cell]] = [
        (f"ms an item, {on}", lambda m: _measure(m.latency[column].median_s, 1e3)),
        ("  processor ms", lambda m: _measure(m.latency[column].processor_s, 1e3)),
        ("  95 % below, ms", lambda m: f"{m.latency[column].p95_s * 1e3:,.3f}"),
    ]
    if reference is not None:
        rows.append((f"  times faster than {reference}", lambda m: _measure(m.times_faster[column])))
        rows.append(("  times less processor time", lambda m: _measure(m.times_less_processor[column])))
    rows.append((f"items/s in bulk, {on}", lambda m: _measure(m.throughput[column].items_per_s)))
    rows.append(("  items timed", lambda m: str(len(m.latency[column].items_s))))
    return rows


def _notes(report: BenchReport) -> list[str]:
    unit = "a pair of functions" if report.task.functions_per_item == 2 else "one function"
    notes = [
        f"an item is {unit}; {report.timed:,} of {report.origin}; medians, 95 % intervals; tokenisation included",
        *(f"{model.identity.name}: {model.identity.label}" for model in report.models),
        f"machine: {report.machine}",
    ]
    if report.load.before and report.load.after:
        notes.append(f"load average: {report.load.before[0]:.2f} before, {report.load.after[0]:.2f} after")
    return [*notes, *_energy_notes(report), *(f"warning: {line}" for line in report.warnings)]


def _energy_notes(report: BenchReport) -> list[str]:
    energy = report.energy
    if energy is None:
        return []
    notes = [f"energy, one at a time on one thread: {energy.meter.label}"]
    if not energy.meter.measured:
        notes.append(f"  a model, not a measurement: it may be off by a factor of {energy.meter.factor:g} either way")
    notes += [f"  passed over: {why}" for why in energy.meter.passed_over]
    if energy.grid is not None:
        notes.append(f"grid: {energy.grid}")
    if energy.spent is not None:
        stages = ", ".join(f"{stage} {joules:,.0f} J" for stage, joules in energy.spent.stages.items())
        notes.append(f"spent in {energy.spent.source}: {stages}")
    for (student, teacher), even in energy.break_even.items():
        when = NOTHING if even.predictions is None else f"{even.predictions:,.0f} predictions"
        notes.append(f"{student} has paid for itself against {teacher} after: {when} ({even.note})")
    return notes


def _joules(model: ModelFigures, factor: float = 1.0) -> str:
    if model.energy is None:
        return NOTHING
    figure = _measure(model.energy.joules, 1000 * factor)
    return figure if model.energy.above_noise else f"below noise ({figure})"


def _measure(measure: Measure | None, factor: float = 1.0, *, interval: bool = True) -> str:
    if measure is None:
        return NOTHING
    value, low, high = (_short(end * factor) for end in (measure.value, measure.low, measure.high))
    return f"{value} [{low}, {high}]" if interval else value


def _short(value: float) -> str:
    """Four digits, or all before the point."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def _whole(value: float | None, unit: float = 1.0) -> str:
    return NOTHING if value is None else f"{value / unit:,.0f}"


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return [
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]).rstrip()
        for line in lines
    ]
