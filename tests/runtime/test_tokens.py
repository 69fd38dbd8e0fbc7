import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.runtime.grammars import LANGUAGES
from codewren.runtime.tokens import overlap, shape_hash, text_hash, tokens

BASE = {
    "c": 'int f(int a)\n{\n  /* x */ return g(a, "s", 10) + a; // y\n}',
    "cpp": 'int f(int a)\n{\n  /* x */ return g(a, "s", 10) + a; // y\n}',
    "java": 'int f(int a)\n{\n  /* x */ return g(a, "s", 10) + a; // y\n}',
    "python": 'def f(a):\n    # x\n    if a:\n        g(a, "s", 10)  # y\n    return a',
}
EXACT = {
    "c": 'int f( int a ) { return g(a,"s",10)+a; }',
    "cpp": 'int f( int a ) { return g(a,"s",10)+a; }',
    "java": 'int f( int a ) { return g(a,"s",10)+a; }',
    "python": 'def f( a ):\n  if a:\n\n      g(a,"s",10)\n  return a',
}
RENAMED = {
    "c": "int h(int b) { return k(b, 't', 2.5e3) + b; }",
    "cpp": "int h(int b) { return k(b, 't', 2.5e3) + b; }",
    "java": "int h(int b) { return k(b, 't', 2.5e3) + b; }",
    "python": "def h(b):\n    if b:\n        k(b, f't', 2)\n    return b",
}
EDITED = {
    "c": 'int f(int a) { return g(a, "s", 10) - a; }',
    "cpp": 'int f(int a) { return g(a, "s", 10) - a; }',
    "java": 'long f(int a) { return g(a, "s", 10) + a; }',
    "python": 'def f(a):\n    if a:\n        g(a, "s", 10)\n        return a',
}


@pytest.mark.parametrize("language", ["c", "cpp", "java"])
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_edited_copy_shares_most_tokens(language: str) -> None:
    assert 0.7 <= overlap(tokens(BASE[language], language), tokens(EDITED[language], language)) < 1


def test_comment_marks_inside_strings_are_text() -> None:
    assert tokens('"a // b" + "/* c */"', "c") == ['"a // b"', "+", '"/* c */"']
    assert tokens("'# a' + x", "python") == ["'# a'", "+", "x"]
    assert tokens('"""a\n# b""" # c', "python") == ['"""a\n# b"""']


def test_a_comment_without_end_runs_to_the_end() -> None:
    assert tokens("a /* b c", "java") == ["a"]


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_overlap_is_the_shared_part_of_the_longer_bag(first: list[str], second: list[str]) -> None:
    rest, shared = list(second), 0
    for token in first:
        if token in rest:
            rest.remove(token)
            shared += 1
    longest = max(len(first), len(second))
    assert overlap(first, second) == overlap(second, first) == (shared / longest if longest else 0)


@given(st.sampled_from(LANGUAGES), st.text(max_size=60))
def test_any_text_has_tokens_that_are_pieces_of_it(language: str, text: str) -> None:
    for token in tokens(text, language):
        assert token.lstrip("\n-0123456789") == "" or token in text
