"""The reference of the recipe is what the code says, and says something of every key."""

from dataclasses import fields
from pathlib import Path

import pytest

from codewren.core.recipe import Recipe
from codewren.core.recipe_reference import ENCODER_TABLES, HINT_TABLES, TABLES, descriptions, recipe_reference
from codewren.core.similarity_recipe import SimilarityRecipe
from commands import run

DOCUMENT = Path(__file__).parents[2] / "docs/recipe.md"


def test_the_document_is_what_the_code_says():
    text = recipe_reference()
    assert DOCUMENT.read_text() == text + "\n", "codewren compress --reference > docs/recipe.md"
    assert run("compress", "--reference").strip() == text.strip()
    assert max(len(line) for line in text.splitlines()) <= 100


@pytest.mark.parametrize("kind", dict.fromkeys([*TABLES.values(), *ENCODER_TABLES.values(), *HINT_TABLES.values()]))
def test_every_key_is_described_and_nothing_else_is(kind):
    texts = descriptions(kind)
    assert set(texts) == {spec.name for spec in fields(kind)}
    assert all(texts.values())


def test_every_table_of_a_recipe_is_there():
    tables = set(Recipe.from_dict({"task": {"name": "clone"}}).to_dict()) - {"folder"}
    assert tables == {name for name in TABLES if "." not in name}


def test_every_table_of_an_encoders_recipe_is_there():
    sizes = {"entries": 1, "rows": 1}
    raw = {
        "objective": {"kind": "similarity", "sources": {"p": {"kind": "problems", "path": "p.jsonl"}}},
        "student": {"names": sizes, "structure": sizes},
    }
    tables = set(SimilarityRecipe.from_dict(raw).to_dict()) - {"folder"}
    assert tables == {name for name in ENCODER_TABLES if "." not in name}
