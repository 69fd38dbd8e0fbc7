"""How long one item takes, several callables timed in turn so that a slow minute of the machine hits all of them.

Standard library only: `codewren bench` runs on the base install, and a child process that is timed loads nothing else.
"""

import gc
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Self, TypeVar

from codewren.core.errors import InputError
from codewren.measure.estimate import (
    Measure,
    bootstrap_measure,
    percentile_measure,
    quantile,
    quantile_measure,
    resamples,
)
from codewren.measure.fields import Fields

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds one item takes in one callable.

    Attributes:
        median_s: median over items, each item's time being its median over rounds; exact interval over items.
        mean_s: mean over the same times (what the papers report), bootstrap interval.
        p95_s: the time that 95 % of the items stay below.
        rounds: times each item was run.
        threads: threads the callable was told to use, None where nobody said.
        cores_busy: processor time over wall time, of all threads of this process: 1.0 is one core throughout.
        cores_available: cores this process may run on.
        items_s: time of each item, in the order given.
        processor_s: median over items of the processor time of all threads, which neighbours on a busy machine hardly
            lengthen; None where it was not taken.
        processor_items_s: processor time of each item, in the order given.
    """

    name: str
    median_s: Measure
    mean_s: Measure
    p95_s: float
    rounds: int
    threads: int | None
    cores_busy: float
    cores_available: int
    items_s: tuple[float, ...]
    processor_s: Measure | None = None
    processor_items_s: tuple[float, ...] = ()

    def __str__(self) -> str:
        low, high = self.median_s.low * 1e3, self.median_s.high * 1e3
        return f"{self.median_s.value * 1e3:.3f} ms [{low:.3f}, {high:.3f}]"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without the single items."""
        return {key: value for key, value in asdict(self).items() if key not in ("items_s", "processor_items_s")}

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form, with the single items where they stand beside it.

        Raises:
            InputError: a field is missing or of another kind.
        """
        return cls(
            name=raw.text("name"),
            median_s=raw.measure("median_s"),
            mean_s=raw.measure("mean_s"),
            p95_s=raw.number("p95_s"),
            rounds=raw.count("rounds"),
            threads=raw.maybe(raw.count, "threads"),
            cores_busy=raw.number("cores_busy"),
            cores_available=raw.count("cores_available"),
            items_s=raw.numbers("items_s"),
            processor_s=raw.maybe(raw.measure, "processor_s"),
            processor_items_s=raw.numbers("processor_items_s"),
        )

    def at(self, indices: Sequence[int]) -> Self:
        """The same timing, judged on some of its items only."""
        items_s = [self.items_s[index] for index in indices]
        processor_s = [self.processor_items_s[index] for index in indices]
        return replace(self, **_summaries(items_s, processor_s))


def interleaved(
    callables: Mapping[str, Callable[[Item], object]],
    items: Sequence[Item],
    *,
    rounds: int = 5,
    warmup: int = 1,
    threads: int | None = None,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> dict[str, Latency]:
    """Time every callable on every item, one at a time.

    In each round every callable runs through all items, so that it meets its own data in the caches as in use; the
    order of the callables is turned round from one round to the next. The garbage collector rests meanwhile.

    Args:
        callables: what to time, by name.
        items: arguments.
        rounds: timed passes over the items.
        warmup: passes before them that are not timed.
        threads: what the callables were told to use; noted, not enforced.
        clock: nanoseconds.

    Raises:
        InputError: no callables, no items or no rounds.
    """
    if not callables or not items or rounds < 1:
        raise InputError(f"nothing to time: {len(callables)} callables, {len(items)} items, {rounds} rounds")
    watches = {name: _Stopwatch(clock) for name in callables}
    with _no_garbage_collection():
        for turn in range(-warmup, rounds):
            for name in list(callables) if turn % 2 == 0 else reversed(list(callables)):
                watches[name].run(callables[name], items, timed=turn >= 0)
    return {name: watch.latency(name, rounds, threads) for name, watch in watches.items()}


def in_slices(
    callables: Mapping[str, Callable[[Item], object]],
    shares: Mapping[str, Sequence[Item]],
    *,
    slices: int,
    lead_in: Mapping[str, Sequence[Item]] | None = None,
    threads: int | None = None,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> dict[str, Latency]:
    """Time every callable once on each item of its own share: what a function costs that was never seen before.

    Repeating an item would find its words in a tokenizer's cache. Slow callables get fewer items; all shares are cut
    into as many slices, and in each slice all callables take their turn, the order turned round every time.

    Args:
        callables: what to time, by name; warmed up by the caller, with other items.
        shares: for each callable its arguments.
        slices: turns; at most as many as the smallest share has items.
        lead_in: for a callable, items run untimed at the start of each slice: they bring back into the processor's
            caches what another callable has driven out, so that a fast one is not charged for a slow one's turn.
        threads: what the callables were told to use; noted, not enforced.
        clock: nanoseconds.

    Raises:
        InputError: no callables, a share without items, or no slices.
    """
    smallest = min((len(shares[name]) for name in callables), default=0)
    if smallest < 1 or slices < 1:
        raise InputError(f"nothing to time: {len(callables)} callables, {smallest} items, {slices} slices")
    slices = min(slices, smallest)
    watches = {name: _Stopwatch(clock) for name in callables}
    with _no_garbage_collection():
        for turn in range(slices):
            for name in list(callables) if turn % 2 == 0 else reversed(list(callables)):
                for item in (lead_in or {}).get(name, ()):
                    callables[name](item)
                watches[name].run(callables[name], _slice(shares[name], turn, slices), timed=True)
    # Slices were timed one after the other; their items lie back to back, in the order given.
    return {name: watch.joined().latency(name, 1, threads) for name, watch in watches.items()}


def _slice(items: Sequence[Item], turn: int, slices: int) -> Sequence[Item]:
    return items[turn * len(items) // slices : (turn + 1) * len(items) // slices]


class _Stopwatch:
    """Times of one callable, a row a pass."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._wall_s: list[list[float]] = []
        self._processor_s: list[list[float]] = []
        self._busy_s = self._passed_s = 0.0

    def run(self, call: Callable[[Item], object], items: Sequence[Item], *, timed: bool) -> None:
        """One pass over the items."""
        clock, processor = self._clock, time.process_time_ns
        wall_s, processor_s = [], []
        busy_before, before = processor(), time.perf_counter()
        for item in items:
            processor_start = processor()
            start = clock()
            call(item)
            end = clock()
            wall_s.append((end - start) / 1e9)
            processor_s.append((processor() - processor_start) / 1e9)
        if timed:
            self._wall_s.append(wall_s)
            self._processor_s.append(processor_s)
            self._busy_s += (processor() - busy_before) / 1e9
            self._passed_s += time.perf_counter() - before

    def joined(self) -> Self:
        """All passes as one."""
        self._wall_s = [[seconds for row in self._wall_s for seconds in row]]
        self._processor_s = [[seconds for row in self._processor_s for seconds in row]]
        return self

    def latency(self, name: str, rounds: int, threads: int | None) -> Latency:
        """What the passes come to."""
        items_s = [statistics.median(times) for times in zip(*self._wall_s, strict=True)]
        processor_s = [statistics.median(times) for times in zip(*self._processor_s, strict=True)]
        return Latency(
            name=name,
            **_summaries(items_s, processor_s),
            rounds=rounds,
            threads=threads,
            cores_busy=self._busy_s / self._passed_s,
            cores_available=cores_available(),
        )


def _summaries(items_s: Sequence[float], processor_s: Sequence[float]) -> dict[str, Any]:
    return {
        "items_s": tuple(items_s),
        "processor_items_s": tuple(processor_s),
        "processor_s": quantile_measure("processor_s", processor_s),
        "median_s": quantile_measure("median_s", items_s),
        "mean_s": bootstrap_measure("mean_s", items_s),
        "p95_s": quantile(items_s, 0.95),
    }


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def cores_available() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ratio(slow: Latency, fast: Latency, *, processor: bool = False) -> Measure:
    """How many times faster: ratio of the medians, interval by resampling items of both together.

    Args:
        slow: the one that is expected to take longer.
        fast: the other.
        processor: compare processor times instead.

    Raises:
        InputError: the two were not timed on equally many items.
    """
    if len(slow.items_s) != len(fast.items_s):
        raise InputError(
            f"{slow.name} was timed on {len(slow.items_s)} items, {fast.name} on {len(fast.items_s)}; "
            "time both in one call"
        )
    times = [timing.processor_items_s if processor else timing.items_s for timing in (slow, fast)]
    pairs, rng = list(zip(*times, strict=True)), random.Random(0)
    drawn = [_median_ratio(rng.choices(pairs, k=len(pairs))) for _ in range(resamples(len(pairs)))]
    return percentile_measure("ratio", _median_ratio(pairs), drawn, len(pairs))


def _median_ratio(pairs: Sequence[tuple[float, ...]]) -> float:
    fast_s = statistics.median(fast for _, fast in pairs)
    return statistics.median(slow for slow, _ in pairs) / max(fast_s, 1e-9)
