"""`codewren label`."""

from pathlib import Path

import click

from codewren.cli.options import heavy, recipe_verb


@click.command()
@recipe_verb
@click.option("--scheduler", metavar="ADDRESS", help="Judge on this dask cluster, for example tcp://10.0.0.1:8786.")
def label(recipe: Path, out: Path, settings: tuple[str, ...], quiet: bool, scheduler: str | None) -> None:
    """Write the teacher's logits once, with hashes, for every split the student learns from and for validation."""
    heavy()
    from codewren.compress.layout_check import report_layout
    from codewren.compress.run import Run
    from codewren.compress.stage_label import label_splits
    from codewren.core.recipe import Recipe

    run = Run.start(Recipe.load(recipe, settings), out, quiet=quiet)
    report_layout(run)
    for path in label_splits(run, scheduler=scheduler):
        click.echo(path)
