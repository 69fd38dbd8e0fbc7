"""What a benchmark judges: items of a recipe's validation split, or functions found in source files."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codewren.core.errors import InputError
from codewren.core.recipe import Recipe
from codewren.core.task import Task
from codewren.data.load import load_split
from codewren.data.source_functions import file_functions
from codewren.scan.scan import scanned_languages
from codewren.scan.source_files import walk

PAIRS = 2000
"""Pairs drawn from the functions found, for a pair task."""


@dataclass(frozen=True, slots=True)
class BenchItems:
    """Items in a random order that is always the same.

    Attributes:
        task: what is judged.
        sources: for each item its one or two functions.
        origin: where they come from, in words.
    """

    task: Task
    sources: tuple[tuple[str, ...], ...]
    origin: str

    def __len__(self) -> int:
        return len(self.sources)

    def item(self, index: int) -> str | list[str]:
        """One item as `Predictor.predict` and JSON take it."""
        source = self.sources[index]
        return source[0] if len(source) == 1 else list(source)


def recipe_items(recipe: Recipe, name: str, *, split: str = "valid", seed: int = 0) -> BenchItems:
    """Items of a split, shuffled.

    Raises:
        RecipeError, InputError: as `load_split`.
    """
    dataset = load_split(recipe, split)
    order = list(range(len(dataset)))
    random.Random(seed).shuffle(order)
    return BenchItems(recipe.task, tuple(dataset.texts(index) for index in order), f"{split} of {name}")


def source_items(paths: Sequence[Path], task: Task, *, seed: int = 0) -> BenchItems:
    """Functions of source files, shuffled; for a pair task, random pairs of them.

    Raises:
        InputError: a path does not exist, or too few functions were found.
    """
    walked = walk([str(path) for path in paths], scanned_languages(task, None))
    functions = list(dict.fromkeys(text for file in walked.files for _, text in file_functions(file)))
    least = task.functions_per_item
    if len(functions) < least:
        raise InputError(
            f"{len(functions)} functions in {len(walked.files)} {task.language or 'source'} files below "
            f"{', '.join(map(str, paths))}; wanted {least} or more: name other files"
        )
    rng = random.Random(seed)
    rng.shuffle(functions)
    items = [(text,) for text in functions] if least == 1 else _pairs(functions, rng)
    names = ", ".join(map(str, paths))
    return BenchItems(task, tuple(items), f"{names} ({len(functions):,} functions in {len(walked.files):,} files)")


def _pairs(functions: Sequence[str], rng: random.Random) -> list[tuple[str, ...]]:
    """Distinct ordered pairs of different functions, `PAIRS` of them or all there are."""
    partners = len(functions) - 1
    drawn = rng.sample(range(len(functions) * partners), min(PAIRS, len(functions) * partners))
    ranks = ((number // partners, number % partners) for number in drawn)
    # The second place counts among the others: it skips the first.
    return [(functions[left], functions[right + (right >= left)]) for left, right in ranks]
