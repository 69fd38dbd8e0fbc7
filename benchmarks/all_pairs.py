"""Processor time and memory of encoding many functions and comparing all their pairs, by their number.

    python benchmarks/all_pairs.py BUNDLE FUNCTIONS... [--sizes 10000 100000] [--rounds 3]

FUNCTIONS are files that recipes read (`func`, and `language` where they have it). Each size is measured in a process of
its own, one thread, sizes in turn, and the least of the rounds counts; it is compared at the bundle's alert threshold.
The aim: 100,000 functions in at most 60 times the time of 10,000, with at most 1 KB a function. What the list of pairs
holds, as Python objects, is told apart: it grows with the copies among the functions; a scan keeps half a million.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

from codewren.data.readers import read_rows
from codewren.predict.predictor import load

LIMIT = 100_000_000
PAIR_BYTES = sys.getsizeof((1, 2, 0.5)) + 2 * sys.getsizeof(1000)  # equal probabilities are one object


def main() -> None:
    """Measure each size, and print the ratio of the last to the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("functions", nargs="+", type=Path)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)  # in a process of its own
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measured(arguments.bundle, arguments.functions, arguments.measure)))
        return
    command = [sys.executable, __file__, arguments.bundle, *map(str, arguments.functions), "--measure"]
    rounds = [
        [json.loads(subprocess.check_output([*command, str(size)])) for size in arguments.sizes]
        for _ in range(arguments.rounds)
    ]
    titles = f"{'functions':>10}{'encode s':>10}{'pairs s':>10}{'both s':>10}{'pairs above':>14}"
    print(f"{titles}{'bytes a function':>18}{'list':>7}")
    both = []
    for size, runs in zip(arguments.sizes, zip(*rounds, strict=True), strict=True):
        best = min(runs, key=lambda run: run["encode_s"] + run["pairs_s"])
        both.append(best["encode_s"] + best["pairs_s"])
        print(
            f"{size:>10}{best['encode_s']:>10.2f}{best['pairs_s']:>10.2f}{both[-1]:>10.2f}{best['above']:>14}"
            f"{(best['memory_bytes'] - best['list_bytes']) / size:>18.0f}{best['list_bytes'] / size:>7.0f}"
        )
    print(f"{arguments.sizes[-1] / arguments.sizes[0]:g} times the functions: {both[-1] / both[0]:.1f} times the time")


def measured(bundle: str, files: list[Path], size: int) -> dict[str, float]:
    """Seconds of processor time, pairs above the alert threshold, and how much more memory was held at the most."""
    rows = [(str(row.values["func"]), row.values.get("language")) for path in files for row in read_rows(path)]
    if len(rows) < size:
        sys.exit(f"{len(rows):,} functions in the files, {size:,} were asked for")
    rows = random.Random(0).sample(rows, size)
    texts, languages = [text for text, _ in rows], [None if name is None else str(name) for _, name in rows]
    predictor = load(bundle)
    predictor.threads = 1
    decision = predictor.bundle.decision
    start_bytes, start = peak_bytes(), time.process_time()
    vectors = predictor.encode(texts, languages=languages)
    encoded = time.process_time()
    above = predictor.pairs_above(vectors, decision.alert_threshold or decision.threshold, limit=LIMIT)
    seconds = {"encode_s": encoded - start, "pairs_s": time.process_time() - encoded}
    list_bytes = sys.getsizeof(above) + len(above) * PAIR_BYTES
    return seconds | {"above": len(above), "memory_bytes": peak_bytes() - start_bytes, "list_bytes": list_bytes}


def peak_bytes() -> int:
    """Most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
