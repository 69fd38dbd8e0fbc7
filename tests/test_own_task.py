"""The example of a task of one's own: its data and its recipe fit each other."""

import importlib.util
from pathlib import Path

from codewren.core.recipe import Recipe
from codewren.data.load import load_split

EXAMPLE = Path(__file__).parents[1] / "examples/own_task.py"


def test_the_example_of_an_own_task_writes_data_that_its_recipe_reads(tmp_path):
    spec = importlib.util.spec_from_file_location("own_task", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    recipe = Recipe.load(example.write_task(tmp_path, 200))
    splits = {name: load_split(recipe, name) for name in ("labelled", "unlabelled", "valid")}
    assert {name: len(split) for name, split in splits.items()} == {"labelled": 75, "unlabelled": 75, "valid": 50}
    assert all(set(split.known_labels()) == {0, 1} for split in splits.values())
