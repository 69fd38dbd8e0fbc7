import ast
import json
import lzma
import random
import re
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codewren.core.errors import InputError
from codewren.syntax import functions as functions_module
from codewren.syntax import grammars
from codewren.syntax.functions import extract
from codewren.syntax.grammars import LANGUAGES
from extents import extents, texts


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("int f(void) { return 1; }", ["f"]),
        ("int f(a, b) int a; char *b; { return a; }", ["f"]),
        ("main(argc) { return 1; }", ["main"]),
        ("int (*f(int a))(void) { return 0; }\nchar **g() {}\nint (h)(void) {}", ["f", "g", "h"]),
        ("int f(void) __attribute__((cold)) { return 0; }\n__attribute__((x)) int g() {}", ["f", "g"]),
        ("int f(void) { int inner(int z) { return z; } return inner(1); }", ["f", "inner"]),
        ("static int __init f(void)\n{ return 0; }", ["f"]),
        ('extern "C" {\nint f(void) { return 1; }\n}\n#ifdef A\nint g(void) { return 1; }\n#endif', ["f", "g"]),
        ("int f(int);\nstruct s { int (*f)(void); };\nint a[] = { 1, 2 };\ntypedef int t(void);", []),
        ("", []),
        ("\n\n  // nothing\n", []),
    ],
)
def test_c_functions_are_found_by_name(source: str, names: list[str]) -> None:
    assert [name for name, *_ in extents(source, "c")] == names


def test_cpp_methods_templates_and_operators_are_qualified() -> None:
    source = """template <typename T>
T A<T>::f(int x) const noexcept { return [](int y) { return y; }(x); }
namespace n { namespace { struct S {
  S() = default;
  S(int) : a(1) {}
  S(char) try : a(1) {} catch (...) {}
  ~S() {}
  operator bool() const { return true; }
  A& r() {}
  virtual void z() = 0;
  template <class U> template <class V> void t() {}
}; } }
bool operator==(const A& a, const A& b) { return true; }
auto g() -> int { return 1; }
"""
    names = [
        "A<T>::f",
        "n::S::S",
        "n::S::S",
        "n::S::~S",
        "n::S::operator bool",
        "n::S::r",
        "n::S::t",
        "operator==",
        "g",
    ]
    assert [name for name, *_ in extents(source, "cpp")] == names
    assert extents("static const char* names[n::count] {\n  #define X(name) #name,\n  ALL(X)\n};\n", "cpp") == []
    assert texts(source, "cpp")[0].startswith("template <typename T>\nT A<T>")
    assert texts(source, "cpp")[6] == "template <class U> template <class V> void t() {}"


def test_java_methods_constructors_and_inner_classes_are_qualified() -> None:
    source = """class A {
  A() {}
  record P(int x) { P { } }
  abstract void declared();
  @Override
  public int g() { new Runnable() { public void run() {} }; return 1; }
  interface I { void declared(); default void d() {} }
  enum E { X { void q() {} } }
}
"""
    assert [name for name, *_ in extents(source, "java")] == ["A.A", "A.P.P", "A.g", "A.g.run", "A.I.d", "A.E.q"]
    assert extents(source, "java")[2][1:] == (5, 6)


def test_a_java_method_without_a_class_is_found() -> None:
    assert extents("public int g() { return 1; }", "java") == [("g", 1, 1)]


def test_python_functions_start_with_their_decorators() -> None:
    source = """@dec
@other(1)
async def f(x):
    def g():
        pass

class A:
    @property
    def m(self):
        return lambda: 1
"""
    assert extents(source, "python") == [("f", 1, 5), ("f.g", 4, 5), ("A.m", 8, 10)]
    assert texts(source, "python")[2].startswith("@property")


def test_lines_are_counted_by_line_feeds_whatever_the_line_ends_are() -> None:
    assert extents("\r\n\r\nint f(void)\r\n{\r\n}\r\n", "c") == [("f", 3, 5)]
    assert extents("\ufeff// é\nint f(void) {}\n", "c") == [("f", 2, 2)]


def test_the_line_of_the_body_is_known() -> None:
    (one,) = extract(b"static int\nf(int a,\n  int b)\n{\n  return a;\n}\n", "c").functions
    assert (one.start_line, one.body_line, one.end_line) == (1, 4, 6)


def test_half_a_function_is_no_function_and_a_statement_is_none() -> None:
    assert [name for name, *_ in extents("}\n else if (x) { y(); }\n  for (;;) { z(); }\n", "c")] == []


def test_text_without_errors_has_none() -> None:
    assert not extract(b"int f(void) { return 1; }", "c").has_errors


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "source", [b"(" * 100_000, b"f(" * 50_000, b"{" * 100_000, b"x = " + b"(" * 1000 + b")" * 1000]
)
def test_deep_nesting_is_refused_at_once(language: str, source: bytes) -> None:
    with pytest.raises(InputError, match="nested more than 500 deep"):
        extract(source, language)


def test_generics_that_never_end_are_refused() -> None:
    with pytest.raises(InputError, match="nested"):
        extract(b"a<" * 2000, "java")


def test_nesting_within_the_limit_is_fine() -> None:
    assert extents("int f(void) { return " + "(" * 400 + "1" + ")" * 400 + "; }", "c") == [("f", 1, 1)]


def test_a_parse_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammars, "PARSE_LIMIT_S", 0.0)
    with pytest.raises(InputError, match="parsing took over 0 s"):
        extract(b"int f(void) { return 1; }\n" * 1000, "c")


def test_tokens_that_would_make_a_query_quadratic_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions_module, "QUERY_LIMIT_STEPS", 1000)
    with pytest.raises(InputError, match="not ordinary source text"):
        extract(b"(((" * 100, "c")


def test_many_lines_and_many_functions_are_found_without_recursion() -> None:
    source = "int f(void)\n{\n  return 1;\n}\n" * 25_000
    functions = extract(source.encode(), "c").functions
    assert len(functions) == 25_000
    assert functions[-1].end_line == 100_000


def test_functions_nested_a_hundred_deep_do_not_recurse() -> None:
    source = "".join("    " * depth + f"def f{depth}():\n" for depth in range(100)) + "    " * 100 + "pass\n"
    assert len(extract(source.encode(), "python").functions) == 100


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(LANGUAGES),
    st.lists(
        st.sampled_from(
            [
                "int f(",
                ") ",
                "{ ",
                "} ",
                "def g(x):\n ",
                "class A ",
                "@d\n",
                "<",
                ">",
                "\0",
                "é",
                "#if 1\n",
                "#endif\n",
                "/* ",
                "*/ ",
                '"',
                "return ",
                ";\n",
                "template<",
                "\n",
                "if (a) ",
            ]
        )
    ).map("".join),
)
def test_any_text_gives_functions_inside_it(language: str, source: str) -> None:
    raw = source.encode()
    for one in extract(raw, language).functions:
        assert 0 <= one.start_byte < one.end_byte <= len(raw)
        assert one.start_line == raw.count(b"\n", 0, one.start_byte) + 1
        assert one.start_line <= one.body_line <= one.end_line
        assert one.end_line - raw.count(b"\n", 0, one.end_byte) in {0, 1}
        assert one.name


def test_python_functions_are_those_the_python_parser_finds() -> None:
    modules = ["ast", "argparse", "dataclasses", "typing", "inspect", "functools", "tarfile", "asyncio/base_events"]
    for module in modules:
        raw = (Path(sysconfig.get_path("stdlib")) / f"{module}.py").read_bytes()
        lines = raw.decode().split("\n")
        assert [one[:2] for one in extents(raw.decode(), "python")] == [one[:2] for one in python_functions(raw)]
        for ours, theirs in zip(extents(raw.decode(), "python"), python_functions(raw), strict=True):
            rest = lines[theirs[2] : ours[2]]  # comments behind the last statement may count as part of it
            assert all(line.strip() == "" or line.strip().startswith("#") for line in rest), (module, ours)
            assert ours[2] >= theirs[2]


def python_functions(source: bytes) -> list[tuple[str, int, int]]:
    places, waiting = [], [(ast.parse(source), "")]
    while waiting:
        node, prefix = waiting.pop()
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            name = prefix + child.name if named else ""
            if named and not isinstance(child, ast.ClassDef):
                first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                places.append((name, first, child.end_lineno))
            waiting.append((child, f"{name}." if named else prefix))
    return sorted(places, key=lambda place: place[1])


def test_real_functions_with_macros_are_recovered(shared: Path) -> None:
    """At least 96 % of the Devign functions, of which some lack lines, 20 to a file (tree-sitter alone: 92 %)."""
    with lzma.open(shared / "data/devign/valid.jsonl.xz", "rt", encoding="utf-8") as stream:
        codes = [re.sub(r"\n\n", "\n", json.loads(line)["func"]).strip("\n").encode() for line in stream]
    codes = random.Random(0).sample(codes, 600)
    hits = 0
    for start in range(0, len(codes), 20):
        part, source, wanted = codes[start : start + 20], b"", set()
        for code in part:
            wanted.add((len(source), len(source) + len(code)))
            source += code + b"\n\n"
        hits += len(wanted & {(one.start_byte, one.end_byte) for one in extract(source, "c").functions})
    assert hits / len(codes) >= 0.96
