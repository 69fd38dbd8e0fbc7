"""Print the tests that a document names, as pytest takes them: `scan/test_scan.py::a_thing_holds` in backticks.

    pytest $(python scripts/named_tests.py docs/faults.md)

Exit code 1 where one does not exist.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)::(\w+)`")


def named_tests(text: str) -> list[tuple[str, str]]:
    """File and function of each test, once, in the order of the text.

    >>> named_tests("held by `scan/test_scan.py::files_are_found`")
    [('tests/scan/test_scan.py', 'test_files_are_found')]
    """
    return list(dict.fromkeys((f"tests/{file}", f"test_{name}") for file, name in _NAMED.findall(text)))


def nodes(file: str) -> dict[str, str]:
    """The name that pytest gives each test of a file, by its function."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = {}
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        around = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found.update({one.name: f"{file}::{around}{one.name}" for one in inside if isinstance(one, kinds)})
    return found


def main() -> int:
    """Print them on one line."""
    named = [test for page in sys.argv[1:] for test in named_tests(Path(page).read_text(encoding="utf-8"))]
    by_file = {file: nodes(file) for file, _ in named}
    missing = [f"{file}: no {name}" for file, name in named if name not in by_file[file]]
    print(*missing, sep="\n", end="\n" if missing else "", file=sys.stderr)
    print(*(by_file[file][name] for file, name in named if name in by_file[file]))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
