"""`codewren graph` shows what `data_flow` finds."""

import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from codewren.cli.main import cli
from commands import fails, run

SVG = "{http://www.w3.org/2000/svg}"
SOURCE = """#include "a.h"
int first(int a)
{
\tchar *s = "<é & \\"q\\">";
\treturn g(a, s);
}

int second(int n) { while (n) n -= 2; return n; }
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "one.c"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def test_the_table_says_where_each_value_comes_from(source):
    assert run("graph", source, "--function", "second").splitlines() == [
        "second  line 8, 5 nodes, 7 edges",
        "  where  token  relation      from",
        "   8:16  n",
        "   8:28  n      comesFrom     n 8:16, n 8:31",
        "   8:31  n      computedFrom  n 8:16, n 8:31, 2 8:36",
        "   8:36  2",
        "   8:46  n      comesFrom     n 8:16, n 8:31",
    ]


def test_all_functions_are_shown_in_the_order_of_the_file(source):
    heads = [line for line in run("graph", source).splitlines() if line and not line.startswith(" ")]
    assert [head.split()[0] for head in heads] == ["first", "second"]


def test_json_offsets_are_those_of_the_file(source):
    shown = json.loads(run("graph", source, "--format", "json"))
    raw = SOURCE.encode()
    assert shown["language"] == "c"
    assert [one["name"] for one in shown["functions"]] == ["first", "second"]
    lines = SOURCE.split("\n")
    for function in shown["functions"]:
        for token in function["tokens"]:
            assert raw[token["start"] : token["end"]].decode() == token["text"]
            assert lines[token["line"] - 1][token["column"] - 1 :].startswith(token["text"])
        for node in function["nodes"]:
            assert function["tokens"][node["token"]]["text"] == node["name"]
            assert all(source < len(function["nodes"]) for source in node["sources"])


def test_the_drawing_has_every_line_node_and_edge(source, tmp_path):
    out = tmp_path / "drawn" / "one.svg"
    run("graph", source, "--format", "svg", "--out", out)
    root = ElementTree.parse(out).getroot()
    assert root.tag == f"{SVG}svg"
    functions = json.loads(run("graph", source, "--format", "json"))["functions"]
    nodes = [node for function in functions for node in function["nodes"]]
    assert len(root.findall(f"{SVG}rect[@class='node']")) == len(nodes)
    assert len(root.findall(f"{SVG}path")) == sum(len(node["sources"]) for node in nodes)
    texts = [element.text for element in root.findall(f"{SVG}text")]
    assert '    char *s = "<é & \\"q\\">";' in texts
    assert "8" in texts
    width, height = float(root.get("width")), float(root.get("height"))
    for box in root.findall(f"{SVG}rect[@class='node']"):
        assert 0 <= float(box.get("x")) <= width - float(box.get("width"))
        assert 0 <= float(box.get("y")) <= height - float(box.get("height"))


def test_the_drawing_of_hostile_text_is_well_formed(tmp_path):
    path = tmp_path / "x.py"
    path.write_text("def f(a):\n    b = '</text><script>alert(1)</script>\x07\x1b'; c = b\n    return a, c\n")
    root = ElementTree.fromstring(run("graph", path, "--format", "svg"))
    assert not root.findall(f".//{SVG}script")


def test_dot_quotes_names_and_draws_every_edge(source):
    shown = run("graph", source, "--format", "dot")
    assert shown.startswith("digraph")
    assert r'[label="\"<é & \\\"q\\\">\" :4"]' in shown
    edges = json.loads(run("graph", source, "--format", "json"))["functions"]
    assert len(re.findall(r"n\d+_\d+ -> n\d+_\d+", shown)) == sum(len(n["sources"]) for f in edges for n in f["nodes"])


def test_a_text_without_a_function_is_shown_as_a_whole(tmp_path):
    path = tmp_path / "snippet.java"
    path.write_text("int x = 1; x += y;")
    assert run("graph", path).splitlines()[0] == "(whole text)  line 1, 4 nodes, 4 edges"


def test_standard_input_needs_a_language():
    result = CliRunner().invoke(cli, ["graph", "-", "--language", "python"], input="def f(a):\n    return a\n")
    assert result.exit_code == 0
    assert "comesFrom" in result.output


def test_a_function_is_found_by_its_last_name_also_inside_another(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("class A:\n    def f(self, x):\n        def inner(y): return y + x\n        return inner(x)\n")
    assert run("graph", path, "--function", "f").startswith("A.f  line 2")
    assert run("graph", path, "--function", "inner").startswith("A.f.inner  line 3")
    assert "inner" not in [line.split()[0] for line in run("graph", path).splitlines() if not line.startswith(" ")]


def test_the_papers_graph_is_another(source):
    repaired = json.loads(run("graph", source, "--format", "json"))["functions"]
    papers = json.loads(run("graph", source, "--format", "json", "--mode", "papers"))["functions"]
    assert [one["name"] for one in papers[1]["nodes"]] == ["n", "n", "n"]
    assert repaired != papers


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.c"], "cannot read missing.c: No such file or directory"),
        (["-"], "the name does not tell the language; give --language, one of c, cpp, java, python"),
        (["one.c", "--language", "pyton"], "did you mean 'python'?"),
        (["one.c", "--function", "secnd"], "no function 'secnd'; did you mean 'second'?"),
        (["latin.c"], "latin.c: byte 0 is not UTF-8; convert the file to UTF-8 first"),
        (["deep.c"], "brackets are nested more than 500 deep"),
        (["one.c", "--mode", "papers", "--language", "cpp"], "the papers have data flow for java and c only"),
        (["one.c", "--out", "one.c/x.svg"], "cannot write one.c/x.svg"),
    ],
)
def test_errors_are_one_line(source, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.c").write_bytes(b"\xff")
    (tmp_path / "deep.c").write_text("(" * 600)
    assert message in fails(capsys, "graph", *arguments)


def test_the_verb_loads_nothing_heavy(source):
    code = (
        "import sys\nfrom codewren.cli.main import cli\n"
        f"cli.main(['graph', {str(source)!r}, '--format', 'svg'], standalone_mode=False)\n"
        "bad = {'numpy', 'torch', 'transformers', 'matplotlib'} & set(sys.modules)\nassert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_form_feed_or_a_line_separator_ends_no_line(tmp_path):
    path = tmp_path / "one.py"
    path.write_text('def f(a):\n    b = a\n\f\n    s = "x\u2028y"\n    return b\n', encoding="utf-8")
    root = ElementTree.fromstring(run("graph", path, "--format", "svg"))
    numbers = [one.text for one in root.iter(f"{SVG}text") if one.get("class") == "line"]
    assert numbers == ["1", "2", "3", "4", "5"]
    box = next(one for one in root.iter(f"{SVG}rect") if "5:" in (one.findtext(f"{SVG}title") or ""))
    last = [one for one in root.iter(f"{SVG}text") if one.get("class") == "line"][-1]
    assert float(box.get("y", "")) < float(last.get("y", "")) < float(box.get("y", "")) + 20
