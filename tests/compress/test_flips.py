"""Flips under edits, for single functions and for pairs, and how they are written."""

import json

import numpy as np
import pytest

from codewren.compress.flips import edited_splits, flips_of
from codewren.core.dataset import Dataset
from codewren.core.errors import InputError
from codewren.core.task import CLONE, VULNERABILITY, Task, Unit
from codewren.syntax.tokens import shape_hash, tokens
from commands import fails, run
from students import write_student

JAVA = tuple(
    f"int f{k}(int count, String name) {{ // {k}\n  int total = count + {k};\n  return total * name.length(); }}"
    for k in range(40)
)
EDITS = ["rename", "reformat", "comments", "dead_code"]


def pairs(labels=(0, 1)):
    ids = tuple(str(index) for index in range(40))
    items = tuple((index, (index + 3) % 40) for index in range(40))
    return Dataset(CLONE, "valid", JAVA, ids, items, tuple(labels[index % 2] for index in range(40)), ids)


def singles(task=VULNERABILITY, functions=JAVA):
    ids = tuple(str(index) for index in range(len(functions)))
    items = tuple((index,) for index in range(len(functions)))
    return Dataset(task, "valid", functions, ids, items, tuple(index % 2 for index in range(len(functions))), ids)


def test_every_edit_keeps_the_shape_of_every_function():
    edited = edited_splits(pairs())
    assert list(edited) == [*EDITS, "rename_left"]
    for name, one in edited.items():
        assert one.edited_N.all()
        for index in range(40):
            for old, new in zip(pairs().texts(index), one.dataset.texts(index), strict=True):
                if name == "dead_code":
                    assert len(tokens(new, "java")) > len(tokens(old, "java"))
                else:
                    assert shape_hash(new, "java") == shape_hash(old, "java")
                if name in {"reformat", "comments"}:
                    assert tokens(new, "java") == tokens(old, "java")
        assert all("//" not in text for text in one.dataset.functions) == (name == "comments")


def test_of_a_pair_both_sides_get_names_of_their_own():
    edited = edited_splits(pairs())
    both, left = edited["rename"].dataset, edited["rename_left"].dataset
    place = pairs().items[0]
    same_function = (place[0], pairs().items.index((37, place[0])))  # left of one item, right of another
    assert both.texts(same_function[0])[0] != both.texts(same_function[1])[1]
    assert all(left.texts(index)[1] == pairs().texts(index)[1] for index in range(40))
    assert all(left.texts(index)[0] == both.texts(index)[0] for index in range(40))


def test_edits_are_seeded_and_do_not_depend_on_the_other_items():
    first, again, other = edited_splits(pairs()), edited_splits(pairs()), edited_splits(pairs(), seed=1)
    assert all(first[name].dataset == again[name].dataset for name in first)
    assert all(first[name].dataset != other[name].dataset for name in first if name != "comments")
    layout = edited_splits(pairs().subset([5]))["reformat"].dataset.texts(0)
    assert layout == first["reformat"].dataset.texts(5)


def test_a_judge_of_names_flips_under_renaming_and_under_nothing_else():
    edited = edited_splits(singles())

    def judge(dataset):
        return np.array(
            ["total" in tokens(text, "c") for (text,) in map(dataset.texts, range(len(dataset)))], dtype=np.int64
        )

    rates = {name: found.rate.value for name, found in flips_of(judge, singles(), edited).items()}
    assert rates.pop("rename") == 1.0  # names of the function itself are never drawn
    assert set(rates.values()) == {0.0} and list(rates) == EDITS[1:]


@pytest.mark.parametrize(
    ("language", "said"), [("python", "about python; .* c, cpp, java$"), (None, "c, cpp, java; set language in")]
)
def test_functions_of_other_languages_are_refused(language, said):
    task = Task("mine", Unit.FUNCTION, ("a", "b"), "b", language)
    with pytest.raises(InputError, match=said):
        edited_splits(singles(task))


RECIPE = """
[task]
name = "vulnerability"
[data]
valid = { path = "valid.jsonl", label = "target" }
[teacher]
kind = "logits"
path = "logits.npy"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("fidelity")
    texts = [
        f"int w{k}(int w{k + 3}) {{ /* w9 */ if (w{k + 3}) return w{k + 7}(w9); return {'w4 + ' * k} w5; }}"
        for k in range(4, 44)
    ]
    rows = [{"idx": k, "func": text, "target": k % 2, "project": "ab"[k % 4 == 1]} for k, text in enumerate(texts)]
    (path / "valid.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    np.save(path / "logits.npy", np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32))
    (path / "recipe.toml").write_text(RECIPE)
    write_student(path / "one.wren")
    write_student(path / "two.wren", seed=3)
    return path


def test_evaluate_writes_everything_a_report_needs(folder, tmp_path):
    options = ("--versus", folder / "two.wren", "--logits", folder / "logits.npy", "--json", tmp_path / "x.json")
    out = run("evaluate", folder / "one.wren", folder / "recipe.toml", "--edits", *options)
    assert "flips under" in out and "worst slices" in out and "kappa" in out
    found = json.loads((tmp_path / "x.json").read_text())
    true = found["fidelity"]
    assert list(true) == ["seed", "agreement", "kappa", "ece", "brier", "reliability", "flips", "slices", "versus"]
    assert true["agreement"] == found["measures"]["agreement"]
    assert list(true["flips"]) == EDITS
    for one in true["flips"].values():
        assert one["edited"] == 40 and one["low"] <= one["rate"] == one["flipped"] / 40 <= one["high"]
    assert sum(one["count"] for one in true["reliability"]) == 40
    assert {one["by"] for one in true["slices"]} == {"length", "project"}
    assert [one["accuracy"] for one in true["slices"]] == sorted(one["accuracy"] for one in true["slices"])
    for edit, test in true["versus"]["tests"].items():
        gap = true["flips"][edit]["flipped"] - true["versus"]["flips"][edit]["flipped"]
        assert test["only_first"] - test["only_second"] == gap
    assert true["versus"]["bundle"] == found["versus"]["bundle"]


def test_a_file_of_logits_says_nothing_of_edited_functions(folder, capsys):
    arguments = ("evaluate", folder / "one.wren", folder / "recipe.toml", "--edit-teacher")
    assert "--edits or --attack" in fails(capsys, *arguments)
    assert "cannot judge edited functions" in fails(capsys, *arguments, "--edits")
