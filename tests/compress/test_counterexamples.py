"""Counterexamples: random pairs of other projects' functions, learnt from one half, judged by the other."""

import json
from dataclasses import replace

import numpy as np
import pytest

from codewren.compress.counterexamples import background_pairs, teaches
from codewren.compress.decision import fit_decision
from codewren.compress.run import Run
from codewren.core.errors import RecipeError
from codewren.core.recipe import Recipe

FUNCTIONS = [f"void other{index}() {{ print({index}); }}" for index in range(60)]


@pytest.fixture
def recipe(clone_task, tmp_path):
    path = tmp_path / "background.jsonl"
    path.write_text("\n".join(json.dumps({"func": text}) for text in FUNCTIONS), encoding="utf-8")
    settings = ["distil.background_pairs=50", "decision.alert_budget=0.1", f'decision.background={{path="{path}"}}']
    return Recipe.load(clone_task / "recipe.toml", settings)


def test_pairs_come_from_the_half_that_teaches_and_are_negative(recipe):
    dataset, logits = background_pairs(recipe)
    assert len(dataset) == 50
    assert all(teaches(text) for text in dataset.functions)
    assert all(first != second for first, second in dataset.items)
    assert set(dataset.labels) == {1 - recipe.task.positive_index}
    assert (logits.argmax(axis=1) == 1 - recipe.task.positive_index).all()
    again, _ = background_pairs(recipe)
    assert again.sha256() == dataset.sha256()


def test_copies_fall_on_one_side():
    sides = {teaches(text) for text in FUNCTIONS}
    assert sides == {True, False}
    assert all(teaches(text) == teaches("  " + text.replace(" ", "\n")) for text in FUNCTIONS)


def test_the_training_split_grows_by_the_pairs(recipe, tmp_path):
    run = Run.start(recipe, tmp_path / "run", quiet=True)
    without = Run(replace(recipe, distil=replace(recipe.distil, background_pairs=0)), run.out, quiet=True)
    from codewren.compress.stage_label import label_splits

    label_splits(run)
    spec = run.tokenizer(recipe.student)
    more, fewer = (one.training_split(recipe.student, spec) for one in (run, without))
    assert len(more) == len(fewer) + 50
    assert more.logits is not None
    np.testing.assert_array_equal(more.logits[: len(fewer)], fewer.logits)


def test_the_alert_threshold_is_fitted_on_the_other_half(recipe):
    seen = []

    class Judge:
        def logits(self, items):
            seen.extend(text for pair in items for text in pair)
            return [[float(len(pair[0]) % 3), 1.0] for pair in items]

    run = Run(recipe, recipe.folder, quiet=True)
    fit_decision(recipe, Judge(), run.dataset("valid"))
    ours = [text for text in seen if text in set(FUNCTIONS)]
    assert ours
    assert not any(teaches(text) for text in ours)


def test_without_a_background_there_are_no_counterexamples(clone_task):
    recipe = Recipe.load(clone_task / "recipe.toml", ["distil.background_pairs=50"])
    with pytest.raises(RecipeError, match=r"needs decision\.background"):
        background_pairs(recipe)
