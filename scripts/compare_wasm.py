"""Compares the probabilities of WebAssembly with the native ones on the functions of a file, and times both.

    python scripts/compare_wasm.py FUNCTIONS.jsonl.xz --bundle vulnerability-c-micro --repeats 5

The file has an object with `func` a line, packed with xz or not. Needs node, and the modules in packages/codewren-js.
"""

import argparse
import json
import lzma
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from codewren.predict.predictor import Predictor, find_and_open

ROOT = Path(__file__).resolve().parents[1]
TOLERANCE = 1e-5


def functions(path: Path, limit: int | None) -> list[str]:
    """Texts of a file."""
    content = path.read_bytes()
    lines = (lzma.decompress(content) if path.suffix == ".xz" else content).decode().splitlines()
    return [json.loads(line)["func"] for line in lines if line][:limit]


def judged_by_wasm(bundle: Path, module: str, texts: list[str], repeats: int) -> Any:
    """What the script for node prints."""
    wasm = ROOT / f"packages/codewren-js/wasm/{module}.wasm"
    command = ["node", str(ROOT / "scripts/wasm_probabilities.mjs"), str(bundle), str(wasm), str(repeats)]
    ended = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)


def native_milliseconds(predictor: Predictor, texts: list[str], repeats: int) -> float:
    """Mean over texts of each one's quickest run."""
    total = 0.0
    for text in texts:
        quickest = float("inf")
        for _ in range(repeats):
            started = time.perf_counter()
            predictor.predict_proba([text])
            quickest = min(quickest, time.perf_counter() - started)
        total += quickest
    return 1e3 * total / len(texts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--bundle", default="vulnerability-c-micro")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--repeats", type=int, default=0)
    arguments = parser.parse_args()
    bundle = find_and_open(arguments.bundle)
    texts = functions(arguments.file, arguments.limit)
    predictor = Predictor(bundle, threads=1)
    rows = predictor.predict_proba(texts)
    print(f"{len(texts)} functions, {arguments.bundle}")
    if arguments.repeats:
        print(f"{predictor.target}: {native_milliseconds(predictor, texts, arguments.repeats):.3f} ms a function")
    largest = 0.0
    for module in ("codewren-simd", "codewren"):
        found = judged_by_wasm(bundle.path, module, texts, arguments.repeats)
        pairs = zip(rows, found["rows"], strict=True)
        difference = max(abs(a - b) for row, other in pairs for a, b in zip(row, other, strict=True))
        spent = f", {found['milliseconds']:.3f} ms a function" if arguments.repeats else ""
        print(f"{found['target']}: probabilities differ by at most {difference:.1e}{spent}")
        largest = max(largest, difference)
    return 1 if largest > TOLERANCE else 0


if __name__ == "__main__":
    sys.exit(main())
