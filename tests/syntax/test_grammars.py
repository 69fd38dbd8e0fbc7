import sys

import pytest
import tree_sitter
from hypothesis import given
from hypothesis import strategies as st

from codewren.core.errors import CodewrenError, InputError
from codewren.syntax import grammars
from codewren.syntax.functions import extract
from codewren.syntax.grammars import LANGUAGES, check_nesting, grammar, nesting_depth, syntax_root
from codewren.syntax.tokens import tokens

CLOSED = {")": "(", "]": "[", "}": "{"}


@given(st.text("([{}])x;", max_size=60))
def test_a_closing_bracket_closes_all_inside_its_own_and_one_alone_nothing(source: str) -> None:
    standing, deepest = list[str](), 0
    for character in source:
        if character in "([{":
            standing.append(character)
        elif CLOSED.get(character) in standing:
            while standing.pop() != CLOSED[character]:
                pass
        deepest = max(deepest, len(standing))
    assert nesting_depth(source.encode(), "c") == deepest


@pytest.mark.parametrize("language", LANGUAGES)
def test_brackets_in_comments_and_strings_are_none(language: str) -> None:
    comment = b"# ((\n" if language == "python" else b"// ((\n/* ((\n(( */"
    assert nesting_depth(comment * 300 + b'x = "((" ; y = "\\"((" ;\n' * 300, language) == 0
    if language not in {"rust", "go"}:
        assert nesting_depth(b"x = '((';\n" * 300, language) == 0


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("cpp", b"enum { " + b"R = 1u << n,\n" * 520 + b"};"),
        ("cpp", b"int a[] = { " + b"x < y,\n" * 520 + b"};"),
        ("java", b"int[] a = { " + b"b <<= 2, c << 3, d <= 4,\n" * 520 + b"};"),
        ("rust", b"fn f() { " + b"if a < b { x <- 1 } ;" * 520 + b"}"),
        ("rust", b"fn f<'a>(x: &'a str) { '('; '{'; '\\''; b'['; '\\u{28}' }\n" * 520),
        ("cpp", b"int a = 1'000 + f('(') + g('[');\n" * 520),
        ("java", b'var x = """\n (((( " \n""";\n' * 520),
        ("python", b"x = '''\n (((( ' \n'''\n" * 520),
        ("tsx", b"const a = (x: A<B>) => x < 1 && y > 2;\n" * 520),
        ("c", b"/* 1) a 2) b 3) c */ int x = (1);\n" * 520),
    ],
)
def test_what_does_not_nest_is_not_refused(language: str, source: bytes) -> None:
    check_nesting(source, language)


@pytest.mark.parametrize("language", ["cpp", "csharp", "java", "rust", "tsx", "typescript"])
def test_type_arguments_nest(language: str) -> None:
    assert nesting_depth(b"A<B<C<D>>> a;", language) == 3
    with pytest.raises(InputError, match="nested"):
        extract(b"a<" * 2000, language)


@pytest.mark.parametrize("opening", [b"/* ", b'"', b"'''", b'"""', b"'"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_comment_or_string_without_end_hides_nothing(language: str, opening: bytes) -> None:
    assert nesting_depth(opening + b"\n" + b"(" * 600, language) == 600


@pytest.mark.parametrize("text", [b'"\\', b"'\\", b"/*", b'"""', b"'"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hundred_thousand_beginnings_take_no_quadratic_time(language: str, text: bytes) -> None:
    source = text * 100_000
    assert nesting_depth(source, language) == 0
    assert grammars.lexer(language).texts_and_shapes(source, [(0, len(source))], array_of_marks())


def array_of_marks() -> memoryview:
    return memoryview(b"").cast("I")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("parse", [syntax_root, extract, lambda source, language: tokens(source.decode(), language)])
def test_no_parse_runs_on_bindings_that_can_crash(language, parse, monkeypatch) -> None:
    grammar.cache_clear()
    monkeypatch.setattr(tree_sitter, "__version__", "0.25.2")
    with pytest.raises(CodewrenError, match="can crash"):
        parse(b"x", language)


def test_a_grammar_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    grammar.cache_clear()
    monkeypatch.setitem(grammars._PACKAGES, "go", "tree_sitter_none")
    monkeypatch.setitem(sys.modules, "tree_sitter_none", None)
    with pytest.raises(CodewrenError, match=r"grammar of go cannot be loaded.*pip install --upgrade codewren"):
        syntax_root(b"package x", "go")
