"""The renaming attack against judges whose best attack is known."""

import itertools
import json
import re

import numpy as np
import pytest

from codewren.compress.attack import NAMES, attack, remembered
from codewren.core.dataset import Dataset
from codewren.core.errors import InputError
from codewren.core.task import CLONE, VULNERABILITY
from codewren.edits import Renamer, local_names
from codewren.measure.robustness import AttackBudget, compare_attacks
from codewren.syntax.tokens import shape_hash, tokens
from commands import fails, run
from students import write_student

JAVA = tuple(
    f"int f{k}(int count, String name) {{ int total = count + {k}; int rest = total; return rest * name.length(); }}"
    for k in range(6)
)


def singles(functions=JAVA):
    ids = tuple(str(index) for index in range(len(functions)))
    return Dataset(VULNERABILITY, "valid", functions, ids, tuple((i,) for i in range(len(ids))), (1,) * len(ids), ids)


def pairs():
    ids = tuple(str(index) for index in range(len(JAVA)))
    items = tuple((index, (index + 1) % len(JAVA)) for index in range(len(JAVA)))
    return Dataset(CLONE, "valid", JAVA, ids, items, (1,) * len(ids), ids)


def judge_by(weights, base=0.0, asked=None):
    """A judge who adds up what the names in the first function weigh, above 0.5 it says 1."""

    def judge(dataset):
        rows = []
        for index in range(len(dataset)):
            words = set(re.findall(r"\w+", dataset.texts(index)[0]))
            rows.append(base + sum(weight for name, weight in weights.items() if name in words))
        if asked is not None:
            asked.append(len(dataset))
        positive = np.clip(np.array(rows), 0.0, 1.0)
        return (positive > 0.5).astype(np.int64), np.column_stack([1 - positive, positive])

    return judge


def test_a_judge_of_one_name_falls_at_once():
    found = attack(judge_by({"total": 1.0}), singles())
    assert found.success.value == 1.0
    assert [one.identifiers for one in found.outcomes] == [1] * len(JAVA)
    assert [one.queries for one in found.outcomes] == [4] * len(JAVA)  # each variable once
    assert all("total" not in tokens(one.text, "c") for one in found.outcomes)


def test_a_judge_of_two_names_takes_two_and_a_budget_of_one_name_is_not_enough():
    judge = judge_by({"total": 0.45, "count": 0.45, "rest": 0.1}, base=0.1)
    found = attack(judge, singles())
    assert found.success.value == 1.0
    assert {one.identifiers for one in found.outcomes} == {2}
    assert all({"total", "count"}.isdisjoint(tokens(one.text, "c")) for one in found.outcomes)
    assert attack(judge, singles(), budget=AttackBudget(100, 1)).success.value == 0.0


def test_a_judge_who_does_not_look_at_names_never_falls():
    asked = []
    found = attack(judge_by({}, base=0.9, asked=asked), singles())
    assert found.success.value == 0.0 and found.after.value == 1.0
    assert all(one.text == JAVA[one.item] for one in found.outcomes)
    assert max(one.queries for one in found.outcomes) <= 4 * NAMES


@pytest.mark.parametrize("seed", range(4))
def test_against_added_weights_greedy_needs_as_few_names_as_any_choice(seed):
    rng = np.random.default_rng(seed)
    weights = dict(zip(("count", "name", "total", "rest"), rng.dirichlet(np.ones(4)), strict=True))
    fewest = next(
        k
        for k in range(1, 5)
        if any(1 - sum(weights[name] for name in some) <= 0.5 for some in itertools.combinations(weights, k))
    )
    found = attack(judge_by(weights), singles(JAVA[:1]))
    assert found.outcomes[0].succeeded and found.outcomes[0].identifiers == fewest


@pytest.mark.parametrize("queries", [1, 3, 7])
def test_no_item_costs_more_queries_than_the_budget(queries):
    asked = []
    judge = judge_by({"total": 0.3, "count": 0.3, "rest": 0.3}, base=0.4, asked=asked)
    found = attack(judge, singles(), budget=AttackBudget(queries, 8))
    assert max(one.queries for one in found.outcomes) == queries
    assert sum(asked[1:]) == sum(one.queries for one in found.outcomes)


def test_attacks_are_seeded_and_an_item_is_attacked_alike_among_others():
    judge = judge_by({"total": 0.4, "count": 0.4}, base=0.1)
    first, again, other = (attack(judge, singles(), seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert [one.text for one in first.outcomes] != [one.text for one in other.outcomes]


def test_renamed_code_means_the_same_and_of_a_pair_the_right_function_stays():
    seen = []
    inner = judge_by({"total": 0.4, "count": 0.4, "name": 0.1}, base=0.1)

    def judge(dataset):
        seen.extend(dataset.texts(index) for index in range(len(dataset)))
        return inner(dataset)

    attack(judge, pairs())
    shapes = {shape_hash(text, "java") for text in JAVA}
    assert len(seen) > 2 * len(JAVA)
    assert all(shape_hash(left, "java") in shapes and right in JAVA for left, right in seen)


def test_only_what_was_judged_rightly_is_attacked_and_counts():
    found = attack(judge_by({"total": 1.0}), singles((*JAVA, "int g(int a) { return a; }")))
    assert (found.before.value, found.before.n) == (pytest.approx(6 / 7), 7)
    assert (found.success.n, found.after.value) == (6, 0.0)
    assert found.of_label(0).n == 0
    assert found.to_dict()["identifiers_of_successes"] == 1


def test_a_function_without_variables_cannot_be_attacked():
    found = attack(judge_by({"g": 1.0}), singles(("int g() { return h(); }",)))
    assert (found.success.value, found.outcomes[0].queries) == (0.0, 0)


def test_two_judges_are_compared_on_what_both_judged_rightly():
    weak, strong = attack(judge_by({"total": 1.0}), singles()), attack(judge_by({}, base=0.9), singles())
    test = compare_attacks(weak, strong)
    assert (test.items, test.only_first, test.only_second) == (6, 6, 0)
    assert test.p_value == pytest.approx(2 * 0.5**6)


def test_a_remembered_judge_is_asked_once_for_a_data_set():
    asked = []
    judge = remembered(judge_by({"total": 1.0}, asked=asked))
    assert judge(singles()) is judge(singles())
    assert asked == [6]


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(InputError, match="0 queries and 8 identifiers"):
        attack(judge_by({}), singles(), budget=AttackBudget(0, 8))


def test_a_renamer_renames_as_often_as_asked_and_draws_names_that_are_free():
    renamer = Renamer(JAVA[0], "java")
    assert renamer.names == tuple(local_names(JAVA[0], "java"))
    assert "sum" in renamer.renamed({"total": "sum"}) and "sum" not in renamer.renamed({})
    fresh = renamer.fresh(5, rng=__import__("random").Random(0), names=["total", "a", "b", "int"])
    assert len(set(fresh)) == 5 and not {"total", "int"} & set(fresh)


RECIPE = """
[task]
name = "vulnerability"
[data]
valid = { path = "valid.jsonl", label = "target" }
[teacher]
kind = "logits"
path = "logits.npy"
"""


def test_evaluate_attacks_bundles_and_says_that_a_file_cannot_be_attacked(tmp_path, capsys):
    rows = [
        {"idx": k, "func": f"int w{k}(int w{k + 3}, int w9) {{ return w{k + 3} * w9 + {k}; }}", "target": k % 2}
        for k in range(10, 26)
    ]
    (tmp_path / "valid.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    np.save(tmp_path / "logits.npy", np.random.default_rng(0).normal(size=(16, 2)).astype(np.float32))
    (tmp_path / "recipe.toml").write_text(RECIPE)
    write_student(tmp_path / "one.wren")
    write_student(tmp_path / "two.wren", seed=3)
    ask = ("evaluate", tmp_path / "one.wren", tmp_path / "recipe.toml", "--attack", 20, 2)
    more = ("--versus", tmp_path / "two.wren", "--logits", tmp_path / "logits.npy", "--json", tmp_path / "x.json")
    out = run(*ask, *more)
    assert "attack, 20 queries, 2 names" in out and "output agreement" in out
    found = json.loads((tmp_path / "x.json").read_text())
    assert found["attack"]["budget"] == {"queries": 20, "identifiers": 2}
    assert found["attack"]["rivals"]["two"]["test"]["items"] <= 16
    assert found["relations"]["as written"]["agreement"]["n"] == 16
    assert "a file cannot judge edited functions" in fails(capsys, *ask, "--edit-teacher")
    assert "--edits or --attack" in fails(capsys, *ask[:3], "--edit-teacher")
