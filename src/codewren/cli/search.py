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
    """Find the student's configuration; leaves front.json and chosen.json in --out."""
    heavy()
    from codewren.compress.run import Run
    from codewren.compress.search import search_configuration
    from codewren.core.recipe import Recipe

    cluster = (f'search.scheduler="{scheduler}"',) if scheduler else ()
    click.echo(search_configuration(Run.start(Recipe.load(recipe, (*settings, *cluster)), out, quiet=quiet)))
