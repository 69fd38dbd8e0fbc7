"""Lines, files and functions stay short enough to be read at one sitting."""

import ast
from itertools import chain
from pathlib import Path
from statistics import median, quantiles

import pytest

from source_tree import DOCUMENTS, ROOT, Definition, parsed, python_files

GENERATED = {"native/unicode/tables.h"}
LONGEST_DOCUMENT_LINE, LONGEST_FILE, LONGEST_FUNCTION = 100, 400, 60


def functions() -> dict[str, int]:
    """Lines of every function and method of `src`, without its decorators, by file and name."""
    return {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in python_files("src")
        for node in ast.walk(parsed(path))
        if isinstance(node, Definition) and not isinstance(node, ast.ClassDef)
    }


def code_files() -> list[Path]:
    native = chain.from_iterable((ROOT / "native").rglob(pattern) for pattern in ("*.h", "*.cpp"))
    return sorted([*python_files("src", "tests", "benchmarks", "examples", "scripts", "native"), *native])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_line_of_a_document_is_longer_than_100_columns(path: Path) -> None:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    long = {number: len(line) for number, line in lines if len(line) > LONGEST_DOCUMENT_LINE}
    assert not long, f"{path.relative_to(ROOT)}: columns by line {long}"


def test_no_file_has_more_than_400_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in code_files()}
    long = {name: length for name, length in lengths.items() if length > LONGEST_FILE and name not in GENERATED}
    assert not long, f"cut these by idea: {long}"


def test_functions_are_short() -> None:
    lengths = sorted(functions().values())
    print(f"\nfunctions: {len(lengths)}, median {median(lengths)}, 90th percentile {quantiles(lengths, n=10)[-1]}")
    assert median(lengths) <= 8
    assert quantiles(lengths, n=10)[-1] <= 20


def test_no_function_has_more_than_60_lines() -> None:
    long = {name: length for name, length in functions().items() if length > LONGEST_FUNCTION}
    assert not long, f"cut these by idea: {long}"
