"""Stage: what a prediction costs on this machine, teacher and students side by side.

`codewren bench --json` writes the JSON form of `BenchReport`, schema version 1. A *measure* is `{"name", "value",
"low", "high", "n"}` with a 95 % interval; what was not measured is null; seconds, bytes, joules.
```
{
  "kind": "codewren bench", "schema_version": 1, "created": "2026-11-21T10:00:00+00:00",
  "task": {Task.to_dict()},
  "data": {"source": "valid of recipes/x.toml" | "src/ (functions found in 12 files)",
           "items": int timed, "warmup": int, "functions_per_item": 1|2},
  "settings": {"threads": [1, 2], "slices": int, "bulk_repeats": int, "cold_starts": int, "seconds": float,
               "seed": int},
  "machine": {"cpu": str, "cores": int, "affinity": [core numbers], "governor": str|null, "max_mhz": float|null,
              "virtual": bool, "ram_bytes": int|null, "system": str, "python": str,
              "versions": {"codewren": str, "torch": str, ... those in use}},
  "load": {"before": [1, 5, 15 min]|null, "during": [...]|null, "after": [...]|null,
           "others_cores": float|null,                     cores that other processes kept busy meanwhile, on average
           "stolen_cores": float|null},                    cores' time that the host of a virtual machine gave to others
  "reference": name of the model that ratios are against (the teacher, else the original, else the first) | null,
  "models": [{
    "name": str, unique
    "kind": "bundle"|"teacher"|"original",
    "label": one line for people, for "original": "CodeBERT's architecture, random weights, ...",
    "path": str|null, "sha256": str|null, "config": {StudentConfig}|null,
    "size_bytes": int|null,                                bundle: whole file; teacher: weight files; original: fp32
    "parameters": int|null,
    "flops": {"value": float, "tokens": float, "how": str}|null,   really done: mean item, mean tokens of a function
    "papers_flops": {"value": int, "length": 514}|null,    both papers' formula
    "latency": [{                                          one at a time; one entry for each of settings.threads
      "threads": int, "median_s": measure, "mean_s": measure, "p95_s": measure, "processor_s": measure|null,
      "cores_busy": float, "functions_per_item": 1|2,
      "items_s": [seconds of each item], "processor_items_s": [processor seconds of each item],
      "times_faster": measure|null,                        against the reference, on the items both were timed on
      "times_less_processor": measure|null                 likewise, of processor time: what a busy machine leaves true
    }],
    "throughput": [{"threads": int, "items_per_s": measure, "functions_per_s": measure, "items": int}],   in bulk
    "cold_start_s": measure|null,                          new process: start, load, first prediction
    "peak_memory_bytes": measure|null,                     of such a process, all its timed items one by one
    "energy": {                                            one at a time on one thread, idle power taken off
      "joules_per_1000": measure, "above_noise": bool, "repeats": int, "items": int,
      "seconds": float,                                    of all repeats: wall time, processor time under a model
      "co2e_g_per_1000": measure|null,
      "plausible_joules_per_1000": [low, high]             the interval widened by what a modelled meter may be off
    }|null
  }],
  "energy": {
    "meter": {"label": "measured by RAPL (...)"|"modelled: ...", "measured": bool,
              "includes_idle": bool, "whole_machine": bool,
              "factor": float,                             a modelled figure may be off by it either way, else 1
              "passed_over": ["RAPL: why not", ...]},
    "idle_w": measure|null,
    "grid": {"g_per_kwh", "country", "name", "year", "source"}|null,
    "spent": {"joules": float, "co2e_g": float|null, "stages": {"search": J, "distil": J, ...}, "meters": [label, ...],
              "source": str}|null,
    "break_even": [{"student": name, "teacher": name, "predictions": float|null, "low": float|null, "high": float|null,
                    "note": str}]
  }|null,
  "warnings": [str, ...]
}
```
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import cycle, islice

from codewren.bench.bench_report import BenchReport, ModelFigures, Throughput
from codewren.bench.contestants import Contestant
from codewren.bench.judged_items import BenchItems
from codewren.bench.spending import EnergyReport
from codewren.core.errors import InputError
from codewren.measure.energy.meter import Meter
from codewren.measure.energy.repeat import Repeats, Work, joules_per_item
from codewren.measure.estimate import Measure, quantile_measure
from codewren.measure.fresh_process import Child, cold_starts, peak_memories
from codewren.measure.latency import Latency, cores_available, in_slices, ratio
from codewren.measure.machine import Load, LoadWatch, machine_card

WARMUP_ITEMS = 100
LEAST_ITEMS = 6
"""A median of fewer has no 95 % interval; a model too slow for more is timed on this many all the same."""

SLICES = 20
LEAD_IN_ITEMS = 5
LEAD_IN_S = 0.1
"""A model that five items take longer finds its own way into the caches within each."""

BULK_REPEATS = 6
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """How much to measure.

    Attributes:
        items: timed one at a time, fewer for a model that would need more than `seconds`.
        seconds: that each model may take in each measurement.
        threads: numbers of threads; by default one and all.
        cold_starts: new processes a model, 0 to leave cold start and memory out.
    """

    items: int = 200
    seconds: float = 10.0
    threads: tuple[int, ...] = ()
    cold_starts: int = 6
    seed: int = 0

    @property
    def energy_block_s(self) -> float:
        """Least length of one reading of the meter: 20 of them are the time a model may take."""
        return self.seconds / 20

    def thread_counts(self) -> tuple[int, ...]:
        """Given ones, else one and all."""
        return self.threads or tuple(dict.fromkeys((1, cores_available())))


def bench(
    models: Sequence[Contestant],
    items: BenchItems,
    options: BenchOptions,
    *,
    meter: Meter | None = None,
    versions: Sequence[str] = ("codewren",),
    say: Say = lambda line: None,
) -> BenchReport:
    """Measure all models on the same items, in turn; energy too where a meter is given.

    Raises:
        InputError: no models, or too few items.
        ChildError: a model gives no prediction in a new process.
    """
    warm, timed = _divided(items, models, options)
    watch, threads = LoadWatch(), options.thread_counts()
    say(f"{len(models)} models, {len(timed)} items of {items.origin}; threads {', '.join(map(str, threads))}")
    rounds = [_timed(models, warm, timed, count, options, say) for count in threads]
    watch.halfway()
    reference = next(
        (m.identity.name for kind in ("teacher", "original") for m in models if m.identity.kind == kind), None
    )
    reference = reference or models[0].identity.name
    figures = [_figures(model, rounds, items, timed, reference) for model in models]
    figures = _with_processes(figures, models, timed, options, say)
    energy = None
    if meter is not None:
        say("energy")
        figures, energy = _with_energy(figures, models, timed, rounds[0], meter, block_s=options.energy_block_s)
    load = watch.finish()
    settings = {
        **asdict(options),
        "threads": threads,
        "slices": SLICES,
        "bulk_repeats": BULK_REPEATS,
    }
    return BenchReport(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        task=items.task,
        origin=items.origin,
        timed=len(timed),
        warmup=len(warm),
        settings=settings,
        machine=machine_card(versions),
        load=load,
        reference=reference if len(models) > 1 else None,
        models=tuple(figures),
        energy=energy,
        warnings=tuple(_warnings(items, warm, timed, load)),
    )


def _divided(items: BenchItems, models: Sequence[Contestant], options: BenchOptions) -> tuple[list[int], list[int]]:
    """Places to warm up with, and places to time, of which every first part is as mixed in length as the whole."""
    if not models or not len(items):
        raise InputError(f"nothing to bench: {len(models)} models, {len(items)} items")
    warmup = min(WARMUP_ITEMS, len(items) // 3)
    warm = list(range(warmup)) or [0]
    timed = list(range(warmup, min(len(items), warmup + options.items)))
    by_length = sorted(timed, key=lambda index: sum(map(len, items.sources[index])))
    return warm, [by_length[rank] for rank in _spread(len(timed))]


def _spread(count: int) -> list[int]:
    """Ranks 0 to count - 1, ordered so that any first few lie evenly: bit reversal, as van der Corput's sequence."""
    bits = max(1, (count - 1).bit_length())
    turned = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(1 << bits))
    return [rank for rank in turned if rank < count]


@dataclass(frozen=True, slots=True)
class _Round:
    """All models at one number of threads."""

    latency: Mapping[str, Latency]
    throughput: Mapping[str, Throughput]


def _timed(
    models: Sequence[Contestant],
    warm: Sequence[int],
    timed: Sequence[int],
    threads: int,
    options: BenchOptions,
    say: Say,
) -> _Round:
    say(f"{threads} threads: one at a time")
    names = [model.identity.name for model in models]
    calls = dict(zip(names, (model.single(threads) for model in models), strict=True))
    seconds = {name: _warmed(calls[name], warm, options.seconds / 5) for name in names}
    counts = {name: max(LEAST_ITEMS, int(options.seconds / seconds[name])) for name in names}
    shares = {name: timed[: counts[name]] for name in names}
    lead_in = {name: warm[:LEAD_IN_ITEMS] for name in names if seconds[name] * LEAD_IN_ITEMS < LEAD_IN_S}
    latency = in_slices(calls, shares, slices=SLICES, lead_in=lead_in, threads=threads)
    say(f"{threads} threads: in bulk")
    throughput = _in_bulk(models, shares, threads, options.seconds)
    return _Round(latency, throughput)


def _warmed(call: Callable[[int], object], warm: Sequence[int], limit_s: float) -> float:
    """Run items that are not timed, for a while; seconds one takes."""
    seconds: list[float] = []
    start = time.perf_counter()
    for index in warm:
        before = time.perf_counter()
        call(index)
        now = time.perf_counter()
        seconds.append(now - before)
        if now - start > limit_s and len(seconds) > 1:
            break
    return max(statistics.median(seconds[len(seconds) // 2 :]), 1e-9)


def _in_bulk(
    models: Sequence[Contestant], shares: Mapping[str, Sequence[int]], threads: int, limit_s: float
) -> dict[str, Throughput]:
    """Each model on all its items at once, the models in turn, each time as if it had never seen them."""
    seconds: dict[str, list[float]] = {model.identity.name: [] for model in models}
    for turn in range(BULK_REPEATS):
        for model in models if turn % 2 == 0 else reversed(models):
            name = model.identity.name
            if len(seconds[name]) > 1 and sum(seconds[name]) > limit_s:
                continue
            call = model.bulk(threads)
            start = time.perf_counter()
            call(shares[name])
            seconds[name].append(time.perf_counter() - start)
    throughput = {}
    for model in models:
        name = model.identity.name
        per_s = quantile_measure("items_per_s", [len(shares[name]) / duration for duration in seconds[name]])
        throughput[name] = Throughput(threads, per_s, per_s, len(shares[name]))
    return throughput


def _figures(
    model: Contestant, rounds: Sequence[_Round], items: BenchItems, timed: Sequence[int], reference: str
) -> ModelFigures:
    name, functions = model.identity.name, items.task.functions_per_item
    return ModelFigures(
        identity=model.identity,
        functions_per_item=functions,
        flops=model.flops(timed),
        latency=tuple(timing.latency[name] for timing in rounds),
        times_faster=tuple(_faster(timing.latency, reference, name) for timing in rounds),
        times_less_processor=tuple(_faster(timing.latency, reference, name, processor=True) for timing in rounds),
        throughput=tuple(
            replace(t, functions_per_s=t.items_per_s.times(functions, "functions_per_s"))
            for t in (timing.throughput[name] for timing in rounds)
        ),
    )


def _faster(latency: Mapping[str, Latency], reference: str, name: str, *, processor: bool = False) -> Measure | None:
    """Against the reference, on the items that both were timed on: shares begin alike."""
    if name == reference:
        return None
    common = range(min(len(latency[reference].items_s), len(latency[name].items_s)))
    return ratio(latency[reference].at(common), latency[name].at(common), processor=processor)


def _with_processes(
    figures: Sequence[ModelFigures], models: Sequence[Contestant], timed: Sequence[int], options: BenchOptions, say: Say
) -> list[ModelFigures]:
    """Cold start and peak memory."""
    if not options.cold_starts:
        return list(figures)
    say("new processes")
    children = {
        model.identity.name: Child(
            tuple(model.command()),
            tuple(model.child_item(index) for index in timed[: len(figure.latency[0].items_s)]),
        )
        for figure, model in zip(figures, models, strict=True)
    }
    starts, peaks = cold_starts(children, runs=options.cold_starts), peak_memories(children)
    return [
        replace(
            figure,
            cold_start_s=quantile_measure("cold_start_s", starts[figure.identity.name]),
            peak_memory_bytes=quantile_measure("peak_memory_bytes", [float(peaks[figure.identity.name])]),
        )
        for figure in figures
    ]


def _with_energy(
    figures: Sequence[ModelFigures],
    models: Sequence[Contestant],
    timed: Sequence[int],
    first: _Round,
    meter: Meter,
    *,
    block_s: float,
) -> tuple[list[ModelFigures], EnergyReport]:
    """One at a time on one thread."""
    works = {model.identity.name: _work(model, timed, first.latency[model.identity.name]) for model in models}
    # A model multiplies processor seconds: on a busy machine a block of wall time would hold few of them.
    clock = time.perf_counter if meter.sheet.includes_idle else time.process_time
    energies, idle_w = joules_per_item(meter, works, Repeats(block_s), clock=clock)
    return [replace(figure, energy=energies[figure.identity.name]) for figure in figures], EnergyReport(
        meter.sheet, idle_w
    )


def _work(model: Contestant, timed: Sequence[int], latency: Latency) -> Work:
    """A few milliseconds of items, round and round those that were timed."""
    call, indices = model.single(1), cycle(timed[: len(latency.items_s)])
    chunk = max(1, int(0.01 / latency.median_s.value))

    def run() -> int:
        for index in islice(indices, chunk):
            call(index)
        return chunk

    return run


def _warnings(items: BenchItems, warm: Sequence[int], timed: Sequence[int], load: Load) -> list[str]:
    lines = [line for line in (load.warning(),) if line]
    if set(warm) & set(timed) or len(timed) < 30:
        lines.append(f"only {len(timed)} items timed: intervals are wide; give more source files")
    return lines
