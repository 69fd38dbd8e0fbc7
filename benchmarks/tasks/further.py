"""Functions that nobody judged, for a student of judgements.

    python benchmarks/tasks/further.py runs/tasks/packages/pypi runs/tasks/projects 6000

Writes further.jsonl beside the splits of the task `projects` (benchmarks/tasks/data.py): functions of the five projects
from files of the split `unlabelled`, masked as there, none of which is in a split; the judges of
benchmarks/tasks/judges.py have learnt none of them.
"""

import json
import random
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from codewren.core.files import write_bytes
from data import SIZES, project_rows, split_of

LENGTHS = range(120, 4001)
"""Characters, as in the splits."""


def rest(folder: Path) -> Iterator[str]:
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
    chosen = distinct(rest(folder), known, most)
    lines = [json.dumps({"id": f"further-{number}", "func": text}) for number, text in enumerate(chosen)]
    write_bytes(out / "further.jsonl", ("\n".join(lines) + "\n").encode())
    print(f"further: {len(chosen):,} functions")


if __name__ == "__main__":
    main()
