"""Code of other projects, as counterexamples: random pairs of its functions are hardly ever what the task looks for.

Training pairs of clones are chosen by people who look for clones, so a student that has seen nothing else finds them
everywhere: 18 % of random pairs, and so surely that no threshold helps (docs/log.md). One half of the functions
teaches, the other half is kept for the alert threshold.
"""

import hashlib
import random

from codewren.core.dataset import Dataset
from codewren.core.errors import RecipeError
from codewren.core.recipe import Recipe
from codewren.core.task import Unit
from codewren.data.load import source_texts
from codewren.train.teachers.logits_file import Logits
from codewren.train.teachers.logits_teacher import label_logits

MARGIN = 4.0
"""Between the logits of a counterexample: 98 % sure."""


def teaches(text: str) -> bool:
    """Whether a background function belongs to the half that may be learnt from; copies fall on one side."""
    return hashlib.sha256("".join(text.split()).encode("utf-8", "surrogatepass")).digest()[0] % 2 == 0


def background_pairs(recipe: Recipe) -> tuple[Dataset, Logits]:
    """`distil.background_pairs` random pairs of the half that teaches, and their logits (n, 2).

    Raises:
        RecipeError: no background is given, the task judges no pairs, or there are fewer than two functions.
        InputError: the background cannot be read.
    """
    task, source, count = recipe.task, recipe.decision.background, recipe.distil.background_pairs
    if source is None or task.unit is not Unit.PAIR or len(task.labels) != 2:
        raise RecipeError("distil.background_pairs needs decision.background and a task of pairs with two labels")
    texts = tuple(dict.fromkeys(text for text in source_texts(recipe, source, "background") if teaches(text)))
    if len(texts) < 2:
        raise RecipeError(f"decision.background has {len(texts)} functions to learn from; pairs need two or more")
    rng = random.Random(0)
    items = tuple(tuple(rng.sample(range(len(texts)), 2)) for _ in range(count))
    negative = 1 - task.positive_index
    names = tuple(f"background {index}" for index in range(len(texts)))
    ids = tuple(f"background pair {index}" for index in range(count))
    dataset = Dataset(task, "background", texts, names, items, (negative,) * count, ids).subset(range(count))
    return dataset, label_logits(dataset, MARGIN)
