"""How fast `codewren scan` is: a tree of C files cold and cached, one file from process start to exit, and clones.

    python benchmarks/bench_scan.py [--model vulnerability-c] [--clone-model clone-java] [--functions 37614]
                                    [--clones 10000] [--rounds 15]

What is measured is what ships, or any other bundle: how long a scan takes depends on the head, the threshold and what
is found. The tree is made of real functions (../shared/data/unlabelled_c) in the files they came from, the clones of
real Java methods. Everything is measured from outside: each row is one or more runs of the command line, with wall
time, processor time of all its processes, and the largest resident size of any of them. On a machine that is busy with
other work wall time says little: the last column is functions a processor second.
"""

import argparse
import itertools
import json
import lzma
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).resolve().parents[2] / "shared/data"
SCAN = [str(Path(sys.executable).with_name("codewren")), "scan", "--quiet"]
WATCH = """
import os, resource, sys, time
started = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, 1, 0)])
status = os.waitpid(pid, 0)[1]
wall_s, used = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
print([wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss, os.waitstatus_to_exitcode(status)])
"""


class Run(NamedTuple):
    """One run of the command: seconds on the clock and of processors, and memory of the largest process."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main() -> None:
    """Build, measure, print."""
    arguments = _arguments()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        functions = _functions("unlabelled_c")[: arguments.functions]
        files = _write_tree(folder / "tree", functions)
        print(f"{cores} cores, load {os.getloadavg()[0]:.1f}; {arguments.model}, {arguments.clone_model}")
        print(f"{files} files, {sum(p.stat().st_size for p in (folder / 'tree').rglob('*.c')) / 1e6:.0f} MB of C")
        print(f"{'':34}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}{'per wall s':>12}{'per cpu s':>12}")
        tree = ["-m", arguments.model, "--cache-dir", str(folder / "cache"), "--jobs", str(cores), str(folder / "tree")]
        _row("tree, cold", _run(tree), len(functions))
        for _ in range(3):
            _row("tree, cached", _run(tree), len(functions))
        file = next(path for path in sorted((folder / "tree").rglob("*.c")) if 2_000 < path.stat().st_size < 20_000)
        _one_file([*tree[:2], str(file)], arguments.rounds)
        _clones(folder, arguments, cores)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="vulnerability-c", help="name or path of a bundle that judges functions")
    parser.add_argument("--clone-model", default="clone-java", help="name or path of a bundle that judges pairs")
    parser.add_argument("--functions", type=int, default=37_614)
    parser.add_argument("--clones", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    return parser.parse_args()


def _functions(name: str) -> list[dict[str, str]]:
    with lzma.open(DATA / name / "functions.jsonl.xz", "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def _write_tree(folder: Path, functions: list[dict[str, str]]) -> int:
    """Write functions into the files they came from; how many files."""
    files = 0
    for (project, name), rows in itertools.groupby(functions, key=lambda row: (row["project"], row["file"])):
        path = folder / project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        files += not path.exists()
        with path.open("a", encoding="utf-8") as stream:
            stream.write("\n\n".join(row["func"] for row in rows) + "\n\n")
    return files


def _run(arguments: list[str]) -> Run:
    """Run and measure from a small process: a child's peak memory counts that of the process it was forked from."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", WATCH, *SCAN, *arguments], stdout=subprocess.PIPE, check=True
    )
    wall_s, cpu_s, peak_kb, code = json.loads(done.stdout)
    if code not in {0, 1}:
        raise SystemExit(f"codewren scan ended with {code}")
    return Run(wall_s, cpu_s, peak_kb / 1e3)


def _row(name: str, run: Run, functions: int) -> None:
    rates = f"{functions / run.wall_s:12,.0f}{functions / run.cpu_s:12,.0f}"
    print(f"{name:34}{run.wall_s:9.2f}{run.cpu_s:9.2f}{run.peak_mb:9.0f}{rates}", flush=True)


def _one_file(arguments: list[str], rounds: int) -> None:
    runs = [_run(arguments) for _ in range(rounds + 1)][1:]
    walls = sorted(run.wall_s for run in runs)
    median_cpu = statistics.median(run.cpu_s for run in runs)
    print(
        f"one file, start to exit: median {1e3 * statistics.median(walls):.0f} ms, best {1e3 * walls[0]:.0f} ms, "
        f"processor {1e3 * median_cpu:.0f} ms, peak {max(run.peak_mb for run in runs):.0f} MB"
    )


def _clones(folder: Path, arguments: argparse.Namespace, cores: int) -> None:
    rows = _functions("unlabelled_java")[: arguments.clones]
    for index in range(0, len(rows), 20):
        path = folder / "java" / f"File{index}.java"
        path.parent.mkdir(exist_ok=True)
        text = "\n".join(row["func"] for row in rows[index : index + 20])
        path.write_text(f"class File{index} {{\n{text}\n}}\n", encoding="utf-8")
    command = [
        "-m",
        arguments.clone_model,
        "--no-cache",
        "--min-lines",
        "1",
        "--jobs",
        str(cores),
        str(folder / "java"),
    ]
    _row(f"clones, {len(rows):,} functions", _run(command), len(rows))


if __name__ == "__main__":
    main()
