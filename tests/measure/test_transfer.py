"""Lexical baselines by hand, and the sets that transfer is measured on."""

import math

import numpy as np
import pytest

from codewren.measure.lexical_baselines import (
    SubtokenTfidf,
    blanked_trigrams,
    jaccard,
    subtokens,
    trigrams_similarity,
    words_similarity,
)
from codewren.measure.transfer import (
    Figures,
    Solution,
    TransferRow,
    area_under_curve,
    baseline_figures,
    recall_at,
    summary,
    transfer_sets,
)


def solutions(source: str, language: str, problems: int, each: int) -> list[Solution]:
    return [
        Solution(f"int f{p}(int x) {{ return word{chr(97 + p)} + x; }}", f"{source}{p}", language, source)
        for p in range(problems)
        for _ in range(each)
    ]


def test_words_are_shared_members_over_all_members() -> None:
    assert words_similarity("a = b + c", "a = d + c") == pytest.approx(4 / 6)
    assert words_similarity("x", "y") == 0
    assert jaccard(set(), set()) == 0


def test_blanked_trigrams_do_not_see_names() -> None:
    assert blanked_trigrams("{ a = b ; }") == {"ID = ID", "= ID ;", "ID ; }"}
    assert trigrams_similarity("{ a = b ; }", "{ longer = other ; }") == 1
    assert trigrams_similarity("{ a = b ; }", "{ a = b + b ; }") == 2 / 6


def test_tfidf_cosine_is_that_of_the_formula() -> None:
    assert subtokens("readHTTPHeader_2") == ["read", "http", "header"]
    tfidf = SubtokenTfidf.of(["readLine", "readFile", "closeFile"])
    read, line, file = math.log(4 / 3), math.log(4 / 2), math.log(4 / 3)
    expected = read * read / math.sqrt((read**2 + line**2) * (read**2 + file**2))
    assert tfidf.similarity("readLine", "readFile") == pytest.approx(expected)
    assert tfidf.similarity("readLine", "line read") == pytest.approx(1)
    assert tfidf.vector("never never")["never"] == 1
    assert tfidf.similarity("", "readLine") == 0


def test_figures_of_scores_by_hand() -> None:
    assert area_under_curve(np.array([0.9, 0.4]), np.array([0.1, 0.4])) == (1 + 1 + 1 + 0.5) / 4
    others = np.arange(2000) / 2000
    assert recall_at(np.array([0.9985, 0.999, 0.9995, 1.0]), others) == 0.5


def test_a_source_is_judged_within_languages_where_it_repeats_itself_else_across() -> None:
    made = [*solutions("twice", "c", 25, 2), *solutions("twice", "go", 25, 2)]
    made += [*solutions("once", "c", 30, 1), *solutions("once", "go", 30, 1), *solutions("few", "c", 5, 2)]
    sets = list(transfer_sets(made, others=50))
    assert [(each.name, len(each.clones), len(each.others)) for each in sets] == [
        ("once c-go", 30, 50),
        ("twice c", 25, 50),
        ("twice go", 25, 50),
    ]
    for each in sets:
        assert all(first.problem == second.problem for first, second in each.clones)
        assert all(first.problem != second.problem for first, second in each.others)


def test_baselines_and_the_summary() -> None:
    (made,) = transfer_sets(solutions("s", "c", 25, 2), others=200)
    baselines = baseline_figures(made, SubtokenTfidf.of(pair[0].text for pair in made.clones))
    assert baselines["words"].auc == 1
    assert baselines["blanked 3-grams"].auc == 0.5
    row = TransferRow("s", 25, Figures(0.9, 0.2), {"words": Figures(0.8, 0.4), "TF-IDF": Figures(0.95, 0.1)})
    assert summary([row]) == {
        "sets": 1,
        "mean_auc_gain": pytest.approx(-0.05),
        "sets_below": 1,
        "mean_recall_ratio": 0.5,
    }
