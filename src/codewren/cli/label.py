"""`codewren label`."""

from pathlib import Path

import click

from codewren.cli.options import heavy, recipe_verb


@click.command()
@recipe_verb
@click.option("--scheduler", metavar="ADDRESS", help="Judge on this dask cluster, for example tcp://10.0.0.1:8786.")
def label(recipe: Path, out: Path, settings: tuple[str, ...], quiet: bool, scheduler: str | None) -> None:
    """Write the teacher's logits once, with hashes, for every split the student learns from and for validation.

    Words learn the labels beside it, and a warning says where they judge validation better than the teacher.
    """
    heavy()
    from codewren.compress.layout_check import report_layout
    from codewren.compress.run import Run
    from codewren.compress.stage_label import label_splits
    from codewren.compress.teacher_worth import report_teacher_worth
    from codewren.compress.words_baseline import report_words
    from codewren.core.recipe import Recipe

    run = Run.start(Recipe.load(recipe, settings), out, quiet=quiet)
    report_layout(run)
    paths = label_splits(run, scheduler=scheduler)
    report_words(run)
    report_teacher_worth(run)
    for path in paths:
        click.echo(path)
