"""What scans found over time: one line of JSON for each, appended by a single write."""

import json
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from codewren.core.errors import InputError
from codewren.core.task import Unit
from codewren.scan.finding import CloneKind
from codewren.scan.result import ScanResult

_BEGINNING = b'{"time": '
LARGEST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """The figures of one scan of all code.

    Attributes:
        time: when, as ISO 8601 in UTC.
        commit: what was checked out; empty outside of git.
        model: name of the bundle's file.
        task: that it judges.
        files: judged.
        functions: in them.
        function_lines: lines inside functions.
        findings: all, known ones too.
        copies: classes of clones that are exact, renamed or edited.
        saved_lines: of these classes, lines that would go if one function of each served for all.
    """

    time: str
    commit: str
    model: str
    task: str
    files: int
    functions: int
    function_lines: int
    findings: int
    copies: int
    saved_lines: int

    @classmethod
    def of(cls, result: ScanResult, model: str) -> Self:
        """The figures of a result, before any finding is taken out of it."""
        close = [finding for finding in result.findings if finding.others and finding.kind is not CloneKind.SEMANTIC]
        return cls(
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            commit=_commit(),
            model=model,
            task=result.task.name,
            files=result.files,
            functions=result.functions,
            function_lines=sum(result.function_lines.values()),
            findings=len(result.findings),
            copies=len(close),
            saved_lines=sum(finding.saved_lines for finding in close),
        )

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Self:
        """Read the JSON form.

        Raises:
            ValueError: it is another one.
        """
        values: dict[str, Any] = {name: row.get(name) for name in cls.__annotations__}
        wrong = [name for name, kind in cls.__annotations__.items() if type(values[name]) is not kind]
        if wrong:
            raise ValueError(f"{wrong[0]} is {values[wrong[0]]!r}")
        return cls(**values)

    @property
    def share(self) -> float:
        """Of the lines in functions, those that could go."""
        return self.saved_lines / self.function_lines if self.function_lines else 0.0


def append(path: Path, run: Run) -> list[Run]:
    """Add a line to a file of runs, and return all of its task and model, in order.

    Raises:
        InputError: the file cannot be read or written, or holds something else.
    """
    earlier, ends_a_line = _read(path)
    line = json.dumps(asdict(run)) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as stream:  # one write: two scans do not mix their lines
            stream.write(("" if ends_a_line else "\n").encode() + line.encode())
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
    return [one for one in (*earlier, run) if (one.task, one.model) == (run.task, run.model)]


def _read(path: Path) -> tuple[list[Run], bool]:
    """All runs of a file, and whether its last line is whole; what a killed scan left of a line is passed over."""
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        return [], True
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    if len(content) > LARGEST_BYTES:
        raise InputError(f"{path}: larger than {LARGEST_BYTES} bytes; begin a new history")
    runs = list[Run]()
    lines = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            if line:
                runs.append(Run.from_dict(json.loads(line)))
        except (ValueError, AttributeError, RecursionError):
            if line[: len(_BEGINNING)] != _BEGINNING[: len(line)]:
                raise InputError(f"{path}:{number}: no line of a history; name another file") from None
    return runs, not lines[-1]


def _commit() -> str:
    try:
        done = subprocess.run(["git", "rev-parse", "--verify", "HEAD"], capture_output=True, check=False, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def badge_texts(run: Run, unit: Unit) -> tuple[str, str, float]:
    """Label and value of a badge, and how bad that is from 0 to 1."""
    if unit is Unit.PAIR:
        return "duplicated", f"{run.share:.1%}", min(1.0, run.share / 0.2)
    return run.task, f"{run.findings:,}", min(1.0, run.findings / 20)
