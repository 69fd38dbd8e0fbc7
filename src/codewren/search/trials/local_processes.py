"""Trials at once on this machine, each in a process of its own: one that dies takes no other with it."""

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from codewren.search.trials.runner import Attempt, attempt
from codewren.search.trials.trial import Evaluate, Request

ATTEMPTS = 3
"""Processes a trial may lose before it is recorded as failed."""


@dataclass(frozen=True, slots=True)
class LocalProcesses:
    """Up to `count` trials at once.

    The processes are spawned, not forked: a fork of a process with threads can hang.
    """

    count: int

    def run(self, evaluate: Evaluate, requests: Sequence[Request]) -> Iterator[tuple[int, Attempt]]:
        """Yield the place and outcome of every request, in the order they end."""
        waiting = [(index, 1) for index in range(len(requests))]
        running: dict[Connection, _Running] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self.count:
                    index, attempts = waiting.pop(0)
                    started = _start(evaluate, requests[index], index, attempts)
                    running[started.answers] = started
                for answers in connection.wait(list(running)):
                    worker = running.pop(answers)  # type: ignore[call-overload]
                    outcome = worker.finish()
                    if outcome is None and worker.attempts < ATTEMPTS:
                        waiting.insert(0, (worker.index, worker.attempts + 1))
                    else:
                        yield worker.index, outcome or worker.lost()
        finally:
            for worker in running.values():
                worker.process.kill()
                worker.finish()


@dataclass(frozen=True, slots=True)
class _Running:
    index: int
    attempts: int
    process: SpawnProcess
    answers: Connection
    started: float

    def finish(self) -> Attempt | None:
        """What the process answered, None if it died first."""
        try:
            answer = self.answers.recv()
        except EOFError:
            answer = None
        self.answers.close()
        self.process.join()
        return answer if isinstance(answer, Attempt) else None

    def lost(self) -> Attempt:
        code = self.process.exitcode
        return Attempt(
            time.perf_counter() - self.started, error=f"its process died {self.attempts} times, last with code {code}"
        )


def _start(evaluate: Evaluate, request: Request, index: int, attempts: int) -> _Running:
    context = multiprocessing.get_context("spawn")
    answers, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, evaluate, request), daemon=True)
    process.start()
    sender.close()
    return _Running(index, attempts, process, answers, time.perf_counter())


def _work(sender: Connection, evaluate: Evaluate, request: Request) -> None:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    sender.send(attempt(evaluate, request))
    sender.close()


def _die_with_parent() -> None:
    """End this process when the search is killed: an orphan would train on for nothing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
