"""`codewren search`."""

from pathlib import Path

import click

from codewren.cli.options import heavy, recipe_verb


@click.command()
@recipe_verb
def search(recipe: Path, out: Path, settings: tuple[str, ...], quiet: bool) -> None:
    """Find the student's configuration; leaves front.json and chosen.json in --out."""
    heavy()
    from codewren.compress.run import Run
    from codewren.compress.search import search_configuration
    from codewren.core.recipe import Recipe

    click.echo(search_configuration(Run.start(Recipe.load(recipe, settings), out, quiet=quiet)))
