"""Near copies that do something else: what changes, and what a corpus makes of them."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np

from codewren.train.similarity.contrast import Lessons
from codewren.train.similarity.corpus import Corpus, training_corpus
from codewren.train.similarity.semantic_edits import (
    call_another,
    called_methods,
    differing,
    flip_operator,
    swap_constant,
)
from codewren.train.similarity.source_lexer import lex
from train.similarity.made_functions import tiny_recipe, write_data, write_rows

TEXT = """int mean(List<Item> items) {
    int total = 3;
    for (int i = 0; i < items.size(); i++) {
        total += items.fetch(i) * 2;
    }
    return total;
}"""


def changed_tokens(text: str) -> list[tuple[str, str]]:
    """Tokens that differ; the texts have equally many."""
    before, after = [token.text for token in lex(TEXT)], [token.text for token in lex(text)]
    assert len(before) == len(after)
    return [(old, new) for old, new in zip(before, after, strict=True) if old != new]


def test_one_change_is_one_token() -> None:
    flips = {pair for seed in range(40) for pair in changed_tokens(flip_operator(TEXT, random.Random(seed)))}
    assert flips == {("<", ">="), ("+=", "-="), ("*", "+")}
    constants = {old for seed in range(40) for old, _ in changed_tokens(swap_constant(TEXT, random.Random(seed)))}
    assert constants == {"0", "2", "3"}
    calls = {pair for seed in range(40) for pair in changed_tokens(call_another(TEXT, random.Random(seed), ["drop"]))}
    assert calls == {("size", "drop"), ("fetch", "drop")}
    assert called_methods(TEXT) == ["size", "fetch"]


def test_the_head_of_a_function_stays_and_a_text_without_anything_to_change_too() -> None:
    texts = [differing(TEXT, random.Random(seed), ["drop"]) for seed in range(20)]
    assert all(text.startswith("int mean(List<Item> items) {\n") for text in texts)
    assert any(text != TEXT for text in texts)
    assert differing("int f() {\n    g();\n}", random.Random(0), ["drop"]) == "int f() {\n    g();\n}"


def lessons_of(folder: Path, **mix: float) -> tuple[Corpus, Lessons]:
    write_data(folder)
    recipe = tiny_recipe(folder)
    contrast = replace(recipe.contrast, mix=replace(recipe.contrast.mix, **mix))
    corpus = training_corpus(replace(recipe, contrast=contrast))
    return corpus, Lessons.of(corpus, np.array([len(text) for text in corpus.texts]), contrast)


def test_a_changed_copy_and_its_original_meet_in_a_batch_as_different_groups(tmp_path: Path) -> None:
    corpus, lessons = lessons_of(tmp_path, changes=1.0)
    originals, others = corpus.changes[::2], corpus.changes[1::2]
    assert originals
    assert all(corpus.texts[a[0]] != corpus.texts[b[0]] for a, b in zip(originals, others, strict=True))
    partner = {number: set(group) for group in corpus.changes for number in group}
    drawn = lessons.draws["changes"](random.Random(0), 8)
    assert all(second in partner[first] for first, second in drawn)
    places = sorted(corpus.changes.index(group) for pair in drawn for group in corpus.changes if pair[0] in group)
    assert places == list(range(places[0], places[0] + 8))


def test_documentation_is_learned_beside_its_function(tmp_path: Path) -> None:
    write_data(tmp_path)
    code = "int {name}(int x) {{\n    int y = x;\n    y += 2;\n    y *= x + 7;\n    return y;\n}}\n"
    write_rows(
        tmp_path / "projects.jsonl",
        [
            {"project": "p", "language": "java", "name": f"f{k}", "func": code.format(name=f"f{k}"), "doc": doc}
            for k, doc in enumerate(("Adds two to a number that is given.", "Short.", ""))
        ],
    )
    recipe = tiny_recipe(tmp_path)
    contrast = replace(recipe.contrast, mix=replace(recipe.contrast.mix, docs=1.0))
    corpus = training_corpus(replace(recipe, contrast=contrast))
    ((doc, function),) = corpus.docs
    assert corpus.texts[doc] == '"Adds two to number that is given"'
    assert corpus.texts[function].startswith("int solution(")


def test_sources_that_are_not_asked_for_are_not_made(tmp_path: Path) -> None:
    corpus, lessons = lessons_of(tmp_path)
    assert corpus.changes == corpus.docs == []
    assert set(lessons.draws) == {"problems", "names", "edits"}
