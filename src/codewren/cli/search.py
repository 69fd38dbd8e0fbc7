"""`codewren search`."""

from pathlib import Path

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
    A recipe whose [objective] is "similarity" has strategies of its own: fixed, halving, wren.
    """  # noqa: D301 - click wants the character itself, which keeps the lines of a paragraph apart
    heavy()
    from codewren.compress.run import Run
    from codewren.compress.similarity_run import SimilarityRun
    from codewren.compress.similarity_search import searched
    from codewren.compress.stage_search import search_configuration
    from codewren.core.recipe import Recipe
    from codewren.core.recipe_files import recipe_tables
    from codewren.core.similarity_recipe import SimilarityRecipe, is_similarity
    from codewren.search.space.encoder_space import described

    tables = recipe_tables(recipe, settings)
    if is_similarity(tables):
        encoder_run = SimilarityRun(SimilarityRecipe.from_tables(tables, recipe), out, quiet)
        for name, value in described(searched(encoder_run).recipe.sizes).items():
            click.echo(f"{name} = {value}")
        return
    cluster = (f'search.scheduler="{scheduler}"',) if scheduler else ()
    config = search_configuration(Run.start(Recipe.load(recipe, (*settings, *cluster)), out, quiet=quiet))
    for name, value in config.to_dict().items():
        click.echo(f"{name} = {value}")
