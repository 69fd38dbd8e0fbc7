"""Scans the real source files of whole trees and counts crashes, which should be none, and refusals by reason.

    python scripts/damage/real_files.py build/damage/real_files.json /usr/include ~/src/linux ...

Files of equal content are counted once. Killed at any time, the same command goes on from the last chunk of files.
"""

import argparse
import hashlib
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from state import State

from codewren.scan.source_files import walk
from codewren.syntax.grammars import LANGUAGES

CHUNK = 1_000  # files
LIMIT_S = 3_600
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def distinct_files(trees: Sequence[str]) -> dict[str, list[str]]:
    """Files of distinct content by language, in an order drawn once, so that any part of it is like the whole."""
    seen: set[bytes] = set()
    files: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for path, language, _ in walk(trees, LANGUAGES).files:
        digest = hashlib.sha1(Path(path).read_bytes(), usedforsecurity=False).digest()
        if digest not in seen:
            files[language].append(path)
        seen.add(digest)
    for paths in files.values():
        random.Random(0).shuffle(paths)
    return files


def chunks(files: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    """(language, paths), the languages taking turns."""
    cut = [
        (start / len(paths), language, paths[start : start + CHUNK])
        for language, paths in files.items()
        for start in range(0, len(paths), CHUNK)
    ]
    return [(language, paths) for _, language, paths in sorted(cut)]


def scanned(language: str, paths: list[str], model: str) -> tuple[int, str, dict[str, Any]]:
    """Exit code, standard error and result of one scan."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "found.json"
        options = ["--model", model, "--no-cache", "--quiet", "-j", "1", "--format", "json", "--output", str(output)]
        command = [sys.executable, "-m", "codewren", "scan", *options, "--language", language, *paths]
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, encoding="utf-8", errors="replace", timeout=LIMIT_S
            )
        except subprocess.TimeoutExpired:
            return -1, f"over {LIMIT_S} s", {}
        return done.returncode, done.stderr, json.loads(output.read_bytes()) if output.exists() else {}


def crashing(language: str, paths: list[str], model: str) -> Iterator[tuple[str, str]]:
    """The files that end a scan by themselves, and what was said."""
    code, said, found = scanned(language, paths, model)
    if code in (0, 1, 2) and found:
        return
    if len(paths) == 1:
        yield paths[0], f"exit {code}: {said[-2000:]}"
        return
    middle = len(paths) // 2
    yield from crashing(language, paths[:middle], model)
    yield from crashing(language, paths[middle:], model)


def counts_of(language: str, found: dict[str, Any], cpu_s: float) -> dict[str, float]:
    counts: dict[str, float] = {
        "files judged": found["files"],
        "functions": found["functions"],
        "findings": len(found["findings"]),
        "files with text the parser could not follow": len(found["unparsed"]),
        "processor seconds": round(cpu_s, 1),
        f"{language}: files judged": found["files"],
        f"{language}: functions": found["functions"],
    }
    for row in found["skipped"]:
        reason = "refused: " + NUMBER.sub("N", row["reason"])
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def child_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("state", type=Path)
    parser.add_argument("trees", nargs="+")
    parser.add_argument("--model", default="vulnerability-c-micro")
    arguments = parser.parse_args()
    state = State(arguments.state, {"trees": arguments.trees, "model": arguments.model})
    listing = arguments.state.with_suffix(".files")
    if not listing.exists():
        listing.parent.mkdir(parents=True, exist_ok=True)
        listing.write_text(json.dumps(distinct_files(arguments.trees)), encoding="utf-8")
    todo = chunks(json.loads(listing.read_text(encoding="utf-8")))
    total = sum(len(paths) for _, paths in todo)
    for number, (language, paths) in enumerate(todo[state.done :], state.done + 1):
        present = [path for path in paths if Path(path).is_file()]
        before = child_cpu_s()
        code, _, found = scanned(language, present, arguments.model)
        if code not in (0, 1, 2) or not found:
            faults = dict(crashing(language, present, arguments.model)) or {"together": f"exit {code}"}
            state.faults.extend({"path": path, "said": said} for path, said in faults.items())
            *_, found = scanned(language, [path for path in present if path not in faults], arguments.model)
        state.add(counts_of(language, found, child_cpu_s() - before) if found else {})
        state.add({"files asked for": len(present)})
        counts = state.values["counts"]
        said = (
            f"{counts['files asked for']} of {total} files, {counts['functions']} functions, {len(state.faults)} faults"
        )
        state.save(number, said)


if __name__ == "__main__":
    main()
