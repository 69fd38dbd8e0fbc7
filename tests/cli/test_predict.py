"""`codewren predict --explain`."""

import json
from pathlib import Path

from click.testing import CliRunner

from codewren.cli.main import cli
from codewren.predict.predictor import load
from commands import run
from students import write_student

TEXT = "w4 w5 w6\nw7\n;\nw9 w10\n"


def test_lines_that_speak_for_the_label_are_printed(tmp_path: Path) -> None:
    bundle = write_student(tmp_path / "x.wren")
    (tmp_path / "a.c").write_text(TEXT)
    (explanation,) = load(bundle).explain([TEXT])
    lines = run("predict", bundle, tmp_path / "a.c", "--explain").splitlines()
    telling = [line for line in explanation.strongest(9) if line.line != 3]  # a bracket or semicolon says nothing
    assert lines[1:] == [
        *(f"    {line.line}  {line.score:<+7.2g}  {TEXT.splitlines()[line.line - 1]}" for line in telling),
        f"    {explanation.evidence}",
    ]
    (row,) = map(json.loads, run("predict", bundle, tmp_path / "a.c", "--explain", "--format", "json").splitlines())
    assert [line["line"] for line in row["explanation"]["lines"]] == [line.line for line in telling]
    assert row["explanation"]["tokens_read"] == row["explanation"]["tokens_total"]
    plain = json.loads(run("predict", bundle, tmp_path / "a.c", "--format", "json"))
    assert "explanation" not in plain and 0 < plain["tokens_read"] <= plain["tokens_total"]


def test_lines_of_a_pair_correspond(tmp_path: Path) -> None:
    (tmp_path / "a.java").write_text("void f() {\n  go(1, 2);\n}\n")
    (tmp_path / "b.java").write_text("void f() {\n\n  go(1, 3);\n}\n")
    lines = run("predict", "clones", tmp_path / "a.java", tmp_path / "b.java", "--explain").splitlines()
    assert lines[1:] == ["    line 1 = 1 exact", "    line 2 = 3 renamed", "    line 3 = 4 exact"]
    options = ("--explain", "--format", "json")
    row = json.loads(run("predict", "clones", tmp_path / "a.java", tmp_path / "b.java", *options))
    assert row["explanation"][1] == {"first": 2, "second": 3, "lines": 1, "relation": "renamed"}


def test_a_file_in_another_language_than_the_models_is_judged_with_a_warning(tmp_path: Path) -> None:
    for name in ("a.py", "a.c"):
        (tmp_path / name).write_text("int f(void) { return 1; }\n")
    judged = [CliRunner().invoke(cli, ["predict", "vulnerability-c", str(tmp_path / name)]) for name in ("a.py", "a.c")]
    assert "trained for c alone; what it says of python" in judged[0].stderr
    assert (judged[1].stderr, judged[0].exit_code) == ("", 0)


def test_copies_are_named_whatever_the_model_says(tmp_path: Path) -> None:
    text = "int f(int a) {\n  int b = a + 1;\n  return g(b, 2);\n}\n"
    for name, content in (("a", text), ("b", text.replace("\n", " ")), ("c", text.replace("b", "z")), ("d", "int x;")):
        (tmp_path / f"{name}.java").write_text(content)
    pairs = [tmp_path / f"{name}.java" for name in "abacad"]
    lines = run("predict", "clone-java-micro", *pairs).splitlines()
    assert [line.partition(")  ")[2] for line in lines] == [
        "exact copies, whatever the model says",
        "renamed copies, whatever the model says",
        "",
    ]
    told = [json.loads(line) for line in run("predict", "clone-java-micro", *pairs, "--format", "json").splitlines()]
    assert [one.get("kind") for one in told] == ["exact", "renamed", None]


def test_a_byte_order_mark_changes_no_probability(tmp_path: Path) -> None:
    text = "int f(int a) { return a; }\n"
    (tmp_path / "a.c").write_text(text)
    (tmp_path / "b.c").write_text(text, encoding="utf-8-sig")
    lines = run("predict", "vulnerability-c", tmp_path / "a.c", tmp_path / "b.c").splitlines()
    assert len({line.partition(": ")[2] for line in lines}) == 1
