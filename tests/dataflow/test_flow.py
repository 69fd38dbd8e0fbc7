"""What holds for every graph, whatever the text."""

import json
import lzma
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codewren.core.errors import InputError
from codewren.dataflow import data_flow
from codewren.dataflow.extract import LANGUAGES

FOLDER = Path(__file__).parent / "flows"
RELAXED = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
COMMENTS = {"c": "/* a = b; */", "cpp": "// a = b;\n", "java": "/* a = b; */"}


def sources(language):
    """The functions of the cases worked out by hand."""
    text = (FOLDER / f"{language}.txt").read_text(encoding="utf-8").removeprefix("## ")
    return [case.partition("\n")[2].partition("\n--\n")[0] for case in text.split("\n## ")]


def shape(flow):
    return [(node.token, node.name, node.relation, node.sources) for node in flow.nodes]


def check(flow):
    """Everything that must hold for a graph."""
    raw = flow.source.encode("utf-8", "replace")
    for token in flow.tokens:
        assert token.text == raw[token.start : token.end].decode("utf-8", "replace")
        assert token.text.strip()
    assert all(one.end <= two.start for one, two in pairwise(flow.tokens))
    assert all(one.token < two.token for one, two in pairwise(flow.nodes))
    for index, node in enumerate(flow.nodes):
        assert node.name == flow.tokens[node.token].text
        assert list(node.sources) == sorted(set(node.sources))
        assert all(0 <= source < len(flow.nodes) for source in node.sources)
        assert node.sources or index in {source for _, source in flow.edges}
    assert flow.edges == tuple((i, source) for i, node in enumerate(flow.nodes) for source in node.sources)


@pytest.mark.parametrize("language", LANGUAGES)
def test_edges_point_to_nodes_and_nodes_to_tokens(language):
    for source in sources(language):
        check(data_flow(source, language))


@RELAXED
@given(st.sampled_from(LANGUAGES), st.data())
def test_no_piece_of_text_crashes(language, data):
    source = data.draw(st.sampled_from(sources(language)))
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, len(source)))
    noise = data.draw(st.text(alphabet="(){}[];:,=+-*&<>'\"#\n ax1é\\\x00", max_size=8))
    text = source[:start] + noise + source[end:]
    check(data_flow(text, language))
    if language in {"c", "java"}:
        flow = data_flow(text, language, mode="papers")
        assert all(0 <= one < len(flow.nodes) for _, one in flow.edges)
        assert all(0 <= token.start <= token.end <= len(text.encode()) for token in flow.tokens)


@RELAXED
@given(st.sampled_from(["c", "cpp", "java"]), st.data())
def test_white_space_and_comments_change_nothing_but_offsets(language, data):
    source = data.draw(st.sampled_from([one for one in sources(language) if "#" not in one]))
    flow = data_flow(source, language)
    gaps = st.sampled_from([" ", "\n\n", "\t ", f" {COMMENTS[language]} "])
    parts = []
    for token in flow.tokens:
        parts += [token.text, data.draw(gaps)]
    spaced = data_flow("".join(parts), language)
    assert [token.text for token in spaced.tokens] == [token.text for token in flow.tokens]
    assert shape(spaced) == shape(flow)


def test_python_comments_and_blank_lines_change_nothing_but_offsets():
    for source in sources("python"):
        noisy = "\n\n# a = b\n" + "\n\n".join(f"{line}  # x = {line}" for line in source.split("\n"))
        assert shape(data_flow(noisy, "python")) == shape(data_flow(source, "python"))


@pytest.mark.parametrize("language", ["c", "java"])
def test_names_do_not_matter(language):
    new = {name: f"{name}_{name}" for name in ("a", "x", "n", "i", "s", "p", "k")}
    for source in sources(language):
        flow = data_flow(source, language)
        if "#" in source:
            continue
        renamed = data_flow(" ".join(new.get(token.text, token.text) for token in flow.tokens), language)
        assert [(node.token, node.sources) for node in renamed.nodes] == [(n.token, n.sources) for n in flow.nodes]


DEEP = {
    "a chain of operators": ("c", "int f(int a) { return " + "a + " * 5000 + "a; }"),
    "else if": ("java", "void f(int a) { if (a > 0) a = 1; " + "else if (a > 1) a = 2; " * 1000 + "}"),
    "parentheses": ("c", "int f(int a) { return " + "(" * 490 + "a" + ")" * 490 + "; }"),
    "negations": ("cpp", "bool f(bool a) { if (" + "!" * 3000 + "a) a = !a; return a; }"),
    "blocks": ("java", "void f(int a) { " + "{ " * 400 + "a = a + 1; " + "} " * 400 + "}"),
    "loops": ("c", "void f(int a) { " + "while (a) { a = a - 1; " * 200 + "} " * 200 + "}"),
    "calls": ("python", "def f(a):\n    return " + "g(" * 400 + "a" + ")" * 400),
    "method chains": ("java", "void f(S s) { s" + ".append(s)" * 2000 + "; }"),
    "tries": ("java", "void f(int a) { " + "try { a = a + 1; } finally { " * 100 + "g(a); " + "} " * 100 + "}"),
    "conditions": ("c", "int f(int a) { return " + "a ? a : " * 2000 + "a; }"),
    "lambdas": ("python", "def f(a):\n    return " + "lambda: " * 1000 + "a"),
    "pointers": ("c", "void f(int a) { " + "*" * 3000 + "a = 1; }"),
    "declarators": ("c", "void f() { int " + "*" * 3000 + "a = 0; g(a); }"),
    "members": ("c", "void f(T a) { a" + ".b" * 1500 + " = 1; g(a); }"),
    "assignments": ("c", "void f(int a) { " + "a = " * 3000 + "1; }"),
    "labels": ("c", "void f(int a) { " + "".join(f"l{i}: " for i in range(1500)) + "g(a); }"),
}


@pytest.mark.parametrize(("language", "source"), DEEP.values(), ids=list(DEEP))
def test_deep_texts_end_and_keep_their_tokens(language, source):
    flow = data_flow(source, language)
    check(flow)
    assert flow.nodes
    assert "".join(token.text for token in flow.tokens) == "".join(source.split())


def test_brackets_nested_absurdly_deep_are_refused():
    with pytest.raises(InputError, match="nested more than 500 deep"):
        data_flow("(" * 501, "java")


def test_the_kind_of_flow_and_the_language_must_be_known():
    with pytest.raises(InputError, match="language 'jav'; did you mean 'java'"):
        data_flow("", "jav")
    with pytest.raises(InputError, match="unknown data-flow mode 'paper'"):
        data_flow("", "java", mode="paper")


def test_offsets_are_bytes_and_odd_characters_are_survived():
    flow = data_flow('int f(int a) { g("é€"); return a; }', "c")
    check(flow)
    assert [node.name for node in flow.nodes] == ["a", "a"]
    assert flow.source.encode()[flow.tokens[flow.nodes[1].token].start :].startswith(b"a;")
    check(data_flow("int f(int a) { return a; } // \ud800\x00", "c"))


def test_text_the_parser_cannot_follow_still_has_its_flow():
    flow = data_flow("int f(int a) { int b = a; if ( { FOO(b) g(b; } return b; }", "c")
    assert flow.has_errors
    named = [(node.name, [flow.nodes[one].name for one in node.sources]) for node in flow.nodes]
    assert ("b", ["a"]) in named
    assert ("b", ["b"]) in named


@pytest.mark.parametrize(
    ("language", "source"),
    [("java", "public Foo(int a) { this.a = a; }"), ("cpp", "Foo(int a) : a(a) { b = a; }")],
)
def test_a_constructor_may_stand_without_its_class(language, source):
    flow = data_flow(source, language)
    assert not flow.has_errors
    assert "".join(token.text for token in flow.tokens) == "".join(source.split())
    check(flow)


def test_several_functions_do_not_share_their_names():
    flow = data_flow("int f(int a) { int b = a; return b; }\nint g(int b) { return b; }", "c")
    last = flow.nodes[-1]
    assert [flow.nodes[one].token for one in last.sources] == [flow.nodes[-2].token]


@pytest.mark.parametrize(("name", "language"), [("devign/valid", "c"), ("bcb/functions", "java")])
@pytest.mark.parametrize("mode", ["repaired", "papers"])
def test_real_functions_have_graphs(shared, name, language, mode):
    with lzma.open(shared / "data" / f"{name}.jsonl.xz", "rt", encoding="utf-8") as lines:
        functions = [json.loads(line)["func"] for line in islice(lines, 0, 2700, 60)]
    flows = [data_flow(one, language, mode=mode) for one in functions]
    for flow in flows:
        if mode == "repaired":
            check(flow)
        else:
            assert all(0 <= source < len(flow.nodes) for _, source in flow.edges)
    assert sum(bool(flow.edges) for flow in flows) >= 0.9 * len(flows)


def test_the_light_install_is_enough():
    code = (
        "import sys\nfrom codewren.dataflow import data_flow\n"
        "for language in ('c', 'cpp', 'java', 'python'): data_flow('x = 1', language)\n"
        "heavy = {'numpy', 'torch', 'transformers', 'tokenizers'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
