"""The page of reported faults: every row says what happens now and names tests that exist."""

import importlib.util
import re

from source_tree import ROOT

PAGE = (ROOT / "docs/faults.md").read_text(encoding="utf-8")
SCRIPT = ROOT / "scripts/named_tests.py"


def named_tests(text: str) -> list[str]:
    spec = importlib.util.spec_from_file_location("named_tests", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests: list[str] = module.named_tests(text)
    return tests


def rows() -> list[str]:
    """The numbered rows of all sections, each with its tests."""
    return [row for part in re.split(r"\n##+ ", PAGE)[1:] for row in re.split(r"\n(?=\d+\. )", part)[1:]]


def test_every_test_that_the_page_names_exists() -> None:
    named = named_tests(PAGE)
    texts = {file: (ROOT / file).read_text(encoding="utf-8") for file in {test.split("::")[0] for test in named}}
    missing = [test for test in named if f"def {test.split('::')[1]}(" not in texts[test.split("::")[0]]]
    assert len(named) > 100 and missing == []


def test_every_row_of_the_page_names_a_test() -> None:
    assert len(rows()) > 70
    assert [row[:60] for row in rows() if not named_tests(row)] == []


def test_rows_that_a_shell_shows_are_in_its_script() -> None:
    shown = re.findall(r"^row (.*)$", (ROOT / "scripts/reported.sh").read_text(encoding="utf-8"), re.MULTILINE)
    sections = {row.split()[0].split(".")[0] for row in shown if row[0].isdigit()}
    marked = {part.split(".")[0] for part in re.split(r"\n## ", PAGE)[1:] if "†" in part and part[0].isdigit()}
    assert marked == sections
