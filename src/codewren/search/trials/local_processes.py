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

from codewren.search.trials.runner import Outcome, attempt
from codewren.search.trials.trial import Evaluate, Request

ATTEMPTS = 3
"""Processes a trial may lose before it is recorded as failed."""


@dataclass(frozen=True, slots=True)
class LocalProcesses:
    """Up to `count` trials at once.

    The processes are spawned, not forked: a fork of a process with threads can hang.
    """

    count: int

    def run(self, evaluate: Evaluate, requests: Sequence[Request]) -> Iterator[tuple[int, Outcome]]:
        """Yield the place and outcome of every request, in the order they end."""
        waiting = [(place, 1) for place in range(len(requests))]
        running: dict[Connection, _Running] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self.count:
                    place, attempts = waiting.pop(0)
                    started = _start(evaluate, requests[place], place, attempts)
                    running[started.answers] = started
                for answers in connection.wait(list(running)):
                    one = running.pop(answers)  # type: ignore[call-overload]
                    outcome = one.finish()
                    if outcome is None and one.attempts < ATTEMPTS:
                        waiting.insert(0, (one.place, one.attempts + 1))
                    else:
                        yield one.place, outcome or one.lost()
        finally:
            for one in running.values():
                one.process.kill()
                one.finish()


@dataclass(frozen=True, slots=True)
class _Running:
    place: int
    attempts: int
    process: SpawnProcess
    answers: Connection
    started: float

    def finish(self) -> Outcome | None:
        """What the process answered, None if it died first."""
        try:
            answer = self.answers.recv()
        except EOFError:
            answer = None
        self.answers.close()
        self.process.join()
        return answer if isinstance(answer, Outcome) else None

    def lost(self) -> Outcome:
        code = self.process.exitcode
        return Outcome(
            time.perf_counter() - self.started, error=f"its process died {self.attempts} times, last with code {code}"
        )


def _start(evaluate: Evaluate, request: Request, place: int, attempts: int) -> _Running:
    context = multiprocessing.get_context("spawn")
    answers, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, evaluate, request), daemon=True)
    process.start()
    sender.close()
    return _Running(place, attempts, process, answers, time.perf_counter())


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
