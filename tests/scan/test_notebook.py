"""Notebooks by cell: positions are those of the file, and a stranger's JSON does no harm."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.core.errors import InputError
from codewren.scan.library import scan
from codewren.scan.notebook import is_notebook, notebook_text, placed_lines
from codewren.scan.result import ScanOptions
from students import write_student

FUNCTION = "def total(values):\n    result = 0\n    for value in values:\n        result += value\n    return result\n"
ALL = ScanOptions(threshold=0.0, jobs=1, languages=("python",))


def notebook(*cells: str | tuple[str, str], language: str | None = "python") -> dict:
    """A notebook as Jupyter makes it; a pair is the kind of a cell and its text."""
    pairs = [("code", cell) if isinstance(cell, str) else cell for cell in cells]
    rows = [{"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)} for kind, text in pairs]
    metadata = {"kernelspec": {"language": language}} if language else {}
    return {"cells": rows, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def written(value: object, **options: object) -> bytes:
    return json.dumps(value, **({"indent": 1, "ensure_ascii": False} | options)).encode()


def test_lines_of_a_notebook_of_jupyter_are_those_of_its_file():
    content = written(notebook(("markdown", "# def not_code():\n"), "import os\n", FUNCTION + "print(total([1]))"))
    text, lines = notebook_text(content).decode().split("\n"), content.decode().split("\n")
    assert len(text) == len(lines)
    assert sum(bool(line) for line in text) == 7
    for code, raw in zip(text, lines, strict=True):
        assert not code or json.loads(raw.strip().removesuffix(",")).rstrip("\n") == code
    third = [line for line in placed_lines(content) if line and line.cell == 3]
    assert [line.line for line in third] == [1, 2, 3, 4, 5, 6]


@given(st.lists(st.lists(st.text("ab =#\t\"'\\é\u2028🐍", max_size=9), min_size=1, max_size=4), max_size=4))
def test_the_code_comes_out_whatever_way_the_json_is_written(cells):
    texts = ["\n".join(lines) for lines in cells]
    value = notebook(*texts)
    for row, text in zip(value["cells"], texts, strict=True):
        row["source"] = [line + "\n" for line in text.split("\n")]
    joined = {**value, "cells": [{**row, "source": "".join(row["source"])} for row in value["cells"]]}
    ways = [written(value), written(value, indent=None), written(joined), written(value, ensure_ascii=True)]
    expected = [line for lines in cells for line in lines]
    for content in ways:
        assert [line.text for line in placed_lines(content) if line] == expected


def test_a_notebook_on_one_line_is_its_cells_one_after_the_other():
    content = written(notebook("import os\n", FUNCTION), indent=None)
    assert notebook_text(content).decode() == "import os\n\n" + FUNCTION
    assert {line.file_line for line in placed_lines(content) if line} == {1}


def test_commands_of_ipython_are_no_code_and_cells_of_other_languages_are_empty():
    cells = ["%matplotlib inline\nx = 1\n", "if x:\n    !ls\n", "%%bash\ndef f():\n", "%%time\ny = (\n%s)\n?x\n"]
    text = [line for line in notebook_text(written(notebook(*cells))).decode().split("\n") if line]
    assert text == ["pass", "x = 1", "if x:", "    pass", "pass", "y = (", "%s)", "pass"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (notebook("x", language="R"), "a notebook of 'r'"),
        ({"nbformat": 3, "worksheets": []}, "without cells"),
        ({"nbformat": 4, "cells": 3}, "without cells"),
        ([{"nbformat": 4}], "without cells"),
    ],
)
def test_what_is_no_notebook_of_python_is_refused(value: object, message: str):
    with pytest.raises(InputError, match=message):
        notebook_text(written(value))


def test_hostile_json_costs_a_note_and_no_crash():
    deep = b'{"nbformat": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    broken = [deep, b'{"nbformat"', b'{"nbformat": 4, "cells": [\xff]}', b'{"nbformat": ' + b"9" * 10_000 + b"}"]
    for content in broken:
        assert is_notebook(content)
        with pytest.raises(InputError, match="a notebook"):
            notebook_text(content)


HOSTILE_CELLS = [
    {"cells": [3, None, {"cell_type": "code"}, {"cell_type": "code", "source": 3}]},
    {"cells": [{"cell_type": "code", "source": [["x"], {"source": "y"}, "z\n"]}]},
    {"cells": [{"source": "\ud800\x00\r\nz", "cell_type": "code", "": "x"}]},
    {"cells": [{"cell_type": "code", "source": ["z\n"]}], "metadata": {"cells": [{"source": ["no"]}]}},
    {"cells": [{"cell_type": "code", "metadata": {"source": ["no"]}, "outputs": [{"source": "no"}], "source": "z"}]},
]


@pytest.mark.parametrize("value", HOSTILE_CELLS)
def test_only_strings_that_are_a_cells_source_are_code(value: dict):
    text = notebook_text(json.dumps({**value, "nbformat": 4}).encode()).decode()
    assert "no" not in text
    assert "\0" not in text
    assert text.strip().endswith("z") or not text.strip()


def test_python_that_looks_like_json_stays_python():
    assert not is_notebook(b'{"a": 1}\n')
    assert not is_notebook(b'x = {"nbformat": 4}\n')
    assert is_notebook(b'\xef\xbb\xbf {"nbformat": 4}')


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_student(tmp_path / "x.wren")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return tmp_path


def test_a_finding_in_a_notebook_says_its_cell_and_sarif_the_line_of_the_file(here: Path):
    value = notebook(("markdown", "# A title\n"), "import os\n\n" + FUNCTION)
    (here / "a.ipynb").write_bytes(written(value))
    report = scan("a.ipynb", model="x.wren", options=ALL)
    (finding,) = report.findings
    assert report.render("text").startswith("a.ipynb:cell 2, line 3: ")
    raw = (here / "a.ipynb").read_text().split("\n")
    (result,) = json.loads(report.render("sarif"))["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert "def total" in raw[region["startLine"] - 1]
    assert "return result" in raw[region["endLine"] - 1]
    assert finding.to_dict()["places"][0]["cell"] == {"number": 2, "line": 3, "file_line": region["startLine"]}
    assert "def total(values):" in report.render("html")


def test_a_finding_in_a_notebook_on_one_line_has_its_cell_too(here: Path):
    (here / "a.ipynb").write_bytes(written(notebook("import os\n", FUNCTION), indent=None))
    report = scan("a.ipynb", model="x.wren", options=ALL)
    assert report.render("text").startswith("a.ipynb:cell 2, line 1: ")
    (result,) = json.loads(report.render("sarif"))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1, "endLine": 1}
    assert "def total(values):" in report.render("html")


@pytest.mark.parametrize("indent", [1, None])
def test_changed_lines_of_a_notebook_are_found(here: Path, indent: int | None):
    path = here / "a.ipynb"
    path.write_bytes(written(notebook(FUNCTION, FUNCTION.replace("total", "other")), indent=indent))
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], check=True)
    path.write_bytes(written(notebook(FUNCTION, FUNCTION.replace("total", "other").replace("0", "1")), indent=indent))
    names = [finding.location.name for finding in scan(".", model="x.wren", diff="HEAD", options=ALL).findings]
    assert names == (["other"] if indent else ["total", "other"])


def test_a_notebook_that_cannot_be_read_is_skipped_with_a_note(here: Path):
    (here / "a.ipynb").write_bytes(b'{"nbformat": 4')
    report = scan("a.ipynb", model="x.wren", options=ALL)
    assert "not JSON" in report.skipped[0].reason
    assert not report.is_complete
