"""A child process that loads a teacher and judges items: what a teacher's cold start and memory are.

python -m codewren.train.teachers.fresh_process_teacher RECIPE_JSON FOLDER < items.json
"""

import sys
from collections.abc import Sequence
from typing import Any

from codewren.core.dataset import Dataset
from codewren.core.recipe import Recipe
from codewren.core.task import Task
from codewren.measure.fresh_process import Predict, answer
from codewren.train.teachers.teacher import load_teacher


def dataset_of(task: Task, items: Sequence[Sequence[str]]) -> Dataset:
    """Items without labels as a data set, each distinct function once."""
    functions = tuple(dict.fromkeys(text for item in items for text in item))
    index_of = {text: index for index, text in enumerate(functions)}
    return Dataset(
        task=task,
        split="bench",
        functions=functions,
        function_ids=tuple(str(index) for index in range(len(functions))),
        items=tuple(tuple(index_of[text] for text in item) for item in items),
        labels=(None,) * len(items),
        ids=tuple(str(index) for index in range(len(items))),
    )


def teacher_command(recipe: Recipe) -> list[str]:
    """The child that loads a recipe's teacher."""
    return [sys.executable, "-m", "codewren.train.teachers.fresh_process_teacher", recipe.to_json()]


def _load() -> Predict:
    recipe = Recipe.from_json(sys.argv[1])
    teacher = load_teacher(recipe)

    def predict(items: Sequence[Any]) -> object:
        texts = [(item,) if isinstance(item, str) else tuple(item) for item in items]
        return teacher.logits(dataset_of(recipe.task, texts))

    return predict


if __name__ == "__main__":
    answer(_load)
