"""The journal of a search: one JSON line a trial, never half written, enough to go on after a kill."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from codewren.core.errors import ConfigError, InputError
from codewren.core.files import write_bytes
from codewren.search.trials.trial import Request, Trial

SCHEMA = 1
PASSING = ("InputError: cannot write", "OSError", "MemoryError")
"""Beginnings of errors that say nothing of the student."""


class Journal:
    """Trials by request, kept on disk where a path is given.

    The file is replaced as a whole after every trial, lines in the order of the trials' numbers, so a kill at any
    moment leaves a journal that a resumed search can only extend.
    """

    def __init__(self, path: Path | None = None, *, context: str = "") -> None:
        """Open or start a journal.

        `context` names the search it belongs to (say, a hash of data and settings).

        Raises:
            InputError: the file is no journal, or belongs to another search.
        """
        self._path, self._context = path, context
        self._trials: dict[Request, Trial] = {}
        if path is not None and path.exists():
            found, trials = read_journal(path)
            if found != context:
                raise InputError(
                    f"{path} is the journal of another search ({found!r}, not {context!r}); "
                    "choose another folder, or name the file as a warm start"
                )
            self._trials = {trial.request: trial for trial in trials if not _passing(trial)}

    def find(self, request: Request) -> Trial | None:
        """The trial of a request, if it was ever run."""
        return self._trials.get(request)

    def add(self, trial: Trial) -> None:
        """Record a trial and write the file."""
        self._trials[trial.request] = trial
        if self._path is not None:
            head = {"journal": SCHEMA, "context": self._context}
            rows = [head, *(trial.to_dict() for trial in self.trials)]
            write_bytes(self._path, "".join(json.dumps(row) + "\n" for row in rows).encode())

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, by number."""
        return tuple(sorted(self._trials.values(), key=lambda trial: trial.number))


def read_journal(path: Path) -> tuple[str, tuple[Trial, ...]]:
    """Context and trials of a journal file.

    Raises:
        InputError: the file cannot be read, or a line of it is no trial.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the journal {path}: {error}") from None
    context = ""
    trials = []
    for number, line in enumerate(lines, start=1):
        try:
            raw = json.loads(line)
            if number == 1:
                context = _context(raw, path)
            else:
                trials.append(Trial.from_dict(raw))
        except (ValueError, TypeError, KeyError, ConfigError) as error:
            raise InputError(
                f"{path}, line {number}: not a trial ({error}); move the file away to start anew"
            ) from None
    return context, tuple(trials)


def _passing(trial: Trial) -> bool:
    """Whether a trial failed for a reason that may have passed, a full disk say: it is run again."""
    return trial.error is not None and trial.error.startswith(PASSING)


def read_journals(paths: Iterable[Path]) -> tuple[Trial, ...]:
    """Trials of earlier searches, for a warm start.

    Raises:
        InputError: a file cannot be read.
    """
    return tuple(trial for path in paths for trial in read_journal(path)[1])


def _context(raw: Any, path: Path) -> str:
    if not isinstance(raw, dict) or raw.get("journal") != SCHEMA:
        raise InputError(f"{path}: not a journal of schema {SCHEMA}; its first line is {str(raw)[:60]!r}")
    return str(raw["context"])
