import io
import re
import sysconfig
import tokenize
from array import array
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tree_sitter import Node

import token_oracle
from codewren.syntax.functions import extract
from codewren.syntax.grammars import LANGUAGES, syntax_root
from codewren.syntax.literals import literals
from codewren.syntax.tokens import shape_hash, span_hashes, span_tokens, text_hash, tokens

BRACED = ("javascript", "typescript", "tsx")
BASE = {
    "c": 'int f(int a)\n{\n  /* x */ return g(a, "s", 10) + a; // y\n}',
    "cpp": 'int f(int a)\n{\n  /* x */ return g(a, "s", 10) + a; // y\n}',
    "java": 'int f(int a)\n{\n  /* x */ return g(a, "s", 10) + a; // y\n}',
    "python": 'def f(a):\n    # x\n    if a:\n        g(a, "s", 10)  # y\n    return a',
    **dict.fromkeys(BRACED, 'function f(a) {\n  /* x */ return g(a, "s", 10) + a; // y\n}'),
    "go": 'func f(a int) int {\n  /* x */ return g(a, "s", 10) + a // y\n}',
    "csharp": 'int f(int a)\n{\n  /* x */ return g(a, "s", 10) + a; // y\n}',
    "rust": 'fn f(a: i32) -> i32 {\n  /* x */ return g(a, "s", 10) + a; // y\n}',
}
EXACT = {
    "c": 'int f( int a ) { return g(a,"s",10)+a; }',
    "cpp": 'int f( int a ) { return g(a,"s",10)+a; }',
    "java": 'int f( int a ) { return g(a,"s",10)+a; }',
    "python": 'def f( a ):\n  if a:\n\n      g(a,"s",10)\n  return a',
    **dict.fromkeys(BRACED, 'function f( a ) { return g(a,"s",10)+a; }'),
    "go": 'func f( a int )int{ return g(a,"s",10)+a }',
    "csharp": 'int f( int a ) { return g(a,"s",10)+a; }',
    "rust": 'fn f( a:i32 )->i32{ return g(a,"s",10)+a; }',
}
RENAMED = {
    "c": "int h(int b) { return k(b, 't', 2.5e3) + b; }",
    "cpp": "int h(int b) { return k(b, 't', 2.5e3) + b; }",
    "java": "int h(int b) { return k(b, 't', 2.5e3) + b; }",
    "python": "def h(b):\n    if b:\n        k(b, f't', 2)\n    return b",
    **dict.fromkeys(BRACED, "function h(b) { return k(b, `t`, 2.5e3) + b; }"),
    "go": "func h(b uint) uint { return k(b, `t`, 2.5e3) + b }",
    "csharp": 'long h(long b) { return k(b, @"t", 2.5e3) + b; }',
    "rust": "fn h(b: u8) -> u8 { return k(b, 't', 2.5e3) + b; }",
}
EDITED = {
    "c": 'int f(int a) { return g(a, "s", 10) - a; }',
    "cpp": 'int f(int a) { return g(a, "s", 10) - a; }',
    "java": 'int f(int a) { return g(a, "s", 10) * a; }',
    "python": 'def f(a):\n    if a:\n        g(a, "s", 10)\n        return a',
    **dict.fromkeys(BRACED, 'function f(a) { return g(a, "s", 10) - a; }'),
    "go": 'func f(a int) int { return g(a, "s", 10) - a }',
    "csharp": 'int f(int a) { return g(a, "s", 10) - a; }',
    "rust": 'fn f(a: i32) -> i32 { return g(a, "s", 10) - a; }',
}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"python"}))
def test_white_space_and_comments_do_not_tell_copies_apart(language: str) -> None:
    assert text_hash(BASE[language], language) == text_hash(EXACT[language], language)
    assert text_hash(BASE[language], language) != text_hash(RENAMED[language], language)


def test_in_python_the_nesting_counts_and_its_width_does_not_matter_from_the_margin() -> None:
    method = "\n".join("    " + line for line in BASE["python"].split("\n")).strip()
    assert text_hash(BASE["python"], "python") == text_hash(method, "python")
    assert text_hash(BASE["python"], "python") != text_hash(EDITED["python"], "python")
    assert shape_hash(BASE["python"], "python") != shape_hash(EDITED["python"], "python")


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_and_literals_do_not_tell_renamed_copies_apart(language: str) -> None:
    assert shape_hash(BASE[language], language) == shape_hash(RENAMED[language], language)
    assert shape_hash(BASE[language], language) != shape_hash(EDITED[language], language)


def test_comment_marks_inside_strings_are_text() -> None:
    assert tokens('"a // b" + "/* c */"', "c") == ['"a // b"', "+", '"/* c */"']
    assert tokens("'# a' + x", "python") == ["'# a'", "+", "x"]
    assert tokens('"""a\n# b""" # c', "python") == ['"""a\n# b"""']


def test_a_comment_without_end_runs_to_the_end() -> None:
    assert tokens("a /* b c", "java") == ["a"]


@given(st.sampled_from(LANGUAGES), st.text(max_size=60))
def test_any_text_has_tokens_that_are_pieces_of_it(language: str, text: str) -> None:
    for token in tokens(text, language):
        assert token.lstrip("\n-0123456789") == "" or token in text


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        (
            "python",
            'def f(d, total):\n    return f"{d["#"]}: {total * 2}"',
            'def f(d, total):\n    return f"{d["#"]}: {delete_everything(total)}"',
        ),
        (
            "cpp",
            'int f(char *s) { return match(R"(" // )", *s++, keep(s)); }',
            'int f(char *s) { return match(R"(" // )", *s++, erase_disk(s)); }',
        ),
        ("cpp", "int f(int a) { return 1'000 + g('a'); }", "int f(int a) { return 1'000 + delete_all('a'); }"),
        ("c", "int f(int a, int b) { return a+++b; }", "int f(int a, int b) { return a + ++b; }"),
        ("c", "int f(int a, int b) { return a && b; }", "int f(int a, int b) { return a & &b; }"),
        (
            "java",
            'String f() { return """\n  a " // b\n  """ + g(); }',
            'String f() { return """\n  a " // b\n  """ + erase(); }',
        ),
        ("go", "func f(a int) { c <- a }", "func f(a int) { c < -a }"),
        ("javascript", "function f(a) { return a / b / c }", "function f(a) { return /b/c }"),
        (
            "javascript",
            "f(`${a + ' // '}${g()}`)",
            "f(`${a + ' // '}${h()}`)",
        ),
        ("javascript", 'f(/"/, g(), "")', 'f(/"/, h(), "")'),
        ("tsx", "a = <p>it's {f()} it's</p>", "a = <p>it's {g()} it's</p>"),
        ("rust", "fn f<'a>(x: &'a str) { g() }", "fn f<'a>(x: &'b str) { g() }"),
        ("rust", "fn f<'a>(x: T) -> &'a str { g(x) }", "fn f<'a>(x: U) -> &'a str { g(x) }"),
        ("rust", 'fn f() { r#"a " // b"#; g() }', 'fn f() { r#"a " // b"#; h() }'),
        ("csharp", 'f(@"c:\\", g(), "")', 'f(@"c:\\", h(), "")'),
        ("csharp", '$"{a:N2} // {g()}"', '$"{a:N2} // {h()}"'),
        ("python", 'def f(a):\n    return f"{a: >3}"', 'def f(a):\n    return f"{a:>3}"'),
        ("python", "def f(a):\n    if a:\n        b()\n    'x'", "def f(a):\n    if a:\n        b()\n        'x'"),
    ],
)
def test_different_code_is_no_exact_copy(language: str, first: str, second: str) -> None:
    assert text_hash(first, language) != text_hash(second, language)


def test_code_inside_a_string_is_code() -> None:
    assert tokens('f"a{b * 2}c"', "python") == ['f"a', "{", "b", "*", "2", "}", 'c"']
    assert tokens("f'{a:{b}>3}'", "python") == ["f'", "{", "a", ":", "{", "b", "}", ">3", "}", "'"]
    assert tokens("x = f'{d['#']}' # c", "python") == ["x", "=", "f'", "{", "d", "[", "'#'", "]", "}", "'"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("def f(a):\n    if a:\n        b()\n    return 1", "def f(a):\n  if a:\n\n    b()  # x\n  return 1"),
        ("def f(a):\n    return g(a,\n             b)", "def f(a):\n    return g(a, b)"),
        ("def f(a):\n    return a + \\\n        b", "def f(a):\n    return a + b"),
    ],
)
def test_in_python_the_width_of_levels_and_joined_lines_do_not_count(first: str, second: str) -> None:
    assert text_hash(first, "python") == text_hash(second, "python")


@pytest.mark.parametrize("kind", ["long", "double", "String"])
def test_types_do_not_tell_renamed_copies_apart(kind: str) -> None:
    source = "static int max(int[] a) { int m = 0; for (int x : a) m = x > m ? x : m; return m; }"
    assert shape_hash(source, "java") == shape_hash(source.replace("int", kind), "java")
    assert text_hash(source, "java") != text_hash(source.replace("int", kind), "java")


def test_a_type_of_several_words_is_one() -> None:
    source = "int f(int a) { return (int) a; }"
    assert shape_hash(source, "c") == shape_hash(source.replace("int", "unsigned long long"), "c")
    assert shape_hash(source, "c") != shape_hash(source.replace("int f", "void f"), "c")


PIECES = {
    "c": ["a+++b;", '"// x";', "'\\'';", "/* ' */", "// \"\n", "x = 0x1F + 1e-5f;", "g(a && b);", "#if A\n#endif\n"],
    "cpp": ['R"(" // )";', "1'000'000;", 'R"x(a)")x";', 'u8"a" "b";', "x->y<z>>(1);", "0b1'0 + .5;", "// '\n", "'\"';"],
    "java": ['"""\n a " // \n""";', "'\"';", "1_000L + 0x1p-3;", "a::b;", "/* \" */", "// '\n", "x >>>= 1;"],
    "javascript": ["/[/\"]/g;", "`a ${b + `c ${'}'}`} \"`;", "a?.b ?? c;", "1_000n ** .5;", "'\\'';", "x => x;"],
    "typescript": ["x as A<B<C>>;", "`a ${b} '`;", "/'/;", "let y: `a${string}`;", "0x1F;", "// '\n"],
    "tsx": ["z = <a b='c'>it's {d} </a>;", "`'${e}`;", "x = <A.B {...p} />;", "/'/;", "y!;", "// '\n"],
    "go": ["c <- a;", "`a \" // `;", "'\\'';", "x := 0x1p-2 + 1i;", "a &^= b;", "/* ' */"],
    "csharp": ['$"a{b:N2}{{";', '@"c:\\" ;', '"""a " b""";', "'\"';", "a?.b ?? 1_0.5m;", "// '\n"],
    "rust": ["'c';", "x::<&'static str>();", 'r#"a " // "#;', "1..2;", "b'\\'';", "1.5e-3_f64;", "/* /* ' */ */"],
    "python": ['f"{d["#"]}"\n', "f'a{{{b!r:>{w}}}}'\n", "r'\\'\n", "1_000 + 1e-5j\n", "# '\n", "x = \\\n 1\n"],
}  # fmt: skip


@given(st.data())
def test_tokens_are_the_leaves_of_the_tree(data: st.DataObject) -> None:
    language = data.draw(st.sampled_from(LANGUAGES))
    source = " ".join(data.draw(st.lists(st.sampled_from(PIECES[language]), max_size=8)))
    header = {"python": "", "go": "func f()", "rust": "fn f()", **dict.fromkeys(BRACED, "function f()")}
    if language != "python":
        source = f"{header.get(language, 'void f()')} {{ {source} }}"
    assert_like_tree(re.sub("(?m)^ ", "", source) if language == "python" else source, language)


def test_tokens_of_real_functions_are_the_leaves_of_the_tree_and_pythons_own() -> None:
    for module in ("argparse", "tarfile", "inspect", "textwrap"):
        raw = (Path(sysconfig.get_path("stdlib")) / f"{module}.py").read_text(encoding="utf-8")
        assert_like_tree(raw, "python")
        own = [one.string for one in tokenize.generate_tokens(io.StringIO(raw).readline) if one.type in {1, 2}]
        assert not Counter(own) - Counter(tokens(raw, "python"))


def assert_like_tree(source: str, language: str) -> None:
    """All text but comments in order; names, numbers and strings without code inside are whole."""
    raw = source.encode()
    text, whole, waiting = bytearray(raw), list[str](), [syntax_root(raw, language)]
    while waiting:
        node = waiting.pop()
        content = raw[node.start_byte : node.end_byte].decode()
        if node.type in {"comment", "line_comment", "block_comment", "line_continuation"}:
            text[node.start_byte : node.end_byte] = b" " * len(content.encode())
        elif is_whole(node):
            whole.append(content)
        else:
            waiting += reversed(node.children)
    ours = [token for token in tokens(source, language) if not token.startswith("\n")]
    joined, left = "".join(ours), text.decode()
    assert "".join(joined.replace("\\\n", "").split()) == "".join(left.replace("\\\n", "").split())
    assert not Counter(whole) - Counter(ours)


def is_whole(node: Node) -> bool:
    if node.type == "string" or node.type.endswith(("_literal", "integer", "float")):
        return not any("interpolation" in child.type for child in node.children)
    return node.type.endswith("identifier") and not node.child_count


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_function_has_the_same_hashes_in_its_file_and_alone(language: str) -> None:
    source = BASE[language].encode()
    file = b"\n\n" + source + b"\n"
    (one,) = extract(file, language).functions
    known = literals(syntax_root(file, language), language)
    alone = source.decode()
    assert known == extract(file, language).literals()
    assert span_hashes(file, [(one.start_byte, one.end_byte)], known, language) == [
        (text_hash(alone, language), shape_hash(alone, language))
    ]


def test_a_summary_counts_tokens_and_words() -> None:
    source = b"int f(int a) { return a + 1; }"
    (summary,) = span_tokens(source, [(0, len(source))], array("I"), "c")
    assert (summary.text, summary.shape) == span_hashes(source, [(0, len(source))], array("I"), "c")[0]
    assert summary.size == 13
    assert sorted(entry & 0xFF for entry in summary.words) == [1, 1, 1, 2, 2]


WORDS = [
    "int", "unsigned", "if", "x", "ü", "$a", "1", ".5e-3", "0x1p+2", "'", '"', "\\", "/*", "*/", "//", "#", "`", "${",
    "}", "{", "(", ")", "<-", "&&", "::", "...", "++", "\n", "\r\n", "\t", "\f", " ", "\0", "r#\"", "\"\"\"", "@\"",
]  # fmt: skip


@given(st.sampled_from(LANGUAGES), st.lists(st.sampled_from(WORDS), max_size=40).map("".join), st.data())
def test_the_native_lexer_agrees_with_regular_expressions(language: str, text: str, data: st.DataObject) -> None:
    source = text.encode()
    offsets = st.integers(0, len(source))
    start, end = sorted((data.draw(offsets), data.draw(offsets)))
    known = literals(syntax_root(source, language), language)
    for marks in (known, array("I")):
        wanted = token_oracle.span_hashes(source, start, end, marks, language)
        assert span_hashes(source, [(start, end)], marks, language) == [wanted]


def test_the_native_lexer_agrees_on_real_code() -> None:
    for path in [*(Path(__file__).parents[2] / "native").rglob("*.cpp"), *Path(__file__).parent.glob("*.py")]:
        source, language = path.read_bytes(), "cpp" if path.suffix == ".cpp" else "python"
        parsed = extract(source, language)
        spans = [(one.start_byte, one.end_byte) for one in parsed.functions]
        wanted = [token_oracle.span_hashes(source, *span, parsed.literals(), language) for span in spans]
        assert span_hashes(source, spans, parsed.literals(), language) == wanted


@pytest.mark.parametrize(("spans", "marks"), [([(0, 4)], []), ([(2, 1)], []), ([], [0, 4, 1]), ([], [0, 1])])
def test_spans_outside_the_source_are_refused(spans: list[tuple[int, int]], marks: list[int]) -> None:
    with pytest.raises(ValueError, match=r"span|triples"):
        span_hashes(b"abc", spans, array("I", marks), "c")
