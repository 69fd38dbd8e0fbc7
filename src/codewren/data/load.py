"""From a recipe to data sets. The test split has a door of its own, which only `evaluate` opens."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from codewren.core.dataset import Dataset
from codewren.core.errors import InputError, RecipeError, nearest
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import Source
from codewren.core.task import Unit
from codewren.data.braces import LANGUAGES_WITH_BRACES, close_last_brace
from codewren.data.items import function_items, inline_pairs, listed_pairs, unique_names
from codewren.data.readers import FORMATS, HUB, Row, read_hub, read_rows, spelling
from codewren.data.source_functions import source_rows
from codewren.data.splits import halve

SPLITS = ("labelled", "unlabelled", "valid")
HALVES = ("labelled", "unlabelled")
HUB_SPLITS = {"valid": "validation", "test": "test"}  # what data sets of the hub call them; all others: train


def load_split(recipe: Recipe, split: str) -> Dataset:
    """One split that training, search and tuning may see: `labelled`, `unlabelled` or `valid`.

    A recipe that gives `train` has it halved, seeded by `data.halves_seed`. The test split is refused here on purpose:
    a figure is only worth something if nothing was chosen by looking at it (see `load_test_split`).

    Raises:
        RecipeError: the recipe does not give this split, or gives it twice; or the split is `test`.
        InputError: missing file or column, bad line, unknown label or function id, repeated id, no rows.
        MissingExtraError: Parquet without pyarrow, hub data without `datasets`.
    """
    if split == "test":
        raise RecipeError("split 'test' is opened by `codewren evaluate` only; tune on 'valid'")
    if split not in SPLITS:
        raise RecipeError(f"split {split!r} is not one of {', '.join(SPLITS)} ({nearest(split, SPLITS)})")
    data = recipe.data
    if data.train is not None and (data.labelled is not None or data.unlabelled is not None):
        raise RecipeError("data: give train (to be halved), or labelled and unlabelled, not both")
    if data.train is not None and split in HALVES:
        halves = halve(_load(recipe, data.train, "train"), seed=data.halves_seed)
        return halves[HALVES.index(split)]
    return _load(recipe, _source(recipe, split), split)


def load_test_split(recipe: Recipe) -> Dataset:
    """The test split, for `evaluate` alone: nothing may be tuned, selected or early-stopped on what this returns.

    Raises:
        RecipeError, InputError, MissingExtraError: as `load_split`.
    """
    return _load(recipe, _source(recipe, "test"), "test")


def source_texts(recipe: Recipe, source: Source, name: str) -> list[str]:
    """Texts of a source of functions without labels; `name` is what errors call it.

    Raises:
        RecipeError, InputError, MissingExtraError: as `load_split`.
    """
    return [row.text(source.text) for row in _rows(recipe, source, name)]


def item_column(recipe: Recipe, split: str, column: str) -> tuple[str, ...] | None:
    """A further column of a split's file, one value an item; None where it has none, or the split is a drawn half.

    Raises:
        RecipeError, InputError, MissingExtraError: as `load_split`.
    """
    source = getattr(recipe.data, split)
    if source is None:
        return None
    rows = _rows(recipe, source, split)
    return tuple(str(row.values[column]) for row in rows) if all(column in row.values for row in rows) else None


def available_splits(recipe: Recipe) -> tuple[str, ...]:
    """Those of `labelled`, `unlabelled` and `valid` that the recipe gives."""
    data = recipe.data
    return tuple(
        split for split in SPLITS if getattr(data, split) is not None or (data.train is not None and split in HALVES)
    )


def _source(recipe: Recipe, split: str) -> Source:
    source: Source | None = getattr(recipe.data, split)
    if source is None:
        known = ", ".join(available_splits(recipe)) or "none"
        hint = " (or data.train, to have it halved)" if split in HALVES else ""
        raise RecipeError(f"recipe has no data.{split}{hint}; splits given: {known}")
    return source


def _load(recipe: Recipe, source: Source, split: str) -> Dataset:
    task = recipe.task
    if task.unit is Unit.FUNCTION:
        if recipe.data.functions is not None:
            raise RecipeError("data.functions belongs to pair tasks; a function task has its texts in the splits")
        return _closed(recipe, function_items(task, split, source, _rows(recipe, source, split)))
    if source.text2 is not None:
        return inline_pairs(task, split, source, _rows(recipe, source, split))
    if recipe.data.functions is None:
        raise RecipeError(f"pair task {task.name!r}: give data.functions, or data.{split}.text and text2")
    functions = _functions(recipe, recipe.data.functions)
    return listed_pairs(task, split, source, _rows(recipe, source, split), functions=functions)


def _closed(recipe: Recipe, dataset: Dataset) -> Dataset:
    """Training functions with their last brace; what is judged stays as it is."""
    trains = dataset.split not in ("valid", "test") and dataset.task.language in LANGUAGES_WITH_BRACES
    if not (trains and recipe.data.close_braces):
        return dataset
    return replace(dataset, functions=tuple(close_last_brace(text) for text in dataset.functions))


def _rows(recipe: Recipe, source: Source, split: str) -> list[Row]:
    if source.limit is not None and source.limit < 1:
        raise RecipeError(f"data.{split}: limit is {source.limit}, wanted 1 or more (or none)")
    everything: Iterable[Row]
    if source.path.startswith(HUB):
        everything = read_hub(source.path, split=HUB_SPLITS.get(split, "train"))
    elif _is_sources(recipe, source):
        known = _other_texts(recipe, split)
        everything = source_rows(
            recipe.resolve(source.path), recipe.task, text=source.text, name=source.id, known=known
        )
    else:
        everything = chain.from_iterable(read_rows(path) for path in _files(recipe.resolve(source.path)))
    values_of: dict[str, set[str]] = {column: set() for column in source.where}
    rows = list(islice(_matching(everything, source, values_of), source.limit))
    if not rows:
        filters = "; ".join(f"where {c} = {source.where[c]!r}, found {_some(values_of[c])}" for c in source.where)
        raise InputError(
            f"data.{split}: no rows in {source.path} ({filters or 'it is empty'}); an empty split cannot be used"
        )
    return rows


def _is_sources(recipe: Recipe, source: Source) -> bool:
    """Whether a source is a folder without tables, for a task of functions: then it holds code."""
    path = recipe.resolve(source.path)
    return recipe.task.unit is Unit.FUNCTION and path.is_dir() and not _shards(path)


def _other_texts(recipe: Recipe, split: str) -> list[str]:
    """Texts of the splits that were chosen by hand, which a folder of sources may hold too."""
    texts = []
    for other in ("labelled", "valid"):
        source: Source | None = getattr(recipe.data, other)
        if other != split and source is not None and not _is_sources(recipe, source):
            texts += [row.text(source.text) for row in _rows(recipe, source, other)]
    return texts


def _shards(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if set(file.suffixes) & FORMATS.keys() and file.is_file()]


def _files(path: Path) -> list[Path]:
    """The files of a source: one, or the shards of a folder or a glob, by name.

    Raises:
        InputError: none is there.
    """
    if path.is_dir():
        shards = _shards(path)
    elif any(sign in path.name for sign in "*?[") and not path.exists():
        shards = list(path.parent.glob(path.name))
    else:
        return [path]
    if not shards:
        raise InputError(f"{path}: no shard there; wanted files that end in {', '.join(FORMATS)}, plain or compressed")
    return sorted(shards)


def _matching(rows: Iterable[Row], source: Source, found: dict[str, set[str]]) -> Iterator[Row]:
    spellings = {column: spelling(value) for column, value in source.where.items()}
    for row in rows:
        values = {column: spelling(row.value(column)) for column in spellings}
        for column, value in values.items():
            found[column].add(value)
        if values == spellings:
            yield row


def _some(values: set[str]) -> str:
    return ", ".join(repr(value) for value in sorted(values)[:5]) + (" ..." if len(values) > 5 else "")


def _functions(recipe: Recipe, source: Source) -> dict[str, str]:
    rows = _rows(recipe, source, "functions")
    names = unique_names(rows, source.id)
    return {name: row.text(source.text) for name, row in zip(names, rows, strict=True)}
