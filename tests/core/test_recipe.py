"""Recipes: defaults, settings from the command line, errors that name the way out."""

import tomllib
from pathlib import Path

import pytest

from codewren.core.errors import ConfigError, InputError, RecipeError
from codewren.core.recipe import Recipe, recipe_tables
from codewren.core.similarity_recipe import SimilarityRecipe, is_similarity

MINIMAL = {"task": {"name": "clone"}}


def test_a_minimal_recipe_has_every_default():
    recipe = Recipe.from_dict(MINIMAL)
    assert recipe.task.labels == ("different", "clone")
    assert recipe.search.strategy == "wren"
    assert recipe.budget.max_bytes == 3_000_000


def test_settings_override_and_parse_as_toml_or_as_a_word(tmp_path):
    (tmp_path / "r.toml").write_text("[task]\nname = 'clone'\n[distil]\nepochs = 3\n")
    settings = ("distil.epochs=7", "search.strategy=compressor", "student.learning_rate=1e-4", "data.valid.path=v.tsv")
    recipe = Recipe.load(tmp_path / "r.toml", settings)
    assert recipe.distil.epochs == 7
    assert recipe.search.strategy == "compressor"
    assert recipe.student.learning_rate == 1e-4
    assert recipe.resolve(recipe.data.valid.path) == tmp_path / "v.tsv"


def test_a_resolved_recipe_builds_the_same_recipe_again():
    recipe = Recipe.from_dict(
        {
            **MINIMAL,
            "data": {"valid": {"path": "v", "where": {"part": "valid"}}, "train": {"path": "t"}},
            "distil": {"train_on": ["labelled", "unlabelled"]},
            "student": {"hidden_act": "silu"},
        }
    )
    plain = recipe.to_dict()
    plain.pop("folder")
    assert Recipe.from_dict(plain) == recipe


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({}, "no \\[task\\]"),
        ({**MINIMAL, "distill": {}}, "did you mean 'distil'"),
        ({**MINIMAL, "distil": {"epoch": 3}}, "did you mean 'epochs'"),
        ({**MINIMAL, "distil": {"epochs": "three"}}, "wanted \\(int\\)"),
        ({**MINIMAL, "distil": {"epochs": True}}, "wanted \\(int\\)"),
        ({**MINIMAL, "distil": 3}, "wanted a table"),
        ({**MINIMAL, "distil": {"loss": "mae"}}, "not one of kl, mse"),
        ({**MINIMAL, "data": {"valid": {}}}, "missing path"),
        ({"task": {"name": "smell", "unit": "function"}}, "also needs labels, positive"),
        (
            {"task": {"name": "smell", "unit": "file", "labels": ["a", "b"], "positive": "a"}},
            "not one of function, pair",
        ),
        ({"task": {"name": "smell", "unit": "function", "labels": ["a", "b"], "positive": "c"}}, "'c' is not in"),
        ({**MINIMAL, "student": {"hidden_sizes": 3}}, "did you mean 'hidden_size'"),
        ({**MINIMAL, "student": {"hidden_size": 100, "num_attention_heads": 8}}, "try 96 or 104"),
        ({**MINIMAL, "student": {"vocab_size": 1.5}}, "whole number"),
        ({**MINIMAL, "student": {"storage": "int4"}}, "int4"),
    ],
)
def test_errors_say_what_was_wanted(raw, said):
    with pytest.raises(InputError, match=said):
        Recipe.from_dict(raw)


def test_a_file_that_is_missing_or_not_toml_is_a_recipe_error(tmp_path):
    with pytest.raises(RecipeError, match="no such file"):
        Recipe.load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[task\n")
    with pytest.raises(RecipeError, match="not valid TOML"):
        Recipe.load(tmp_path / "bad.toml")
    (tmp_path / "good.toml").write_text("[task]\nname='clone'\n")
    with pytest.raises(RecipeError, match=r"section\.key=value"):
        Recipe.load(tmp_path / "good.toml", ["distil.epochs"])


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "recipes").rglob("*.toml")), ids=lambda p: p.stem)
def test_every_recipe_of_the_repository_loads(path):
    tables = recipe_tables(path)
    if is_similarity(tables):
        encoder_recipe = SimilarityRecipe.from_dict(tables, path.parent)
        assert encoder_recipe.sizes.table_bytes < encoder_recipe.budget.max_bytes
        return
    recipe = Recipe.load(path)
    assert recipe.data.valid is not None
    assert set(tomllib.loads(path.read_text())) <= set(recipe.to_dict())


def test_a_student_error_is_a_config_error():
    with pytest.raises(ConfigError):
        Recipe.from_dict({**MINIMAL, "student": {"num_hidden_layers": 0}})
