"""Feeds damaged input to the reader, the tokenizers, the kernel, the extraction and the data flow, and counts.

    python scripts/damage/run.py bundles build/damage/bundles.json --cases 1000000 --native build/asan/_native*.so
    python scripts/damage/run.py similarity build/damage/similarity.json --cases 100000 --native build/asan/_native*.so
    python scripts/damage/run.py hint build/damage/hint.json --cases 100000 --native build/asan/_native*.so
    python scripts/damage/run.py c_bundles build/damage/c.json --cases 100000
    python scripts/damage/run.py sources build/damage/sources.json --cases 100000 --native build/asan/_native*.so

Every case follows from its number. Cases run in a child process, chunk by chunk: one that ends the child is recorded
with what the child said, and the next case goes on. Killed at any time, the same command goes on from the last chunk.
Exit code 1 where a case was a fault. `--case N` runs one case again in this process.

With a core built under the sanitizers, set LD_PRELOAD and ASAN_OPTIONS as docs/bundle-format.md, "Damage", does.
"""

import argparse
import importlib
import importlib.util
import json
import mmap
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from state import State

LIMIT_S = 60.0  # of processor time for one case
CHILD_LIMIT_S = 3_600
ERROR_CHARACTERS = 3_000
NOT_BEGUN = 2**64 - 1
KINDS = ("bundles", "similarity", "hint", "sources", "c_bundles")


def use_core(path: str) -> None:
    """Let codewren use this compiled core instead of its own."""
    import codewren

    spec = importlib.util.spec_from_file_location("codewren._native", path)
    if spec is None or spec.loader is None:
        sys.exit(f"{path} is no compiled module")
    module = importlib.util.module_from_spec(spec)
    sys.modules["codewren._native"] = module
    spec.loader.exec_module(module)
    codewren._native = module


def cases_of(kind: str) -> Any:
    return importlib.import_module(kind).Cases()


def case_rng(kind: str, number: int) -> random.Random:
    return random.Random(f"{kind} {number}")


def run_one(cases: Any, kind: str, number: int) -> tuple[str, dict[str, Any] | None]:
    """The outcome of a case, and what is wrong with it if something is."""
    before = time.process_time()
    try:
        outcome = cases.run(case_rng(kind, number))
    except Exception as error:
        said = "".join(traceback.format_exception(error))[-ERROR_CHARACTERS:]
        return "fault", {"case": number, "said": said}
    spent = time.process_time() - before
    if spent > LIMIT_S:
        return "slow", {"case": number, "said": f"took {spent:.1f} s: {outcome}"}
    return outcome, None


def child(kind: str, first: int, last: int, mark: Path) -> None:
    """Run cases, and print counts and faults; `mark` always holds the number of the running case."""
    time.thread_time = time.monotonic  # which is a system call less for each parse, half of a case in some sandboxes
    cases = cases_of(kind)
    counts: Counter[str] = Counter()
    faults = []
    with mark.open("r+b") as stream, mmap.mmap(stream.fileno(), 8) as shared:
        for number in range(first, last):
            shared[:] = number.to_bytes(8, "little")
            outcome, fault = run_one(cases, kind, number)
            counts[outcome] += 1
            faults += [fault] if fault else []
    cases.close()
    print(json.dumps({"counts": counts, "faults": faults}))


def chunk(arguments: argparse.Namespace, first: int, last: int) -> dict[str, Any]:
    """Counts and faults of some cases; a case that ends its child is a fault, and the others go on."""
    with tempfile.NamedTemporaryFile() as mark:
        mark.write(NOT_BEGUN.to_bytes(8, "little"))
        mark.flush()
        options = ["--native", arguments.native, "--child", str(first), str(last), mark.name]
        command = [sys.executable, __file__, arguments.kind, str(arguments.state), *options]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=CHILD_LIMIT_S)
        if ended.returncode == 0:
            result: dict[str, Any] = json.loads(ended.stdout)
            return result
        number = int.from_bytes(Path(mark.name).read_bytes()[:8], "little")
    if number == NOT_BEGUN:
        sys.exit(f"no case could be run: {ended.stderr[-ERROR_CHARACTERS:]}")
    fault = {"case": number, "said": f"exit {ended.returncode}: {ended.stderr[-ERROR_CHARACTERS:]}"}
    parts = [chunk(arguments, *span) for span in ((first, number), (number + 1, last)) if span[0] < span[1]]
    counts = sum((Counter(part["counts"]) for part in parts), Counter({"ended the process": 1}))
    return {"counts": counts, "faults": [fault, *(fault for part in parts for fault in part["faults"])]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("state", type=Path)
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--chunk", type=int, default=10_000)
    parser.add_argument("--native", default="", help="the compiled core to use")
    parser.add_argument("--case", type=int, help="run this case alone")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.native:
        arguments.native = str(Path(arguments.native).resolve())
    if arguments.child or arguments.case is not None:
        if arguments.native:
            use_core(arguments.native)
        if arguments.case is not None:
            cases = cases_of(arguments.kind)
            print(cases.run(case_rng(arguments.kind, arguments.case)))
            cases.close()
            return 0
        first, last, mark = arguments.child
        child(arguments.kind, int(first), int(last), Path(mark))
        return 0
    return supervise(arguments)


def supervise(arguments: argparse.Namespace) -> int:
    sanitizers = "address,undefined" if "asan" in os.environ.get("LD_PRELOAD", "") else ""
    state = State(arguments.state, {"kind": arguments.kind, "sanitizers": sanitizers})
    while state.done < arguments.cases:
        last = min(arguments.cases, state.done + arguments.chunk)
        result = chunk(arguments, state.done, last)
        state.add(result["counts"])
        state.faults.extend(result["faults"])
        state.save(last, f"{last} of {arguments.cases} {arguments.kind}, {len(state.faults)} faults")
    return 1 if state.faults else 0


if __name__ == "__main__":
    sys.exit(main())
