"""What an index costs: start, a query, memory, and following one edited file.

    python benchmarks/index_queries.py TREE [--model clones-mini] [--queries 300] [--limit-functions 100000]

Every measure is taken in a fresh process that finds the index built, and is processor time (user and system, all
threads), so that neighbours on a busy machine hardly count; seconds of the clock stand beside it. Memory is the largest
resident set, of which the mapped vectors are a part that the system may take back.

- start: a new process imports codewren, opens the index and the model, and answers one query;
- a query: the text of a function of the tree, drawn with a seed, in a process that is warm;
- after one edited file: a function is added to a file of the tree (which is put back), and `update` is called with its
  path, and without, which looks at the stamps of all files.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from codewren.index.tree_index import Index

ADDED = {
    ".py": "\n\ndef added_by_a_benchmark(values, limit):\n    total = 0\n    for value in values:\n"
    "        if value > limit:\n            total += value\n    return total\n",
    "": "\nint added_by_a_benchmark(int *values, int size, int limit) {\n  int total = 0;\n"
    "  for (int i = 0; i < size; i++) if (values[i] > limit) total += values[i];\n  return total;\n}\n",
}


def main() -> None:
    """Build or update the index, then measure in children."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--model", default="clones-mini")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--edits", type=int, default=30)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--index-dir", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", choices=sorted(PARTS), help="what a child measures")
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(PARTS[arguments.part](arguments)))
        return
    with _opened(arguments) as index:
        started = time.process_time()
        update = index.update()
        size = sum(path.stat().st_size for path in index.folder.iterdir())
        print(f"{update.functions:,} functions of {index.files:,} files, {size / 1e6:.0f} MB on disk")
        print(f"{'building or updating':34}{time.process_time() - started:10.1f} s")
    starts = [_child(arguments, "start") for _ in range(arguments.starts)]
    _row("start and first query", [one["cpu_s"] for one in starts], [one["wall_s"] for one in starts])
    queries = _child(arguments, "query")
    _row("a query", queries["cpu_s"], queries["wall_s"])
    edits = _child(arguments, "edit")
    _row("after one edited file, named", edits["named_cpu_s"], edits["named_wall_s"])
    _row("after one edited file, not named", edits["cpu_s"], edits["wall_s"])
    print(f"{'largest resident set':34}{queries['rss_mb']:10.0f} MB")


def _row(name: str, cpu_s: list[float], wall_s: list[float]) -> None:
    p99 = quantiles(cpu_s, n=100)[98] if len(cpu_s) > 20 else max(cpu_s)
    wall = f"clock: median {1e3 * median(wall_s):.1f}, least {1e3 * min(wall_s):.1f}"
    print(f"{name:34}{1e3 * median(cpu_s):10.1f} ms, 99th percentile {1e3 * p99:.1f} ({wall})")


def _opened(arguments: argparse.Namespace) -> Index:
    return Index.open(arguments.tree, model=arguments.model, folder=arguments.index_dir)


def _child(arguments: argparse.Namespace, part: str) -> dict[str, object]:
    before, started = os.times(), time.perf_counter()
    command = [sys.executable, *sys.argv, "--part", part]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    after = os.times()
    whole = {
        "cpu_s": after.children_user + after.children_system - before.children_user - before.children_system,
        "wall_s": time.perf_counter() - started,
    }
    return {**whole, **json.loads(printed)}


def _start(arguments: argparse.Namespace) -> dict[str, object]:
    with _opened(arguments) as index:
        index.query(ADDED[".py"], language="python")
    return {}


def _query(arguments: argparse.Namespace) -> dict[str, object]:
    rng = random.Random(arguments.seed)
    cpu, wall = [], []
    with _opened(arguments) as index:
        paths = sorted(path for path, entry in index._newest().catalog.entries.items() if entry.segment >= 0)
        while len(cpu) < arguments.queries:
            path = index.root / rng.choice(paths)
            text, record = (
                path.read_bytes(),
                index._newest().record(index._newest().catalog.entries[_relative(path, index)]),
            )
            start, end = record.span(rng.randrange(len(record)))
            language = index._newest().catalog.entries[_relative(path, index)].language
            cpu_start, wall_start = time.process_time(), time.perf_counter()
            index.query(text[start:end], language=language)
            cpu.append(time.process_time() - cpu_start)
            wall.append(time.perf_counter() - wall_start)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {"cpu_s": cpu, "wall_s": wall, "rss_mb": rss}


def _relative(path: Path, index: Index) -> str:
    return os.path.relpath(path, index.root)


def _edit(arguments: argparse.Namespace) -> dict[str, object]:
    rng = random.Random(arguments.seed)
    times: dict[str, list[float]] = {"named_cpu_s": [], "named_wall_s": [], "cpu_s": [], "wall_s": []}
    with _opened(arguments) as index:
        entries = index._newest().catalog.entries
        paths = sorted(path for path, entry in entries.items() if entry.language in {"python", "c", "cpp"})
        for number in range(2 * arguments.edits):
            path = index.root / rng.choice(paths)
            named = number % 2 == 0
            original = path.read_bytes()
            path.write_bytes(original + ADDED[".py" if path.suffix == ".py" else ""].encode())
            try:
                cpu_start, wall_start = time.process_time(), time.perf_counter()
                index.update([path] if named else None)
                cpu, wall = time.process_time() - cpu_start, time.perf_counter() - wall_start
            finally:
                _put_back(path, original)
            times["named_cpu_s" if named else "cpu_s"].append(cpu)
            times["named_wall_s" if named else "wall_s"].append(wall)
            index.update([path])
    return dict(times)


def _put_back(path: Path, content: bytes) -> None:
    """Replace a file whole, so that a hard link elsewhere keeps what it has."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as stream:
        stream.write(content)
    Path(stream.name).replace(path)


PARTS = {"start": _start, "query": _query, "edit": _edit}

if __name__ == "__main__":
    main()
