"""`codewren similar` and `codewren index`: what they print, and where they search."""

import io
import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from codewren.cli.main import cli
from commands import fails, run
from index.trees import JAVA, OTHER, PYTHON, RENAMED, price_tree, write_tree


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tree = write_tree(price_tree(tmp_path / "tree"), {"c.py": "\n\n" + RENAMED, ".git/HEAD": ""})
    monkeypatch.chdir(tree)
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))
    return tree


def similar(*arguments: object) -> str:
    return run("similar", *arguments, "-m", "clones-micro", "-q")


def test_a_function_at_a_line_is_found_under_other_names_and_in_another_language(tree: Path) -> None:
    lines = similar("a.py:5", "--top", 2).splitlines()
    assert lines[0] == "a.py:2: total_price (9 lines)"
    assert [line.split()[3:6] for line in lines[1:]] == [
        ["renamed", "c.py:4:", "whole_cost"],
        ["edited", "src/Prices.java:3:", "Prices.totalPrice"],
    ]


def test_json_holds_what_text_shows(tree: Path) -> None:
    found = json.loads(similar("src/Prices.java", "--format", "json", "--top", 1))
    assert (found["format"], found["version"], found["searched_functions"]) == ("codewren-similar", 1, 4)
    (function,) = found["functions"]
    assert function["name"] == "Prices.totalPrice"
    (match,) = function["matches"]
    assert {*match} == {
        "path", "start_line", "end_line", "name", "language", "similarity", "probability", "kind", "overlap",
    }  # fmt: skip
    assert match["language"] == "python" and 0.5 < match["probability"] <= 1


def test_standard_input_is_asked_about(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(cli, ["similar", "-", "--language", "java", "--top", "1", "-q"], input=JAVA)
    assert result.exit_code == 0 and "exact" in result.stdout and "src/Prices.java:3" in result.stdout


def test_a_tree_elsewhere_is_searched(tree: Path, tmp_path: Path) -> None:
    other = write_tree(tmp_path / "elsewhere", {"x.py": OTHER})
    assert "x.py:2: read_lines" in similar("lib/b.py:3", "--in", other)
    assert "lib/b.py:2: read_lines" in similar(other / "x.py", "--in", tree)


def test_functions_are_shown_side_by_side(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    shown = similar("a.py:5", "--top", 1, "--show")
    (changed,) = (line for line in shown.splitlines() if "def total_price" in line)
    left, right = changed.split(" | ")
    assert left.strip() == "def total_price(items, rate):" and right.strip() == "def whole_cost(rows, rate):"


def test_matches_in_tests_and_below_the_limit_are_left_out(tree: Path) -> None:
    write_tree(tree, {"tests/test_x.py": PYTHON})
    assert "tests/test_x.py" in similar("a.py:5")
    assert "tests/test_x.py" not in similar("a.py:5", "--exclude-tests")
    assert similar("a.py:5", "--min", 1).splitlines() == [
        "a.py:2: total_price (9 lines): nothing like it in 5 functions"
    ]


def test_an_index_is_updated_and_says_what_it_did(tree: Path) -> None:
    first = CliRunner().invoke(cli, ["index", "-m", "clones-micro"])
    assert (
        first.stderr.startswith("codewren: 4 functions of 4 files in ")
        and "(4 files read, 0 known, 0 gone)" in first.stderr
    )
    (tree / "a.py").unlink()
    again = CliRunner().invoke(cli, ["index", os.fspath(tree), "-m", "clones-micro"])
    assert "3 functions of 3 files" in again.stderr and "(0 files read, 3 known, 1 gone)" in again.stderr
    rebuilt = CliRunner().invoke(cli, ["index", "--rebuild", "-m", "clones-micro"])
    assert "(3 files read, 0 known, 0 gone)" in rebuilt.stderr


def test_what_cannot_be_asked_is_told_in_one_line(tree: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fails(capsys, "similar", "nowhere.py:3") == "codewren: cannot read nowhere.py: No such file or directory"
    assert "no function at line 1;" in fails(capsys, "similar", "a.py:1", "-q")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x = 1")))
    assert "in which language is the text" in fails(capsys, "similar", "-", "-q")
    assert "no such folder" in fails(capsys, "similar", "a.py", "--in", "nowhere")
    assert "did you mean 'clones-micro'" in fails(capsys, "similar", "a.py", "-m", "clones-mikro")


def test_all_that_is_asked_for_may_be_more_than_there_is(tree: Path) -> None:
    assert similar("a.py:5", "--top", 10**20) == similar("a.py:5", "--top", 100)


@pytest.mark.parametrize("bundle", ["clones-micro", "clones-mini"])
def test_no_cosine_is_above_one(tree: Path, bundle: str) -> None:
    (tree / "copy.py").write_text((tree / "a.py").read_text())
    text = run("similar", "a.py", "--format", "json", "-m", bundle, "-q")
    found = [match for function in json.loads(text)["functions"] for match in function["matches"]]
    assert "exact" in {match["kind"] for match in found}
    assert max(match["similarity"] for match in found) <= 1


def test_one_line_is_one_line(tree: Path) -> None:
    (tree / "short.py").write_text("x = 1\n")
    assert similar("short.py").startswith("short.py:1: (text) (1 line)")
    index = CliRunner().invoke(cli, ["index", "src", "-m", "clones-micro"])
    assert "codewren: 1 function of 1 file in " in index.stderr and "(1 file read, 0 known, 0 gone)" in index.stderr


def test_an_index_is_of_a_folder(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "a.py: a file, and an index is of a folder; give ."
    assert said in fails(capsys, "index", "a.py")
    assert said in fails(capsys, "similar", "lib/b.py", "--in", "a.py")


def test_settings_of_the_tree_hold_for_its_index_from_wherever_it_is_asked(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tree(tree, {"codewren.toml": 'exclude = ["/c.py"]\nmodel = "vulnerability-c"\n', "tests/test_a.py": PYTHON})
    run("index", "-m", "clones-micro")
    folders = [*(tmp_path / "cache/codewren/index").iterdir()]
    for folder in (tree, tree / "lib", tmp_path):
        monkeypatch.chdir(folder)
        found = similar(tree / "a.py:5")
        assert "test_a.py" in found and "c.py" not in found
    assert [*(tmp_path / "cache/codewren/index").iterdir()] == folders
    assert "c.py" in similar(tree / "a.py:5", "--no-config")
    write_tree(tree, {"codewren.toml": 'exclude = ["/c.py"]\nexclude-tests = true\nmodel = "clones-micro"\n'})
    assert "test_a.py" not in run("similar", tree / "a.py:5", "-q")
    assert "test_a.py" in run("similar", tree / "a.py:5", "-q", "--no-exclude-tests")
    write_tree(tree, {"codewren.toml": "excluded = 1\n"})
    assert "unknown key 'excluded'" in fails(capsys, "similar", tree / "a.py:5")


def test_an_index_that_cannot_be_written_still_answers(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("index", "-m", "clones-micro")
    (folder,) = (tmp_path / "cache/codewren/index").iterdir()
    (folder / "lock").unlink()
    (folder / "lock").mkdir()  # so that root cannot write either
    result = CliRunner().invoke(cli, ["similar", "a.py:5", "-m", "clones-micro", "--top", "1"])
    assert (result.exit_code, "c.py:4" in result.stdout) == (0, True)
    assert "until then this is what the index held before" in result.stderr
    assert "cannot write" in fails(capsys, "index", "-m", "clones-micro")
    (folder / "catalog").unlink()
    assert "cannot write" in fails(capsys, "similar", "a.py:5", "-m", "clones-micro")
