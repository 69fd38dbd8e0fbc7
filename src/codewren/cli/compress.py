"""`codewren compress`."""

from pathlib import Path

import click

from codewren.cli.options import heavy, recipe_verb


def print_reference(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    """Print the reference of the recipe and end."""
    if asked:
        from codewren.core.recipe_reference import recipe_reference

        click.echo(recipe_reference())
        ctx.exit()


@click.command()
@recipe_verb
@click.option(
    "--reference", is_flag=True, is_eager=True, expose_value=False, callback=print_reference, help="Every recipe key."
)
@click.option("--seeds", type=int, metavar="N", help="Train with N seeds; ship the best, report mean and spread.")
def compress(recipe: Path, out: Path, settings: tuple[str, ...], quiet: bool, seeds: int | None) -> None:
    """Turn a teacher into one small file: label, search, distil, export, evaluate, report.

    Every stage leaves a file in --out and is skipped or resumed when the command runs again. The result is
    OUT/student.wren and a table on standard output. A recipe whose [objective] is "similarity" makes an encoder that
    compares functions: features, train, calibrate, evaluate, export. One whose [objective] is "hint" makes a linear
    model of what to review first: features, fit, calibrate, export, evaluate.

    Example: codewren compress recipes/clone.toml --out runs/clone
    """
    heavy()
    from codewren.compress.compress_recipe import compress as compress_recipe

    click.echo(compress_recipe(recipe, out, settings=settings, seeds=seeds, quiet=quiet).table)
