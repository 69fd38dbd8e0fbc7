"""What a maker is told in time: words alone, one answer for all, rules and budgets before training, bounds."""

import json

import numpy as np
import pytest

from codewren.compress.decision import fit_decision
from codewren.compress.run import Run
from codewren.compress.run_warnings import warn
from codewren.compress.stage_export import one_label_only
from codewren.compress.words_baseline import report_words
from codewren.core.dataset import Dataset
from codewren.core.errors import RecipeError
from codewren.core.recipe import Recipe
from codewren.core.run_folder import WARNINGS
from codewren.core.task import VULNERABILITY, Kind, Task, Unit
from commands import fails, run


def functions(labels, task=VULNERABILITY, split="valid"):
    ids = tuple(str(i) for i in range(len(labels)))
    texts = tuple(f"int f{i}() {{ word{label}(); }}" for i, label in enumerate(labels))
    return Dataset(task, split, texts, ids, tuple((i,) for i in range(len(labels))), tuple(labels), ids)


def test_words_alone_are_told_for_five_classes(tmp_path, capsys):
    task = Task.from_dict({"name": "k", "unit": "function", "labels": list("abcde"), "positive": "a"})
    recipe = Recipe.from_dict({"task": task.to_dict()})
    labels = [i % 5 for i in range(60)]
    known = {split: functions(labels, task, split) for split in ("unlabelled", "valid")}
    made = Run(recipe, tmp_path, _datasets=known)
    made.has = lambda split: split in known  # type: ignore[method-assign]
    report_words(made)
    assert (
        "words alone on valid: accuracy 1.00, majority 0.20 (logistic regression, 60 items)" in capsys.readouterr().err
    )


def test_words_alone_are_told_for_pairs(clone_task, tmp_path, capsys):
    report_words(Run.start(Recipe.load(clone_task / "recipe.toml"), tmp_path))
    line = capsys.readouterr().err.strip()
    assert line == "words alone on valid: accuracy 1.00, majority 0.50 (logistic regression, 550 items)"
    assert json.loads((tmp_path / "words.json").read_text())["line"] == line


def test_one_answer_for_all_is_told():
    (line,) = one_label_only(np.zeros(6, dtype=np.int64), functions([0, 1] * 3))
    assert "answers 'safe' for every one of the 6 items of valid" in line
    assert "decision.threshold" in line and "distil.selection" in line
    assert one_label_only(np.array([0, 1, 0]), functions([0, 1, 1])) == []
    assert one_label_only(np.zeros(3, dtype=np.int64), functions([0, 0, 0])) == []


def test_an_ordinal_task_is_told_no_key_that_it_cannot_have():
    task = Task("size", Unit.FUNCTION, ("small", "middle", "large"), "large", kind=Kind.ORDINAL)
    (line,) = one_label_only(np.zeros(2, dtype=np.int64), functions([0, 1], task))
    assert "decision.threshold" not in line and "distil.selection" in line


def test_an_untrained_student_is_not_exported_in_silence(clone_task, tmp_path, capsys):
    arguments = (clone_task / "recipe.toml", "--out", tmp_path, "--set", "distil.epochs=1")
    run("compress", *arguments, "--set", "student.learning_rate=1e-12")
    kept = json.loads((tmp_path / WARNINGS).read_text())
    assert "for every one of the 150 items of valid" in kept["export student.wren"][0]


def test_warnings_of_a_stage_replace_its_earlier_ones(tmp_path, capsys):
    made = Run(Recipe.from_dict({"task": {"name": "clone"}}), tmp_path)
    warn(made, "a", ["first"])
    warn(made, "b", ["other"])
    warn(made, "a", [])
    assert json.loads((tmp_path / WARNINGS).read_text()) == {"a": [], "b": ["other"]}
    assert capsys.readouterr().err == "warning: first\nwarning: other\n"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            "search.pick=smallest-witin 1 points",
            r"'smallest-witin 1 points' is unknown; did you mean 'smallest-within'",
        ),
        ("search.pick=best-under", "'best-under' lacks a limit; write for example"),
        ("budget.max_bytes=3000", "bytes of weights alone, the budget is 3,000"),
    ],
)
def test_wishes_that_cannot_be_met_cost_no_training(clone_task, tmp_path, capsys, setting, said):
    run("label", clone_task / "recipe.toml", "--out", tmp_path, "--quiet")
    assert said in fails(capsys, "search", clone_task / "recipe.toml", "--out", tmp_path, "--quiet", "--set", setting)
    assert not (tmp_path / "chosen.json").exists()


def test_search_help_names_strategies_spaces_and_rules():
    said = run("search", "--help")
    for word in ("fixed", "wren", "random", "compressor", "avatar-v1", "extended", "knee", "best-under", "max_seconds"):
        assert word in said


class Constant:
    """A predictor with the same logits for everything."""

    def logits(self, items):
        return np.tile([[1.0, 0.0]], (len(items), 1))


def test_a_validation_split_of_one_label_fits_nothing():
    recipe = Recipe.from_dict({"task": {"name": "vulnerability"}, "decision": {"calibrate": True}})
    with pytest.raises(RecipeError, match="all 9 items of valid have one label"):
        fit_decision(recipe, Constant(), functions([0] * 9))


def test_a_temperature_at_its_bound_is_doubted():
    recipe = Recipe.from_dict({"task": {"name": "vulnerability"}, "decision": {"calibrate": True}})
    made = fit_decision(recipe, Constant(), functions([1, 1, 0, 1])).provenance
    assert "the temperature 20 is the bound of its range" in made["doubt"]
