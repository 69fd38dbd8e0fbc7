"""A progress bar on a terminal, one line in a notebook, a few elsewhere; always on stderr, because stdout is data."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 30.0
REDRAWN_EVERY_S = 0.5
"""In a notebook, where a line replaces the one before."""


class Bar:
    """Counts `total` steps of one piece of work.

    On a terminal it draws a bar with the time left; in a notebook it draws one line again and again; elsewhere it
    prints a line when half a minute has passed since the last one, and one at the end, so that a log stays readable.

    Args:
        description: what is being done, two or three words.
        total: number of steps.
        quiet: print nothing (for tests and for processes other than the first).
    """

    def __init__(self, description: str, total: int, *, quiet: bool = False) -> None:
        self.description, self.total, self.quiet = description, total, quiet
        self.done = 0
        self.note = ""
        self._rich: Progress | None = None
        self._task: TaskID | None = None
        self._in_notebook = type(sys.stderr).__module__.startswith("ipykernel.")

    def __enter__(self) -> Self:
        self._started = self._printed = time.monotonic()
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
            )
            self._rich = Progress(*columns, console=Console(stderr=True))
            self._rich.start()
            self._task = self._rich.add_task(self.description, total=self.total, note="")
        return self

    def advance(self, steps: int = 1, *, note: str | None = None) -> None:
        """Count steps; `note` is shown behind the bar until the next one."""
        self.done += steps
        self.note = self.note if note is None else note
        if self._rich is not None and self._task is not None:
            self._rich.update(self._task, completed=self.done, note=self.note)
        elif not self.quiet and time.monotonic() - self._printed >= self._every_s:
            self._print(end="" if self._in_notebook else "\n")

    @property
    def _every_s(self) -> float:
        return REDRAWN_EVERY_S if self._in_notebook else LINE_EVERY_S

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rich is not None:
            self._rich.stop()
        elif not self.quiet:
            self._print()

    def _print(self, end: str = "\n") -> None:
        self._printed = time.monotonic()
        elapsed = self._printed - self._started
        line = f"{self.description}: {self.done}/{self.total} in {elapsed:.0f} s  {self.note}".rstrip()
        begin = "\r" if self._in_notebook else ""
        print(f"{begin}{line}", end=end, file=sys.stderr, flush=True)
