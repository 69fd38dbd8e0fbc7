"""Data-flow graphs of real functions: how many, how long, how many crash, how many have an edge.

Run: python benchmarks/bench_dataflow.py [--mode papers] [--processes 2]
"""

import argparse
import json
import lzma
import time
from multiprocessing import get_context
from pathlib import Path

from codewren.dataflow import data_flow

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {"Devign validation": ("devign/valid.jsonl.xz", "c"), "BigCloneBench": ("bcb/functions.jsonl.xz", "java")}


def measure(job):
    """Nodes, edges, whether the parser met errors, CPU seconds; or the error."""
    source, language, mode = job
    begun = time.process_time()
    try:
        flow = data_flow(source, language, mode=mode)
    except Exception as error:  # a crash is what is counted here
        return repr(error)
    return len(flow.nodes), len(flow.edges), flow.has_errors, time.process_time() - begun


def report(title, results, seconds):
    """One row of the table."""
    good = [result for result in results if not isinstance(result, str)]
    times = sorted(result[3] * 1000 for result in good)
    nodes, edges = (sorted(result[k] for result in good)[len(good) // 2] for k in (0, 1))
    share = sum(result[1] > 0 for result in good) / len(results)
    print(
        f"{title}: {len(results):,} functions in {seconds:.1f} s; {len(results) - len(good)} crashes; "
        f"at least one edge {share:.2%}; parse errors {sum(result[2] for result in good):,}; "
        f"CPU ms a function mean {sum(times) / len(times):.2f}, median {times[len(times) // 2]:.2f}, "
        f"p99 {times[len(times) * 99 // 100]:.2f}, most {times[-1]:.1f}; median {nodes} nodes, {edges} edges"
    )
    for result in {result for result in results if isinstance(result, str)}:
        print("   crash:", result)


def main():
    """Both data sets, and their total."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=["repaired", "papers"], default="repaired")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--limit", type=int, default=None, help="functions of each set")
    options = parser.parse_args()
    total = cpu = 0.0
    with get_context("spawn").Pool(options.processes) as pool:
        for title, (name, language) in SETS.items():
            with lzma.open(DATA / name, "rt", encoding="utf-8") as lines:
                jobs = [(json.loads(line)["func"], language, options.mode) for line in lines][: options.limit]
            begun = time.perf_counter()
            results = pool.map(measure, jobs, chunksize=64)
            seconds = time.perf_counter() - begun
            total += seconds
            report(f"{title} ({options.mode})", results, seconds)
            cpu += sum(result[3] for result in results if not isinstance(result, str))
    print(f"total {total:.1f} s on {options.processes} processes, {cpu:.1f} s of processor time")


if __name__ == "__main__":
    main()
