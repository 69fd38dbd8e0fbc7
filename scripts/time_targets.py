"""Times every instruction set that this machine can run, side by side, in processor time.

    python scripts/time_targets.py FUNCTIONS.jsonl.xz --limit 300

The file has an object with `func` a line. Prints milliseconds a function for students, vectors a function for the
similarity encoder, and its comparison of all pairs: the least of several interleaved rounds.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from compare_wasm import functions

from codewren import _native
from codewren.bundle.open import open_bundle
from codewren.predict.predictor import find_bundle, predictor_of

ROUNDS = 7
STUDENTS = ("vulnerability-c-micro", "vulnerability-c-standard", "clone-java-mini")


def least_ms(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The least processor time of each, in interleaved rounds."""
    least = dict.fromkeys(work, float("inf"))
    for _ in range(ROUNDS):
        for name, run in work.items():
            started = time.process_time()
            run()
            least[name] = min(least[name], 1e3 * (time.process_time() - started))
    return least


def shown(title: str, times: dict[str, float], divisor: int) -> None:
    """One line of a table."""
    reference = times.get("avx2", min(times.values()))
    columns = [f"{name} {spent / divisor:.3f} ({spent / reference:.2f} x AVX2)" for name, spent in times.items()]
    print(f"{title}: {', '.join(columns)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--limit", type=int, default=300)
    arguments = parser.parse_args()
    texts = functions(arguments.file, arguments.limit)
    for name in STUDENTS:
        bundle = open_bundle(find_bundle(name))
        work = {}
        for target in _native.targets():
            predictor = predictor_of(bundle, threads=1, target=target)
            work[target] = lambda it=predictor: it.encode(texts)
        shown(f"{name}, ms a function", least_ms(work), len(texts))
    bundle = open_bundle(find_bundle("clones-mini"))
    encoders = {name: predictor_of(bundle, threads=1, target=name) for name in _native.similarity_targets()}
    encoding = {name: lambda encoder=encoder: encoder.encode(texts) for name, encoder in encoders.items()}
    shown("clones-mini, ms a function", least_ms(encoding), len(texts))
    vectors = bytes(next(iter(encoders.values())).encode(texts)) * 10
    pairs = {name: lambda one=encoder: one.neighbours(vectors, vectors, 1) for name, encoder in encoders.items()}
    shown(f"all pairs of {10 * len(texts)} vectors, ms", least_ms(pairs), 1)


if __name__ == "__main__":
    main()
