"""`codewren search`."""

from pathlib import Path
from typing import Any

import click

from codewren.cli.options import heavy, recipe_verb


@click.command()
@recipe_verb
@click.option(
    "--scheduler", metavar="ADDRESS", help="Run the trials on this dask cluster, for example tcp://10.0.0.1:8786."
)
def search(recipe: Path, out: Path, settings: tuple[str, ...], quiet: bool, scheduler: str | None) -> None:
    """Find the student's configuration; leaves front.json and chosen.json in --out.

    \b
    search.strategy  fixed takes [student] as it is; wren (the default) trains trials and models
                     effectiveness, latency and bytes; random trains a random sample; compressor,
                     avatar-v1 and avatar are the papers' (compressor and avatar-v1 by size first);
                     morph also makes few predictions flip when code is edited and means the same
    search.space     extended (ours); compressor, compressor-old, avatar-v1, papers, papers-box
    search.pick      knee; best-under 1 MB; fastest-under 0.2 ms; smallest-within 1 points;
                     steadiest-within 1 points, by flips
    search.trials    trainings at most; search.max_seconds limits their time, for wren
    budget.max_bytes and budget.max_latency_s bound every candidate
    A recipe whose [objective] is "similarity" or "hint" has strategies of its own: fixed, halving,
    wren.
    """  # noqa: D301 - click wants the character itself, which keeps the lines of a paragraph apart
    heavy()
    from codewren.compress.hint_run import HintRun
    from codewren.compress.hint_search import searched_hint
    from codewren.compress.similarity_run import SimilarityRun
    from codewren.compress.similarity_search import searched
    from codewren.core.hint_recipe import HintRecipe
    from codewren.core.recipe_files import recipe_tables
    from codewren.core.similarity_recipe import HINT, KIND, SimilarityRecipe, objective_kind
    from codewren.search.space import encoder_space, hint_space

    tables = recipe_tables(recipe, settings)
    values: dict[str, Any] = {}
    if objective_kind(tables) == KIND:
        encoder_run = SimilarityRun(SimilarityRecipe.from_tables(tables, recipe), out, quiet)
        values = encoder_space.described(searched(encoder_run).recipe.sizes)
    elif objective_kind(tables) == HINT:
        hint_run = HintRun(HintRecipe.from_tables(tables, recipe), out, quiet)
        values = hint_space.described(searched_hint(hint_run).recipe.sizes)
    else:
        values = _student(recipe, out, settings, quiet=quiet, scheduler=scheduler)
    for name, value in values.items():
        click.echo(f"{name} = {value}")


def _student(
    recipe: Path, out: Path, settings: tuple[str, ...], *, quiet: bool, scheduler: str | None
) -> dict[str, Any]:
    from codewren.compress.run import Run
    from codewren.compress.stage_search import search_configuration
    from codewren.core.recipe import Recipe

    cluster = (f'search.scheduler="{scheduler}"',) if scheduler else ()
    run = Run.start(Recipe.load(recipe, (*settings, *cluster)), out, quiet=quiet)
    return search_configuration(run).to_dict()
