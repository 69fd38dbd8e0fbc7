"""Edits of texts keep the tokens that they should."""

import random
import re
from collections import Counter

from codewren.train.similarity.source_lexer import lex
from codewren.train.similarity.text_edits import (
    add_statement,
    change_literals,
    drop_statement,
    edited,
    local_names,
    loops_as_while,
    mirror_comparisons,
    rename,
    swap_statements,
)

TEXT = """int mean(struct list *items, int limit) {
    int total = 0;
    int count = 100;
    total = total + count;
    count = next(items);
    log(total, "a long message");
    for (int i = 0; i < limit; i++) {
        total += items->value * scale(i);
    }
    return total / count;
}"""
NAMES = [f"fresh{k}" for k in range(40)]


def kinds(text: str) -> list[str]:
    """Tokens, every word as its kind only."""
    return [token.text if token.kind else "NAME" for token in lex(text)]


def test_renaming_changes_local_names_only() -> None:
    assert {"items", "limit", "total", "count", "i"} == set(local_names(TEXT))
    renamed = rename(TEXT, random.Random(0), NAMES)
    assert kinds(renamed) == kinds(TEXT)
    words = set(re.findall(r"\w+", renamed))
    assert {"mean", "next", "log", "scale", "value", "struct", "list"} <= words
    assert not {"items", "limit", "total", "count", "i"} & words


def test_renaming_gives_different_names_different_names() -> None:
    for seed in range(20):
        renamed = rename(TEXT, random.Random(seed), NAMES)
        assert len(set(local_names(renamed))) == len(set(local_names(TEXT)))


def test_dropping_and_adding_change_one_line() -> None:
    lines = Counter(TEXT.split("\n"))
    dropped = Counter(drop_statement(TEXT, random.Random(1)).split("\n"))
    assert (lines - dropped).total() == 1
    assert not dropped - lines
    added = Counter(add_statement(TEXT, random.Random(1), "f() {\n    other = thing(1);\n}").split("\n"))
    assert added - lines == Counter(["    other = thing(1);"])
    assert not lines - added


def test_swapping_keeps_the_lines() -> None:
    swapped = swap_statements(TEXT, random.Random(2))
    assert swapped != TEXT
    assert Counter(swapped.split("\n")) == Counter(TEXT.split("\n"))


def test_a_counted_loop_becomes_a_while_loop() -> None:
    text = next(t for t in (loops_as_while(TEXT, random.Random(seed)) for seed in range(9)) if t != TEXT)
    assert "int i = 0;\nwhile (i < limit) {\n i++;" in text


def test_a_comparison_is_mirrored() -> None:
    texts = {mirror_comparisons("if (a <= b) x;", random.Random(seed)) for seed in range(9)}
    assert texts == {"if (a <= b) x;", "if (b >= a) x;"}


def test_literals_change_and_nothing_else() -> None:
    changed = next(t for t in (change_literals(TEXT, random.Random(seed)) for seed in range(30)) if t != TEXT)
    assert [t.text for t in lex(changed) if t.kind == 0] == [t.text for t in lex(TEXT) if t.kind == 0]


def test_edits_are_repeatable() -> None:
    assert edited(TEXT, random.Random(5), NAMES, TEXT) == edited(TEXT, random.Random(5), NAMES, TEXT)
