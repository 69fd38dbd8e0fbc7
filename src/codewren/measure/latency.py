"""How long one item takes, several callables timed in turn so that a slow minute of the machine hits all of them."""

import gc
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from codewren.core.errors import InputError
from codewren.measure.intervals import RESAMPLES, Floats, Measure, summary

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds one item takes in one callable.

    Attributes:
        median_s: median over items, each item's time being its median over rounds; bootstrap interval over items.
        mean_s: mean over the same times (what the papers report).
        p95_s: the time that 95 % of the items stay below.
        rounds: times each item was run.
        threads: threads the callable was told to use, None where nobody said.
        cores_busy: processor time over wall time, of all threads of this process: 1.0 is one core throughout.
        cores_available: cores this process may run on.
        items_s: time of each item, in the order given.
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

    def __str__(self) -> str:
        low, high = self.median_s.low * 1e3, self.median_s.high * 1e3
        return f"{self.median_s.value * 1e3:.3f} ms [{low:.3f}, {high:.3f}]"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without the single items."""
        return {key: value for key, value in asdict(self).items() if key != "items_s"}


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
    names = list(callables)
    times_s = {name: np.zeros((rounds, len(items))) for name in names}
    busy_s = dict.fromkeys(names, 0.0)
    wall_s = dict.fromkeys(names, 0.0)
    with _no_garbage_collection():
        for turn in range(-warmup, rounds):
            for name in names if turn % 2 == 0 else reversed(names):
                busy_before, wall_before = time.process_time(), time.perf_counter()
                one_round = _one_round(callables[name], items, clock)
                if turn >= 0:
                    times_s[name][turn] = one_round
                    busy_s[name] += time.process_time() - busy_before
                    wall_s[name] += time.perf_counter() - wall_before
    return {name: _latency(name, times_s[name], busy_s[name] / wall_s[name], threads) for name in names}


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


def _one_round(run: Callable[[Item], object], items: Sequence[Item], clock: Callable[[], int]) -> list[float]:
    times_s = []
    for item in items:
        start = clock()
        run(item)
        times_s.append((clock() - start) / 1e9)
    return times_s


def _latency(name: str, times_s: Floats, cores_busy: float, threads: int | None) -> Latency:
    items_s = np.median(times_s, axis=0)
    draws = items_s[_draws(len(items_s))]
    return Latency(
        name=name,
        median_s=summary("median_s", float(np.median(items_s)), np.median(draws, axis=1), len(items_s)),
        mean_s=summary("mean_s", float(items_s.mean()), draws.mean(axis=1), len(items_s)),
        p95_s=float(np.quantile(items_s, 0.95)),
        rounds=len(times_s),
        threads=threads,
        cores_busy=cores_busy,
        cores_available=_cores_available(),
        items_s=tuple(float(seconds) for seconds in items_s),
    )


def _draws(n: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.random.default_rng(0).integers(0, n, (RESAMPLES, n))


def _cores_available() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ratio(slow: Latency, fast: Latency) -> Measure:
    """How many times faster: ratio of the medians, interval by resampling items of both together.

    Raises:
        InputError: the two were not timed on equally many items.
    """
    if len(slow.items_s) != len(fast.items_s):
        raise InputError(
            f"{slow.name} was timed on {len(slow.items_s)} items, {fast.name} on {len(fast.items_s)}; "
            "time both in one call"
        )
    draws = _draws(len(slow.items_s))
    above, below = np.array(slow.items_s), np.array(fast.items_s)
    values = np.median(above[draws], axis=1) / np.median(below[draws], axis=1)
    return summary("ratio", float(np.median(above) / np.median(below)), values, len(above))
