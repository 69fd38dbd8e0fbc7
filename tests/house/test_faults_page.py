"""The page of reported faults: every row says what happens now and names tests that exist."""

import importlib.util
import re
from types import ModuleType

from source_tree import ROOT

PAGE = (ROOT / "docs/faults.md").read_text(encoding="utf-8")
SCRIPT = ROOT / "scripts/named_tests.py"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("named_tests", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows() -> list[str]:
    """The numbered rows of all sections, each with its tests."""
    return [row for part in re.split(r"\n##+ ", PAGE)[1:] for row in re.split(r"\n(?=\d+\. )", part)[1:]]


def test_every_test_that_the_page_names_exists() -> None:
    named = script().named_tests(PAGE)
    nodes = {file: script().nodes(file) for file in {file for file, _ in named}}
    assert len(named) > 100
    assert [(file, name) for file, name in named if name not in nodes[file]] == []


def test_every_row_of_the_page_names_a_test() -> None:
    assert len(rows()) > 70
    assert [row[:60] for row in rows() if not script().named_tests(row)] == []


def test_rows_that_a_shell_shows_are_in_its_script() -> None:
    shown = re.findall(r"^row (.*)$", (ROOT / "scripts/reported.sh").read_text(encoding="utf-8"), re.MULTILINE)
    sections = {row.split()[0].split(".")[0] for row in shown if row[0].isdigit()}
    marked = {part.split(".")[0] for part in re.split(r"\n## ", PAGE)[1:] if "†" in part and part[0].isdigit()}
    assert marked == sections
