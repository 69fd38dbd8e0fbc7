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


def found(source: str, language: str) -> list[tuple[str, int, int]]:
    return [(one.name, one.start_line, one.end_line) for one in extract(source.encode(), language).functions]


def texts(source: str, language: str) -> list[str]:
    raw = source.encode()
    return [raw[one.start_byte : one.end_byte].decode() for one in extract(raw, language).functions]


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
    assert [name for name, *_ in found(source, "c")] == names


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
    assert [name for name, *_ in found(source, "cpp")] == names
    assert found("static const char* names[n::count] {\n  #define X(name) #name,\n  ALL(X)\n};\n", "cpp") == []
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
    assert [name for name, *_ in found(source, "java")] == ["A.A", "A.P.P", "A.g", "A.g.run", "A.I.d", "A.E.q"]
    assert found(source, "java")[2][1:] == (5, 6)


def test_a_java_method_without_a_class_is_found() -> None:
    assert found("public int g() { return 1; }", "java") == [("g", 1, 1)]


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
    assert found(source, "python") == [("f", 1, 5), ("f.g", 4, 5), ("A.m", 8, 10)]
    assert texts(source, "python")[2].startswith("@property")


def test_lines_are_counted_by_line_feeds_whatever_the_line_ends_are() -> None:
    assert found("\r\n\r\nint f(void)\r\n{\r\n}\r\n", "c") == [("f", 3, 5)]
    assert found("\ufeff// é\nint f(void) {}\n", "c") == [("f", 2, 2)]


def test_the_line_of_the_body_is_known() -> None:
    (one,) = extract(b"static int\nf(int a,\n  int b)\n{\n  return a;\n}\n", "c").functions
    assert (one.start_line, one.body_line, one.end_line) == (1, 4, 6)


def test_a_macro_in_front_of_a_function_costs_neither_it_nor_its_neighbours() -> None:
    source = """int before(void) { return 1; }
SYSCALL_DEFINE3(open, const char *, name)
{
    return 0;
}
int after(void) { return 1; }
"""
    assert found(source, "c") == [("before", 1, 1), ("SYSCALL_DEFINE3", 2, 5), ("after", 6, 6)]
    assert extract(source.encode(), "c").has_errors


def test_a_brace_opened_twice_under_ifdef_does_not_swallow_what_follows() -> None:
    source = """int first(int a)
{
#ifdef A
    if (a) {
#else
    if (!a) {
#endif
        return 1;
    }
    return 0;
}

int second(int a)
{
    return a;
}
"""
    assert found(source, "c") == [("first", 1, 11), ("second", 13, 16)]


ALLOW_THREADS = """static PyObject *
f(PyObject *self)
{
    int x;
    MACRO
    if (x) {
        g();
    }
    else {
        h();
    }
    return 0;
}
int after(void)
{
    return 1;
}
"""


@pytest.mark.parametrize("macro", ["Py_BEGIN_ALLOW_THREADS", "begin_lock", "LOCK_IT(a, b)"])
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_a_macro_statement_makes_no_function_named_if(macro: str, language: str) -> None:
    assert found(ALLOW_THREADS.replace("MACRO", macro), language) == [("f", 1, 13), ("after", 14, 17)]


@pytest.mark.parametrize("loop", ["for_each_x(cpu) {", "foreach (int x, list) {", "Q_FOREACH(a, b) {", "forever {"])
def test_loops_made_by_macros_are_no_functions(loop: str) -> None:
    for language in ("c", "cpp") if "(cpu)" in loop or "forever" in loop else ("cpp",):
        assert found(f"void f(void)\n{{\n  {loop}\n    g();\n  }}\n}}\n", language) == [("f", 1, 6)]


@pytest.mark.parametrize(
    "error", ["va_arg(ap, const char *)", "sizeof(int a b)", "offsetof(struct s, a[0] b)", "({ int;; )"]
)
def test_an_inner_brace_in_column_0_ends_no_function(error: str) -> None:
    source = f"""int f(const char *p, ...)
{{
  x = {error};
#define M do {{ \\
  x; \\
}} while (0)
  M;
  return 1;
}}
int g(void)
{{
  if (a) {{
    b();
}} else {{
    c();
  }}
}}
"""
    assert found(source, "c") == [("f", 1, 9), ("g", 10, 17)]


def test_functions_that_return_structs_and_enums_survive_errors() -> None:
    source = "%%% (((\nstruct x *g(int a)\n{\n  return %% 0;\n}\nenum e h(void)\n{\n  return (0;\n}\n"
    assert found(source, "c") == [("g", 2, 5), ("h", 6, 9)]


def test_conversion_operators_outside_their_class_have_names() -> None:
    source = """V::operator bool() const { return true; }
inline V::operator int() const { return 1; }
A::B::operator T*() const { return p; }
template <class T> A<T>::operator T() { return 1; }
"""
    assert [name for name, *_ in found(source, "cpp")] == [
        "V::operator bool",
        "V::operator int",
        "A::B::operator T*",
        "A<T>::operator T",
    ]


def test_definitions_of_before_ansi_c_are_found() -> None:
    source = """char *dup(s, n)
    char *s;
    int n;
{
  return s;
}
foo(a)
  int a;
{
  return a;
}
struct x *
bar(a, b)
register char *a; /* the first */
struct y *b;
{
  return 0;
}
"""
    assert found(source, "c") == [("dup", 1, 6), ("foo", 7, 11), ("bar", 12, 18)]


def test_two_signatures_with_one_body_are_one_function() -> None:
    source = (
        "#ifdef A\nint f(int a)\n#else\nint f(int a, int b)\n#endif\n{\n  return a;\n}\nint g(void) { return 1; }\n"
    )
    assert found(source, "c") == [("f", 2, 8), ("g", 9, 9)]


@pytest.mark.parametrize(
    "header",
    [
        "void * __attribute__((malloc)) f(int a)",
        'int *  __attribute__((used, section("a"))) f(void)',
        "void __attribute__((noinline)) f(int a)",
        "__attribute__((x)) int f(void)",
    ],
)
def test_an_attribute_is_no_name(header: str) -> None:
    assert found(header + "\n{\n return 0;\n}\n", "c") == [("f", 1, 4)]


def test_an_export_macro_in_a_class_head_costs_nothing() -> None:
    source = """class MAP_EXPORT X : public Y { public: X(int t) : t_(t) { init(); }
  int m() { return 1; } };
class API Foo final {
public:
  int g() { return 1; }
};
struct DLL_EXPORT(x) Bar : Y {
  ~Bar() {}
};
"""
    assert [name for name, *_ in found(source, "cpp")] == ["X::X", "X::m", "Foo::g", "Bar::~Bar"]


def test_a_macro_before_a_definition_is_no_part_of_it() -> None:
    source = """EXPORT_SYMBOL(x)
int f(void)
{
  return 1;
}
END_TEST

START_TEST(foo)
{
  x();
}
END_TEST

static int g(void)
{
  return 1;
}
"""
    assert found(source, "c") == [("f", 2, 5), ("START_TEST", 8, 11), ("g", 14, 17)]
    qt = "class A {\n Q_OBJECT\npublic:\n A() {}\n Q_DISABLE(A)\n int f() { return 1; }\n};\n"
    assert found(qt, "cpp") == [("A::A", 4, 4), ("A::f", 6, 6)]


def test_an_indented_return_type_and_a_body_in_column_0_are_one_function() -> None:
    source = "    static int\nfoo(int a)\n{\n  %% (;\n  return a;\n}\n\n    void\nbar(int a)\n{\n  x();\n}\n"
    assert found(source, "c") == [("foo", 1, 6), ("bar", 8, 12)]


def test_comments_in_a_header_and_a_type_above_it_cost_nothing_where_the_parser_is_lost() -> None:
    source = """    static int
foo(
    int a,   // one; or {two}
    int b)   // may be {
{
  %% (;
  return a;
}

int bar(void) /* a; = */
{
  return (0;
}
"""
    assert found(source, "c") == [("foo", 1, 8), ("bar", 10, 13)]
    assert texts(source, "c")[0].startswith("static int\nfoo(")


@pytest.mark.parametrize("header", ["UPB_INLINE const x::y* f(int a)", "bool f(void*) LOCKS_REQUIRED(mu)"])
def test_annotations_of_the_compiler_cost_no_function(header: str) -> None:
    source = f"class A {{\n  {header} {{\n    return a && b(c);\n  }}\n  A() : a(1) {{}}\n}};\n"
    assert found(source, "cpp") == [("A::f", 2, 4), ("A::A", 5, 5)]


@pytest.mark.parametrize("header", ["UPB_INLINE upb_strview f(const m *msg)", "MY_API static std::string f(int a)"])
def test_words_before_a_name_are_no_part_of_it(header: str) -> None:
    assert found(header + " {\n  return 1;\n}\n", "cpp") == [("f", 1, 3)]


def test_names_are_no_code() -> None:
    long = "a" * 250
    for language in ("c", "cpp"):
        assert all(len(name) <= 200 and "{" not in name for name, *_ in found(f"int {long}(int a) {{ }}", language))


def test_half_a_function_is_no_function_and_a_statement_is_none() -> None:
    assert [name for name, *_ in found("}\n else if (x) { y(); }\n  for (;;) { z(); }\n", "c")] == []


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
    assert found("int f(void) { return " + "(" * 400 + "1" + ")" * 400 + "; }", "c") == [("f", 1, 1)]


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
        assert [one[:2] for one in found(raw.decode(), "python")] == [one[:2] for one in python_functions(raw)]
        for ours, theirs in zip(found(raw.decode(), "python"), python_functions(raw), strict=True):
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
