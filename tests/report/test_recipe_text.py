"""A recipe on a page reads back as the same recipe."""

import tomllib
from pathlib import Path

import pytest

from codewren.core.recipe import Recipe
from codewren.core.recipe_files import recipe_tables
from codewren.core.similarity_recipe import objective_kind
from codewren.report.recipe_text import recipe_toml

RECIPES = [
    path
    for path in sorted((Path(__file__).parents[2] / "recipes").rglob("*.toml"))
    if path.parent.name != "bases" and not objective_kind(recipe_tables(path))
]


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_every_recipe_of_the_repository_comes_back(path):
    recipe = Recipe.load(path)
    assert Recipe.from_dict(tomllib.loads(recipe_toml(recipe)), recipe.folder) == recipe


def test_awkward_names_and_filters_come_back():
    raw = {
        "task": {"name": 'a "b"\\\n\x7fé', "unit": "function", "labels": ["no", "yes"], "positive": "yes"},
        "data": {"valid": {"path": "x y.csv", "where": {"part one": "l\u00efb", "n": 3}}},
        "distil": {"swap_pairs": True, "train_on": ["labelled", "unlabelled"]},
    }
    recipe = Recipe.from_dict(raw)
    assert Recipe.from_dict(tomllib.loads(recipe_toml(recipe))) == recipe
