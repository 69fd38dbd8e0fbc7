"""`codewren export`."""

from pathlib import Path

import click

from codewren.cli.options import heavy, recipe_verb


@click.command()
@recipe_verb
def export(recipe: Path, out: Path, settings: tuple[str, ...], quiet: bool) -> None:
    """Write the distilled student in --out as OUT/student.wren, its validation scores inside."""
    heavy()
    from codewren.compress.distil import distil_student
    from codewren.compress.export import export_student
    from codewren.compress.run import Run
    from codewren.core.recipe import Recipe

    run = Run.start(Recipe.load(recipe, settings), out, quiet=quiet)
    click.echo(export_student(run, distil_student(run, run.chosen())))
