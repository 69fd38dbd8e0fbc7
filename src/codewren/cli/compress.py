"""`codewren compress`."""

from pathlib import Path

import click

from codewren.cli.options import heavy, recipe_verb


@click.command()
@recipe_verb
def compress(recipe: Path, out: Path, settings: tuple[str, ...], quiet: bool) -> None:
    """Turn a teacher into one small file: label, search, distil, export, evaluate, report.

    Every stage leaves a file in --out and is skipped or resumed when the command runs again. The result is
    OUT/student.wren and a table on standard output.

    Example: codewren compress recipes/clone.toml --out runs/clone
    """
    heavy()
    from codewren.compress import compress as run_all
    from codewren.compress.run import Run
    from codewren.core.recipe import Recipe

    click.echo(run_all(Run.start(Recipe.load(recipe, settings), out, quiet=quiet)))
