"""Three tasks on real Python, made of unpacked packages: two of five classes, and one of several labels.

    python benchmarks/fetch_packages.py benchmarks/tasks/packages.tsv runs/tasks/packages
    python benchmarks/tasks/data.py runs/tasks/packages/pypi runs/tasks

`projects/`: which of five projects a function comes from. The projects' own names are masked (`package`), and a file
lies in one split.

`returns/`: which kind of type a function returns, of five (`return_types.py`). `types/`: which kinds of types a
parameter accepts, several at once (`parameter_types.py`). A package lies in one split; its hash says in which. No text
is there twice.

Each folder gets labelled.jsonl, unlabelled.jsonl, valid.jsonl and test.jsonl, rows of id, project, func and label.
"""

import ast
import json
import random
import re
import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from parameter_types import parameters
from return_types import returned

from codewren.core.files import write_bytes

PROJECTS = {"django": "django", "twisted": "twisted", "sqlalchemy": "sqlalchemy", "sphinx": "sphinx"} | {
    "ansible-core": "ansible"
}
"""Folder and name of each."""
OWN_NAMES = re.compile("|".join(PROJECTS.values()), re.IGNORECASE)
SIZES = {"labelled": 2000, "unlabelled": 4000, "valid": 1000, "test": 1000}
PACKAGE_SIZES = {"labelled": 4000, "unlabelled": 8000, "valid": 2000, "test": 3000}
SHARES = {"train": 13, "valid": 2, "test": 5}
MOST_OF_A_PACKAGE = {"train": 3000, "valid": 600, "test": 300}
LENGTHS, SHORTEST = range(120, 4001), range(12, 4001)
LEFT_OUT = re.compile(r"/tests?/|test_|_test\.|/testing/|/locale/|/_vendor|/vendor/")


def files(package: Path) -> Iterator[tuple[Path, bytes, ast.Module]]:
    """The files of a package that Python itself can parse."""
    for path in sorted(package.rglob("*.py")):
        source = path.read_bytes()
        if LEFT_OUT.search(str(path.relative_to(package))) or len(source) > 300_000:
            continue
        try:
            yield path, source, ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            continue


def functions(source: bytes, tree: ast.Module) -> Iterator[tuple[ast.AST, int, int]]:
    """Outermost functions and methods with their bytes, the docstring's included, decorators not."""
    starts = [0]
    for line in source.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    queue: list[ast.AST] = [tree]
    while queue:
        for node in ast.iter_child_nodes(queue.pop(0)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                start = starts[node.lineno - 1] + node.col_offset
                yield node, start, starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
            else:
                queue.append(node)


def project_rows(folder: Path) -> Iterator[dict[str, object]]:
    """Functions of the five projects."""
    for name, label in PROJECTS.items():
        for path, source, tree in files(folder / name):
            for node, start, end in functions(source, tree):
                text = OWN_NAMES.sub("package", source[start:end].decode("utf-8", "replace"))
                group = f"{name}/{path.relative_to(folder)}"
                yield {"group": group, "project": name, "func": text, "label": label, "line": node.lineno}  # type: ignore[attr-defined]


def type_rows(folder: Path) -> Iterator[dict[str, object]]:
    """Annotated parameters of all packages."""
    for package, node in all_functions(folder):
        for text, kinds in parameters(node):
            yield {"group": package, "project": package, "func": text, "label": kinds}


def return_rows(folder: Path) -> Iterator[dict[str, object]]:
    """Annotated functions of all packages."""
    for package, node in all_functions(folder):
        for text, kind in returned(node):
            yield {"group": package, "project": package, "func": text, "label": kind}


def all_functions(folder: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Outermost functions and methods, with the package of each."""
    for package in sorted(path for path in folder.iterdir() if path.is_dir()):
        for _, source, tree in files(package):
            for node, _, _ in functions(source, tree):
                yield package.name, node


def split_of(group: str, shares: dict[str, int]) -> str:
    """The split of a group of functions, by its hash."""
    at = int(sha256(group.encode()).hexdigest()[:8], 16) / 2**32 * sum(shares.values())
    for split, share in shares.items():
        at -= share
        if at < 0:
            return split
    return next(iter(shares))


def unique(rows: Iterable[dict[str, object]], lengths: range) -> Iterator[dict[str, object]]:
    """Rows of these lengths whose text has not been before, white space aside."""
    seen: set[str] = set()
    for row in rows:
        squeezed = re.sub(r"\s+", "", str(row["func"]))
        if len(str(row["func"])) in lengths and squeezed not in seen:
            seen.add(squeezed)
            yield row


def by_package(rows: Iterable[dict[str, object]]) -> dict[str, list[dict[str, object]]]:
    """Rows of each split, packages apart; those to learn from are dealt to labelled and unlabelled by chance."""
    groups: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        groups.setdefault(str(row["group"]), []).append(row)
    splits: dict[str, list[dict[str, object]]] = {split: [] for split in SHARES}
    for group, found in groups.items():
        split = split_of(group, SHARES)
        splits[split] += random.Random(group).sample(found, min(MOST_OF_A_PACKAGE[split], len(found)))
    train = splits.pop("train")
    random.Random("train").shuffle(train)
    at = len(train) * PACKAGE_SIZES["labelled"] // (PACKAGE_SIZES["labelled"] + PACKAGE_SIZES["unlabelled"])
    return {"labelled": train[:at], "unlabelled": train[at:]} | splits


def by_file(rows: Iterable[dict[str, object]]) -> dict[str, list[dict[str, object]]]:
    """Rows of each split, files apart."""
    splits: dict[str, list[dict[str, object]]] = {split: [] for split in SIZES}
    for row in rows:
        splits[split_of(str(row["group"]), SIZES)].append(row)
    return splits


def write(splits: dict[str, list[dict[str, object]]], out: Path, sizes: dict[str, int]) -> None:
    """Four files, of as many rows as `sizes` says."""
    out.mkdir(parents=True, exist_ok=True)
    for split, found in splits.items():
        some = random.Random(split).sample(found, len(found))[: sizes[split]]
        lines = [
            json.dumps({"id": f"{split}-{number}", **{key: row[key] for key in ("project", "func", "label")}})
            for number, row in enumerate(some)
        ]
        write_bytes(out / f"{split}.jsonl", ("\n".join(lines) + "\n").encode())
        projects = len({row["project"] for row in some})
        print(f"{out.name} {split}: {len(some):,} of {len(found):,} rows, {projects} projects")


def main() -> None:
    """Write the three tasks."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    write(by_file(unique(project_rows(folder), LENGTHS)), out / "projects", SIZES)
    write(by_package(unique(return_rows(folder), SHORTEST)), out / "returns", PACKAGE_SIZES)
    write(by_package(unique(type_rows(folder), SHORTEST)), out / "types", PACKAGE_SIZES)


if __name__ == "__main__":
    main()
