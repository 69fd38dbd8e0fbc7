"""What a new process costs: from its start to the first prediction, and the most memory it ever holds.

    python -m codewren.measure.fresh_process MODEL.wren < items.json

A child reads its items as JSON from standard input, answers the first, says so, answers the rest, and says how much
memory it held. This module is both sides; a child that loads torch has its own main with the same `answer`.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codewren.core.errors import CodewrenError

STATUS = Path("/proc/self/status")
PATIENCE_S = 600.0

Predict = Callable[[Sequence[Any]], object]


class ChildError(CodewrenError):
    """A child process gave no answer."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process to start, and the items it is asked to judge."""

    command: tuple[str, ...]
    items: tuple[object, ...]


def cold_starts(
    children: Mapping[str, Child], *, runs: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds from starting each child to its first prediction, the children in turn.

    The first round, which brings the files into memory, is not counted.

    Raises:
        ChildError: a child ended without an answer.
    """
    seconds: dict[str, list[float]] = {name: [] for name in children}
    for turn in range(-1, runs):
        for name in list(children) if turn % 2 == 0 else reversed(list(children)):
            took, _ = _run(children[name].command, children[name].items[:1], clock)
            if turn >= 0:
                seconds[name].append(took)
    return seconds


def peak_memories(children: Mapping[str, Child]) -> dict[str, int]:
    """Most bytes of memory that each child ever held while it answered its items one by one.

    Raises:
        ChildError: a child ended without an answer.
    """
    return {name: _run(child.command, child.items, time.perf_counter)[1] for name, child in children.items()}


def _run(command: Sequence[str], items: Sequence[object], clock: Callable[[], float]) -> tuple[float, int]:
    """Seconds to the first answer, and peak memory."""
    request = json.dumps(list(items)).encode("utf-8", "surrogatepass")
    start = clock()
    with subprocess.Popen(
        list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        if child.stdin is None or child.stdout is None or child.stderr is None:
            raise ChildError(f"{command[0]}: no pipes to the child")
        with suppress(BrokenPipeError):  # a child that ends at once says why on standard error
            child.stdin.write(request)
            child.stdin.close()
        first = child.stdout.readline()
        took = clock() - start
        last, errors = child.stdout.readline(), child.stderr.read()
        child.wait(PATIENCE_S)
    if not first or not last:
        lines = errors.decode("utf-8", "replace").strip().splitlines() or [f"exit code {child.returncode}"]
        raise ChildError(f"{' '.join(command[1:4])} gave no prediction in a new process: {lines[-1]}")
    return took, int(json.loads(last)["peak_bytes"])


def answer(load: Callable[[], Predict]) -> None:
    """A child's main: load, answer the first item, say so, answer the rest one by one, say the peak memory."""
    items = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
    predict = load()
    predict(items[:1])
    print(json.dumps({"ready": True}), flush=True)
    for item in items[1:]:
        predict([item])
    print(json.dumps({"peak_bytes": peak_bytes()}), flush=True)


def peak_bytes(status: Path = STATUS) -> int:
    """Most resident memory of this process since it was loaded.

    Linux's `ru_maxrss` also counts the parent's memory that a child shared before it loaded its own program, so a
    benchmark with torch in it would find torch in every child; `VmHWM` begins anew with the program.
    """
    try:
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def bundle_command(path: Path) -> list[str]:
    """The child that loads a bundle, with this interpreter."""
    return [sys.executable, "-m", "codewren.measure.fresh_process", str(path)]


def _load_bundle() -> Predict:
    from codewren import load

    return load(sys.argv[1]).predict_proba


if __name__ == "__main__":
    answer(_load_bundle)
