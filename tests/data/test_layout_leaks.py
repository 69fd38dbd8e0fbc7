"""Labels that can be read from layout are told; the last brace is given back in training."""

import json
import lzma
from collections import Counter

import numpy as np
import pytest

from codewren.core.dataset import Dataset
from codewren.core.recipe import Recipe
from codewren.core.task import VULNERABILITY
from codewren.data.braces import close_last_brace, lacks_last_brace
from codewren.data.layout_leaks import layout_report
from codewren.data.load import load_split

SAFE, BAD = "int f(int a) {\n\n  return a;\n}\n", "int f(int a) {\n  return a;\n"


def functions(texts, labels, split="labelled"):
    ids = tuple(str(i) for i in range(len(texts)))
    return Dataset(VULNERABILITY, split, tuple(texts), ids, tuple((i,) for i in range(len(texts))), tuple(labels), ids)


def test_traits_are_counted_and_told():
    report = layout_report(functions([SAFE] * 60 + [BAD] * 40, [0] * 60 + [1] * 40))
    traits = {trait.name: trait for trait in report.traits}
    brace = traits["that lack their last brace"]
    assert (brace.items, brace.label, brace.share, brace.share_of_all) == (40, "vulnerable", 1.0, 0.4)
    assert brace.survives and not traits["without a doubled newline"].survives
    assert any("of the 40 functions that lack their last brace 100.0% are vulnerable" in w for w in report.warnings())
    assert report.length_auc == 0.0
    assert json.loads(json.dumps(report.to_dict()))["warnings"] == report.warnings()


def test_layout_that_says_nothing_is_not_warned_about():
    rng = np.random.default_rng(0)
    texts = [SAFE if side else BAD for side in rng.integers(0, 2, 400)]
    report = layout_report(functions(texts, rng.integers(0, 2, 400).tolist()))
    assert report.warnings() == []
    assert 0.4 < report.length_auc < 0.6


def test_the_auc_of_lengths_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(1)
    texts, labels = ["x" * n for n in rng.integers(1, 9, 200)], rng.integers(0, 2, 200)
    wanted = roc_auc_score(labels, [len(text) for text in texts])
    assert layout_report(functions(texts, labels.tolist())).length_auc == pytest.approx(wanted)


@pytest.mark.parametrize(
    "text",
    ["int f() { return 1; }", "int f() {\n#if A\n if (x) {\n#else\n if (y) {\n#endif\n}\n}", "int x;"],
)
def test_a_function_that_ends_in_a_brace_or_has_none_stays(text):
    assert close_last_brace(text) == text


def test_training_functions_are_closed_and_judged_ones_are_not(tmp_path):
    for split in ("labelled", "valid"):
        (tmp_path / f"{split}.jsonl").write_text(json.dumps({"func": BAD, "label": 1}) + "\n")
    raw = {"task": {"name": "vulnerability"}, "data": {s: {"path": f"{s}.jsonl"} for s in ("labelled", "valid")}}
    recipe = Recipe.from_dict(raw, tmp_path)
    assert load_split(recipe, "labelled").functions == (BAD + "}",)
    assert load_split(recipe, "valid").functions == (BAD,)
    raw["data"]["close_braces"] = False
    assert load_split(Recipe.from_dict(raw, tmp_path), "labelled").functions == (BAD,)


def test_devigns_labels_can_be_read_from_its_layout(shared):
    with lzma.open(shared / "data/devign/valid.jsonl.xz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    lacking = Counter(row["target"] for row in rows if lacks_last_brace(row["func"]))
    assert lacking[1] > 20 * lacking[0]
    assert any(
        "last brace" in line
        for line in layout_report(
            functions([row["func"] for row in rows], [row["target"] for row in rows], "valid")
        ).warnings()
    )
