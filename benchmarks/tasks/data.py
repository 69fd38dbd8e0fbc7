"""Two tasks on real Python, made of unpacked packages: five classes, and several labels at once.

    python benchmarks/fetch_packages.py benchmarks/tasks/packages.tsv runs/tasks/packages
    python benchmarks/tasks/data.py runs/tasks/packages/pypi runs/tasks

`projects/`: which of five projects a function comes from. The projects' own names are masked (`package`), and a file
lies in one split.

`families/`: which families of the standard library a function calls. Every name that an import binds to a module of a
family is replaced, with the attributes behind it, by `api`, and imports inside the function by `import api`; what is
left is the rest of the function. A package lies in one split, and a function may call none.

Each folder gets labelled.jsonl, unlabelled.jsonl, valid.jsonl and test.jsonl, rows of id, project, func and label.
"""

import ast
import json
import random
import re
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from codewren.core.files import write_bytes

PROJECTS = {"django": "django", "twisted": "twisted", "sqlalchemy": "sqlalchemy", "sphinx": "sphinx"} | {
    "ansible-core": "ansible"
}
"""Folder and name of each."""
OWN_NAMES = re.compile("|".join(PROJECTS.values()), re.IGNORECASE)
FAMILIES = {
    "files": "os shutil pathlib tempfile glob io fnmatch stat",
    "text": "re string textwrap difflib unicodedata shlex",
    "formats": "json pickle struct csv xml configparser base64 codecs zlib gzip tarfile zipfile html binascii",
    "network": "socket ssl urllib http email select smtplib ftplib ipaddress",
    "concurrency": "threading asyncio queue multiprocessing concurrent contextvars signal",
    "time": "time datetime calendar",
    "system": "subprocess sys platform argparse getpass errno optparse",
    "logging": "logging warnings traceback",
    "collections": "collections itertools functools operator heapq copy bisect weakref",
    "numbers": "math random hashlib hmac decimal secrets uuid statistics",
}
FAMILY_OF = {module: family for family, modules in FAMILIES.items() for module in modules.split()}
SIZES = {"labelled": 2000, "unlabelled": 4000, "valid": 1000, "test": 1000}
LENGTHS = range(120, 4001)
LEFT_OUT = re.compile(r"/tests?/|test_|_test\.|/testing/|/locale/|/_vendor|/vendor/")
MOST_OF_A_PACKAGE, MOST_WITHOUT = 500, 50


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


def bound(node: ast.AST) -> dict[str, str]:
    """Names that imports in a tree bind, with the family of what they stand for."""
    names: dict[str, str] = {}
    for one in ast.walk(node):
        if isinstance(one, ast.Import):
            pairs = [(alias.asname or alias.name.partition(".")[0], alias.name) for alias in one.names]
        elif isinstance(one, ast.ImportFrom) and one.module and not one.level:
            pairs = [(alias.asname or alias.name, one.module) for alias in one.names]
        else:
            continue
        found = {name: FAMILY_OF.get(module.partition(".")[0], "") for name, module in pairs}
        names |= {name: family for name, family in found.items() if family}
    return names


def masked(node: ast.AST, source: bytes, start: int, end: int, names: dict[str, str]) -> tuple[str, list[str]]:
    """A function without what it calls, and the families of that."""
    lines = [0]
    for line in source.split(b"\n"):
        lines.append(lines[-1] + len(line) + 1)

    def place(one: ast.AST) -> tuple[int, int]:
        first, last = one.lineno, one.end_lineno or 0  # type: ignore[attr-defined]
        return lines[first - 1] + one.col_offset, lines[last - 1] + (one.end_col_offset or 0)  # type: ignore[attr-defined]

    families, holes = set[str](), list[tuple[int, int, bytes]]()

    def visit(one: ast.AST) -> None:
        root = one
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(one, ast.Attribute | ast.Name) and isinstance(root, ast.Name) and root.id in names:
            families.add(names[root.id])
            holes.append((*place(one), b"api"))
            return
        if isinstance(one, ast.Import | ast.ImportFrom):
            holes.append((*place(one), b"import api"))
            return
        for child in ast.iter_child_nodes(one):
            visit(child)

    for child in ast.iter_child_nodes(node):
        visit(child)
    text = source[start:end]
    for first, last, mask in sorted(set(holes), reverse=True):
        if start <= first < last <= end:
            text = text[: first - start] + mask + text[last - start :]
    return text.decode("utf-8", "replace"), sorted(families, key=list(FAMILIES).index)


def project_rows(folder: Path) -> Iterator[dict[str, object]]:
    """Functions of the five projects."""
    for name, label in PROJECTS.items():
        for path, source, tree in files(folder / name):
            for node, start, end in functions(source, tree):
                text = OWN_NAMES.sub("package", source[start:end].decode("utf-8", "replace"))
                group = f"{name}/{path.relative_to(folder)}"
                yield {"group": group, "project": name, "func": text, "label": label, "line": node.lineno}  # type: ignore[attr-defined]


def family_rows(folder: Path) -> Iterator[dict[str, object]]:
    """Functions of all packages, what they call masked."""
    for package in sorted(path for path in folder.iterdir() if path.is_dir()):
        rows: dict[bool, list[dict[str, object]]] = {True: [], False: []}
        for path, source, tree in files(package):
            top = bound(tree)
            for node, start, end in functions(source, tree):
                text, families = masked(node, source, start, end, top | bound(node))
                row = {"group": package.name, "project": package.name, "func": text, "label": families}
                rows[bool(families)].append(row | {"line": node.lineno, "file": path.name})  # type: ignore[attr-defined]
        rng = random.Random(package.name)
        for kind, most in ((True, MOST_OF_A_PACKAGE), (False, MOST_WITHOUT)):
            some = [row for row in rows[kind] if len(str(row["func"])) in LENGTHS]
            yield from rng.sample(some, min(most, len(some)))


def split_of(group: str, shares: dict[str, int]) -> str:
    """The split of a group of functions, by its hash."""
    at = int(sha256(group.encode()).hexdigest()[:8], 16) / 2**32 * sum(shares.values())
    for split, share in shares.items():
        at -= share
        if at < 0:
            return split
    return next(iter(shares))


def write(rows: Iterator[dict[str, object]], out: Path) -> None:
    """Four files, of as many functions as `SIZES` says, no text twice."""
    splits: dict[str, list[dict[str, object]]] = {split: [] for split in SIZES}
    seen: set[str] = set()
    for row in rows:
        squeezed = re.sub(r"\s+", "", str(row["func"]))
        if len(str(row["func"])) in LENGTHS and squeezed not in seen:
            seen.add(squeezed)
            splits[split_of(str(row["group"]), SIZES)].append(row)
    out.mkdir(parents=True, exist_ok=True)
    for split, found in splits.items():
        some = random.Random(split).sample(found, min(SIZES[split], len(found)))
        lines = [
            json.dumps({"id": f"{split}-{number}", **{key: row[key] for key in ("project", "func", "label")}})
            for number, row in enumerate(some)
        ]
        write_bytes(out / f"{split}.jsonl", ("\n".join(lines) + "\n").encode())
        print(f"{out.name} {split}: {len(some):,} of {len(found):,} functions")


def main() -> None:
    """Write both tasks."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    write(project_rows(folder), out / "projects")
    write(family_rows(folder), out / "families")


if __name__ == "__main__":
    main()
