"""`codewren.compress`: what the verb does, for programs and notebooks; and what the verb calls."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from codewren.core.errors import InputError
from codewren.core.extras import check_train_extra
from codewren.core.hint_recipe import HintRecipe
from codewren.core.recipe import Recipe
from codewren.core.recipe_files import naming_files, recipe_tables
from codewren.core.run_folder import STUDENT
from codewren.core.similarity_recipe import HINT, KIND, SimilarityRecipe, objective_kind


@dataclass(frozen=True, slots=True)
class Compressed:
    """What a run leaves.

    Attributes:
        bundle: the `*.wren` file.
        table: what came out, as the command prints it.
    """

    bundle: Path
    table: str


def compress(
    recipe: "str | os.PathLike[str] | Mapping[str, Any]",
    out: "str | os.PathLike[str]",
    *,
    settings: Sequence[str] = (),
    seeds: int | None = None,
    quiet: bool = False,
) -> Compressed:
    """Turn a teacher into one file, as `codewren compress` does; a broken call goes on where it stopped.

    Args:
        recipe: path of a recipe, or its tables, whose relative paths then start at the working folder.
        out: the run's folder.
        settings: `section.key=value`, as `--set`.
        seeds: train with so many seeds and ship the best.
        quiet: no progress on standard error.

    Raises:
        MissingExtraError: the extra `train` is not installed.
        RecipeError: an unknown key, a missing one, or a value of the wrong kind.
        InputError: several seeds of a hint, which is fitted with one.
        CodewrenError: a stage's own error; what was finished stays.
    """
    check_train_extra()
    tables = recipe_tables(recipe if isinstance(recipe, Mapping) else Path(recipe), settings)
    path = Path() if isinstance(recipe, Mapping) else Path(recipe)
    with nullcontext() if isinstance(recipe, Mapping) else naming_files(path, settings):
        compress_all = _read(tables, path)
    return Compressed(Path(out) / STUDENT, compress_all(Path(out), seeds, quiet))


def _read(tables: Mapping[str, Any], path: Path) -> Callable[[Path, int | None, bool], str]:
    """What goes the way of a recipe, which is read here: with the run's folder, the number of seeds, and quiet."""
    kind = objective_kind(tables)
    if kind == HINT:
        return partial(_compress_hint, HintRecipe.from_tables(tables, path))
    if kind == KIND:
        return partial(_compress_encoder, SimilarityRecipe.from_tables(tables, path))
    return partial(_compress_student, Recipe.from_tables(tables, path))


def _compress_student(recipe: Recipe, out: Path, seeds: int | None, quiet: bool) -> str:
    from codewren.compress.path import compress as compress_run
    from codewren.compress.run import Run
    from codewren.compress.seeds import compress_seeds

    run = Run.start(recipe, out, quiet=quiet)
    return compress_run(run) if seeds is None else compress_seeds(run, seeds)


def _compress_encoder(recipe: SimilarityRecipe, out: Path, seeds: int | None, quiet: bool) -> str:
    from codewren.compress.similarity_path import compress_similarity
    from codewren.compress.similarity_run import SimilarityRun
    from codewren.compress.similarity_seeds import compress_similarity_seeds

    run = SimilarityRun(recipe, out, quiet)
    return compress_similarity(run) if seeds is None else compress_similarity_seeds(run, seeds)


def _compress_hint(recipe: HintRecipe, out: Path, seeds: int | None, quiet: bool) -> str:
    from codewren.compress.hint_path import compress_hint
    from codewren.compress.hint_run import HintRun

    if seeds is not None:
        raise InputError("--seeds: a hint is fitted with one seed; set fit.seed instead")
    return compress_hint(HintRun(recipe, out, quiet))
