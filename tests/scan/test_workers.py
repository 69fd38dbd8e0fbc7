import os
import signal
import time

import pytest

from codewren.core.errors import CodewrenError, InputError
from codewren.scan.workers import run_forked


def test_every_index_is_worked_on_once_whatever_the_number_of_processes() -> None:
    for jobs in (1, 2, 7):
        results = dict(run_forked(lambda index: bytes([index]) * index * 5000, 20, jobs))
        assert results == {index: bytes([index]) * index * 5000 for index in range(20)}


def test_nothing_to_do_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    assert list(run_forked(lambda index: b"", 0, 4)) == []


def test_work_is_spread_over_processes() -> None:
    pids = {reply for _, reply in run_forked(lambda index: str(os.getpid()).encode(), 40, 2)}
    assert 1 <= len(pids) <= 2
    assert str(os.getpid()).encode() not in pids


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_process_that_dies_loses_only_its_own_piece(jobs: int) -> None:
    def work(index: int) -> bytes:
        if index % 4 == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return b"done"

    results = dict(run_forked(work, 10, jobs))
    assert results == {index: None if index % 4 == 1 else b"done" for index in range(10)}


def test_a_process_that_dies_in_the_middle_of_its_reply_counts_as_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    class Half(bytes):
        def __len__(self) -> int:
            os.kill(os.getpid(), signal.SIGKILL)
            return 0

    assert dict(run_forked(lambda index: Half(b"x") if index == 0 else b"y", 2, 1)) == {0: None, 1: b"y"}


def test_memory_of_a_process_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codewren.scan.workers.MEMORY_LIMIT_BYTES", 200 << 20)
    with pytest.raises(CodewrenError, match="MemoryError"):
        list(run_forked(lambda index: bytes(1 << 30)[:1], 1, 1))


def test_an_exception_in_a_process_is_raised_here_with_its_message() -> None:
    def work(index: int) -> bytes:
        raise ValueError("seven") if index == 1 else InputError("eight")

    with pytest.raises(CodewrenError, match="failed: eight"):
        list(run_forked(work, 1, 1))
    with pytest.raises(CodewrenError, match=r"failed: (ValueError: seven|eight)"):
        list(run_forked(work, 2, 2))


def test_stopping_early_leaves_no_process_behind() -> None:
    results = run_forked(lambda index: str(os.getpid()).encode(), 100, 2)
    _, pid = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid or b""), 0)


def test_a_process_that_dies_after_its_reply_is_replaced() -> None:
    """Writing to it is a broken pipe, which the command line would take for a reader that has seen enough."""

    def work(index: int) -> bytes:
        if index == 1:
            time.sleep(0.2)
            signal.setitimer(signal.ITIMER_REAL, 0.1)
        return bytes([index])

    results = {}
    for index, reply in run_forked(work, 6, 2):
        if not results:
            time.sleep(1)
        results[index] = reply
    assert results == {index: bytes([index]) for index in range(6)}
