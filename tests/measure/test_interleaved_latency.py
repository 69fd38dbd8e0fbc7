import gc
import json

import numpy as np
import pytest

from codewren.core.errors import InputError
from codewren.measure.latency import in_slices, interleaved, ratio


class Machine:
    """A clock that only moves when a callable works, so that times are known exactly."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.calls: list[tuple[str, int]] = []

    def clock(self) -> int:
        return self.now_ns

    def work(self, name: str, ns_per_item: int):
        def run(item: int) -> None:
            self.calls.append((name, item))
            self.now_ns += ns_per_item * item

        return run


def test_times_are_those_of_the_clock():
    machine = Machine()
    found = interleaved({"a": machine.work("a", 1_000)}, [1, 2, 3, 4, 100], clock=machine.clock, threads=1)["a"]
    assert found.items_s == pytest.approx((1e-6, 2e-6, 3e-6, 4e-6, 100e-6))
    assert found.median_s.value == pytest.approx(3e-6)
    assert found.mean_s.value == pytest.approx(22e-6)
    assert found.median_s.low <= found.median_s.value <= found.median_s.high
    assert found.p95_s == pytest.approx(np.quantile([1e-6, 2e-6, 3e-6, 4e-6, 100e-6], 0.95))
    assert (found.threads, found.rounds, found.median_s.n) == (1, 5, 5)
    assert str(found).startswith("0.003 ms [")


def test_an_items_time_is_its_median_over_rounds_so_one_hiccup_is_forgotten():
    machine = Machine()
    slow = iter([50_000, *[0] * 100])

    def run(item: int) -> None:
        machine.now_ns += 1_000 * item + next(slow)

    found = interleaved({"a": run}, [1, 2], rounds=3, warmup=0, clock=machine.clock)["a"]
    assert found.items_s == pytest.approx((1e-6, 2e-6))


def test_every_round_runs_all_callables_in_turned_order_after_the_warm_up():
    machine = Machine()
    callables = {name: machine.work(name, 1) for name in "ab"}
    interleaved(callables, [1, 2], rounds=2, warmup=1, clock=machine.clock)
    assert [name for name, _ in machine.calls] == list("bbaa" + "aabb" + "bbaa")
    assert [item for _, item in machine.calls] == [1, 2] * 6


def test_ratio_is_paired_over_items():
    machine = Machine()
    callables = {"slow": machine.work("slow", 3_000), "fast": machine.work("fast", 1_000)}
    found = interleaved(callables, list(range(1, 50)), clock=machine.clock)
    measured = ratio(found["slow"], found["fast"])
    assert (measured.value, measured.low, measured.high) == pytest.approx((3, 3, 3))
    short = interleaved({"fast": callables["fast"]}, [1], clock=machine.clock)["fast"]
    with pytest.raises(InputError, match="time both in one call"):
        ratio(found["slow"], short)


def test_garbage_collection_rests_and_comes_back_even_after_an_error():
    seen = []
    interleaved({"a": lambda _: seen.append(gc.isenabled())}, [1])
    assert not any(seen)
    assert gc.isenabled()

    def fails(_: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interleaved({"a": fails}, [1])
    assert gc.isenabled()


def test_real_work_takes_time_and_is_json():
    found = interleaved({"a": lambda n: sum(range(n))}, [1_000, 2_000])["a"]
    assert min(found.items_s) > 0
    assert found.cores_busy > 0
    assert found.cores_available >= 1
    kept = json.loads(json.dumps(found.to_dict()))
    assert kept["median_s"]["n"] == 2
    assert not {"items_s", "processor_items_s"} & set(kept)


def test_nothing_to_time_is_refused():
    for callables, items, rounds in (({}, [1], 1), ({"a": len}, [], 1), ({"a": len}, [1], 0)):
        with pytest.raises(InputError, match="nothing to time"):
            interleaved(callables, items, rounds=rounds)


def test_slices_time_every_item_of_a_share_once_and_take_turns():
    machine = Machine()
    callables = {"slow": machine.work("slow", 1_000), "fast": machine.work("fast", 10)}
    found = in_slices(
        callables, {"slow": [1, 2, 3], "fast": [1, 2, 3, 4, 5, 6]}, slices=9, clock=machine.clock, threads=2
    )
    assert found["slow"].items_s == pytest.approx((1e-6, 2e-6, 3e-6))
    assert found["fast"].items_s == pytest.approx(tuple(n * 1e-8 for n in range(1, 7)))
    names = [name for name, _ in machine.calls]
    assert names == ["slow", "fast", "fast", "fast", "fast", "slow", "slow", "fast", "fast"]
    assert (found["fast"].rounds, found["fast"].threads) == (1, 2)
    assert len(found["fast"].processor_items_s) == 6


def test_a_lead_in_is_run_before_every_slice_and_not_timed():
    machine = Machine()
    callables = {"slow": machine.work("slow", 1_000), "fast": machine.work("fast", 10)}
    found = in_slices(
        callables, {"slow": [1, 2], "fast": [1, 2]}, slices=2, lead_in={"fast": [7, 8]}, clock=machine.clock
    )
    assert [item for name, item in machine.calls if name == "fast"] == [7, 8, 1, 7, 8, 2]
    assert [item for name, item in machine.calls if name == "slow"] == [1, 2]
    assert found["fast"].items_s == pytest.approx((1e-8, 2e-8))


def test_a_timing_can_be_judged_on_some_items_only():
    machine = Machine()
    found = interleaved({"a": machine.work("a", 1_000)}, [1, 2, 3, 4], clock=machine.clock)["a"].at([0, 3])
    assert found.items_s == pytest.approx((1e-6, 4e-6))
    assert found.median_s.value == pytest.approx(2.5e-6)


def test_an_empty_share_is_refused():
    with pytest.raises(InputError, match="nothing to time"):
        in_slices({"a": len}, {"a": []}, slices=3)
