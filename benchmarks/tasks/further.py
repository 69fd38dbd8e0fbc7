"""Functions that nobody judged, for a student of judgements: of all packages, but of no file that is judged or tested.

    python benchmarks/tasks/further.py runs/tasks/packages/pypi runs/tasks/projects 20000

Writes further.jsonl beside the splits of the task `projects` (benchmarks/tasks/data.py): functions of the five
projects from files of the split `unlabelled` first, which the judges of benchmarks/tasks/judges.py have not learnt,
then of all other packages, package by package in turn; names are masked as there, and no text is there twice.
"""

import json
import random
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from codewren.core.files import write_bytes
from data import LENGTHS, OWN_NAMES, PROJECTS, SIZES, files, functions, project_rows, split_of


def other_rows(folder: Path) -> Iterator[str]:
    """Functions of all packages but the five, one of each package in turn."""
    texts: list[list[str]] = []
    for package in sorted(path for path in folder.iterdir() if path.is_dir() and path.name not in PROJECTS):
        found = [
            OWN_NAMES.sub("package", source[start:end].decode("utf-8", "replace"))
            for _, source, tree in files(package)
            for _, start, end in functions(source, tree)
        ]
        random.Random(package.name).shuffle(found)
        texts.append(found)
    while any(texts):
        for one in texts:
            if one:
                yield one.pop()


def own_rows(folder: Path) -> Iterator[str]:
    """Functions of the five projects from files whose split is `unlabelled`."""
    rows = [row for row in project_rows(folder) if split_of(str(row["group"]), SIZES) == "unlabelled"]
    random.Random(0).shuffle(rows)
    yield from (str(row["func"]) for row in rows)


def distinct(texts: Iterable[str], known: Iterable[str], most: int) -> list[str]:
    """The first texts of the wanted lengths that are not known but for layout."""
    seen, chosen = {re.sub(r"\s+", "", text) for text in known}, list[str]()
    for text in texts:
        key = re.sub(r"\s+", "", text)
        if len(text) in LENGTHS and key not in seen and len(chosen) < most:
            seen.add(key)
            chosen.append(text)
    return chosen


def main() -> None:
    """Write the file."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    folder, out, most = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    known = [
        json.loads(line)["func"]
        for split in SIZES
        for line in (out / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    own = distinct(own_rows(folder), known, most)
    chosen = own + distinct(other_rows(folder), known + own, most - len(own))
    lines = [json.dumps({"id": f"further-{number}", "func": text}) for number, text in enumerate(chosen)]
    write_bytes(out / "further.jsonl", ("\n".join(lines) + "\n").encode())
    print(f"further: {len(chosen):,} functions, {len(own):,} of the five projects")


if __name__ == "__main__":
    main()
