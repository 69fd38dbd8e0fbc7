"""C and C++ as they are before the preprocessor: macros, attributes, two branches, and definitions of before ANSI C."""

import pytest

from codewren.syntax.functions import extract
from extents import extents, texts


def test_a_macro_in_front_of_a_function_costs_neither_it_nor_its_neighbours() -> None:
    source = """int before(void) { return 1; }
SYSCALL_DEFINE3(open, const char *, name)
{
    return 0;
}
int after(void) { return 1; }
"""
    assert extents(source, "c") == [("before", 1, 1), ("SYSCALL_DEFINE3", 2, 5), ("after", 6, 6)]
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
    assert extents(source, "c") == [("first", 1, 11), ("second", 13, 16)]


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
    assert extents(ALLOW_THREADS.replace("MACRO", macro), language) == [("f", 1, 13), ("after", 14, 17)]


@pytest.mark.parametrize("loop", ["for_each_x(cpu) {", "foreach (int x, list) {", "Q_FOREACH(a, b) {", "forever {"])
def test_loops_made_by_macros_are_no_functions(loop: str) -> None:
    for language in ("c", "cpp") if "(cpu)" in loop or "forever" in loop else ("cpp",):
        assert extents(f"void f(void)\n{{\n  {loop}\n    g();\n  }}\n}}\n", language) == [("f", 1, 6)]


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
    assert extents(source, "c") == [("f", 1, 9), ("g", 10, 17)]


def test_functions_that_return_structs_and_enums_survive_errors() -> None:
    source = "%%% (((\nstruct x *g(int a)\n{\n  return %% 0;\n}\nenum e h(void)\n{\n  return (0;\n}\n"
    assert extents(source, "c") == [("g", 2, 5), ("h", 6, 9)]


def test_conversion_operators_outside_their_class_have_names() -> None:
    source = """V::operator bool() const { return true; }
inline V::operator int() const { return 1; }
A::B::operator T*() const { return p; }
template <class T> A<T>::operator T() { return 1; }
"""
    assert [name for name, *_ in extents(source, "cpp")] == [
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
    assert extents(source, "c") == [("dup", 1, 6), ("foo", 7, 11), ("bar", 12, 18)]


def test_two_signatures_with_one_body_are_one_function() -> None:
    source = (
        "#ifdef A\nint f(int a)\n#else\nint f(int a, int b)\n#endif\n{\n  return a;\n}\nint g(void) { return 1; }\n"
    )
    assert extents(source, "c") == [("f", 2, 8), ("g", 9, 9)]


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
    assert extents(header + "\n{\n return 0;\n}\n", "c") == [("f", 1, 4)]


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
    assert [name for name, *_ in extents(source, "cpp")] == ["X::X", "X::m", "Foo::g", "Bar::~Bar"]


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
    assert extents(source, "c") == [("f", 2, 5), ("START_TEST", 8, 11), ("g", 14, 17)]
    qt = "class A {\n Q_OBJECT\npublic:\n A() {}\n Q_DISABLE(A)\n int f() { return 1; }\n};\n"
    assert extents(qt, "cpp") == [("A::A", 4, 4), ("A::f", 6, 6)]


def test_an_indented_return_type_and_a_body_in_column_0_are_one_function() -> None:
    source = "    static int\nfoo(int a)\n{\n  %% (;\n  return a;\n}\n\n    void\nbar(int a)\n{\n  x();\n}\n"
    assert extents(source, "c") == [("foo", 1, 6), ("bar", 8, 12)]


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
    assert extents(source, "c") == [("foo", 1, 8), ("bar", 10, 13)]
    assert texts(source, "c")[0].startswith("static int\nfoo(")


@pytest.mark.parametrize("header", ["UPB_INLINE const x::y* f(int a)", "bool f(void*) LOCKS_REQUIRED(mu)"])
def test_annotations_of_the_compiler_cost_no_function(header: str) -> None:
    source = f"class A {{\n  {header} {{\n    return a && b(c);\n  }}\n  A() : a(1) {{}}\n}};\n"
    assert extents(source, "cpp") == [("A::f", 2, 4), ("A::A", 5, 5)]


@pytest.mark.parametrize("header", ["UPB_INLINE upb_strview f(const m *msg)", "MY_API static std::string f(int a)"])
def test_words_before_a_name_are_no_part_of_it(header: str) -> None:
    assert extents(header + " {\n  return 1;\n}\n", "cpp") == [("f", 1, 3)]


def test_names_are_no_code() -> None:
    long = "a" * 250
    for language in ("c", "cpp"):
        assert all(len(name) <= 200 and "{" not in name for name, *_ in extents(f"int {long}(int a) {{ }}", language))


def test_a_macro_behind_the_name_of_a_class_costs_none_of_its_methods() -> None:
    source = """class X FINAL : public Y { public: void f() { } };
class QT_EXPORT QIODEVICE : A { void g() {} };
class IPC FINAL {
  int h() { return 1; }
};
class IP final : B { int i() { return 1; } };
"""
    assert [name for name, *_ in extents(source, "cpp")] == ["X::f", "QIODEVICE::g", "IPC::h", "IP::i"]


def test_a_name_inside_a_macro_is_the_functions() -> None:
    source = """class Renderer FINAL : public IRenderer
{
public:
    IFACEMETHOD(GetPixels)(
\t__maybenull void* context UNUSED,
\t__out float* pixels)
    {
\treturn S_OK;
    }

    IFACEMETHOD_(unsigned long, AddRef) ()
    {
\treturn ++count;
    }
    STDMETHOD(Declared)(int a);
};

STDMETHODIMP_(ULONG) Renderer::Release()
{
  return --count;
}
"""
    assert extents(source, "cpp") == [
        ("Renderer::GetPixels", 4, 9),
        ("Renderer::AddRef", 11, 14),
        ("Renderer::Release", 18, 21),
    ]


@pytest.mark.parametrize("loop", ["FOR_ALL_WINDOWS(wp)", "Q_FOREACH(a, b)", "LIST_FOR_EACH(x)"])
def test_a_loop_of_a_macro_is_no_function_where_the_parser_is_lost(loop: str) -> None:
    source = f"void f(void)\n{{\n  }}\n    {loop}\n    {{\n      g();\n    }}\n}}\n"
    for language in ("c", "cpp"):
        assert loop.partition("(")[0] not in [name for name, *_ in extents(source, language)]
