import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.syntax.blanks import parsable

PIECES = [
    "#if A\n", "#else\n", "#endif\n", "{", "}", "\n{\n", "int f(a)\n", "  int a;\n", "class API X ", "A_MACRO\n",
    "MACRO(x)\n", "\n", "return 1;\n", "* __attribute__((x)) ", "\\\n", "'", '"', "/* ", "*/", "é", "\r\n", "\f",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.sampled_from(["c", "cpp"]))
def test_only_spaces_take_the_place_of_text_and_lines_stay(text: str, language: str) -> None:
    source = text.encode()
    blanked = parsable(source, language)
    assert len(blanked) == len(source)
    assert all(new in {old, ord(" ")} for new, old in zip(blanked, source, strict=True))
    assert blanked.count(b"\n") == source.count(b"\n")


def test_ordinary_text_and_other_languages_stay() -> None:
    plain = b"#ifdef A\nint f(int a) { return a; }\n#else\nint f(void) { return FLAG_A |\n FLAG_B; }\n#endif\n"
    assert parsable(plain, "c") == plain
    header = b"SYSCALL_DEFINE3(open, x)\n{\n}\nBOOL\nf(int a)\n{\n}\nstruct FOO x = { 1 };\n"
    assert parsable(header, "c") == header
    assert parsable(b"A_B\nclass A {}", "java") == b"A_B\nclass A {}"


def test_the_second_branch_goes_where_the_first_leaves_a_brace_open() -> None:
    text = b"#if A\nif (a) {\n#else\nif (b) {\n#endif\n}\n"
    assert parsable(text, "c") == b"     \nif (a) {\n     \n        \n      \n}\n"
    assert parsable(text.replace(b"if (a) {", b"x = '{';").replace(b"if (b) {", b"/* { */"), "c").count(b"#") == 3


@pytest.mark.parametrize(
    ("text", "macros"),
    [
        (b"A_CLOSE\nA_OPEN\n\nclass X;\n", [b"A_CLOSE", b"A_OPEN"]),
        (b"A_API X::X(int a) : b{a} {}\nA_API Y::~Y() {}\n", [b"A_API"]),
        (b"struct X {\nA_API X() : b() {}\n};", [b"A_API"]),
        (b"struct X {\nexplicit A_API X(int a) {}\n};", [b"A_API"]),
        (b"template <> A_API ::n::X* f<X>(int);\n", [b"A_API"]),
        (b"A_API extern const X x;\n", [b"A_API"]),
        (b"const X x[] A_SECTION(a) = { 1 };\n", [b"A_SECTION(a)"]),
        (b"if (a\n#ifdef B\n    && b\n#endif\n) {}\n", [b"#ifdef B", b"#endif"]),
    ],
)
def test_macros_between_the_words_of_a_declaration_are_blanked(text: bytes, macros: list[bytes]) -> None:
    expected = text
    for macro in macros:
        expected = expected.replace(macro, b" " * len(macro))
    assert parsable(text, "cpp") == expected


@pytest.mark.parametrize(
    "text", [b"MY_TYPE f(int a) {}\n", b"MY_TYPE X::f() {}\n", b"MY_TYPE X::x;\n", b"a[B_C(d)] = 1;\n"]
)
def test_types_in_capitals_stay(text: bytes) -> None:
    assert parsable(text, "cpp") == text


def test_text_made_to_be_slow_is_not() -> None:
    for piece in (
        b";\n{",
        b"#if A\n{",
        b"#endif\n{",
        b"A_B\n",
        b"struct A_B ",
        b"*__attribute__((",
        b"f(a)\n int a;",
        b") const ",
        b")A_B(",
        b"A_B a ",
        b"A_B a::",
        b"explicit A_B ",
        b"] A_B(",
        b"#if A\n&& b\n",
    ):
        parsable(piece * 20_000, "cpp")
