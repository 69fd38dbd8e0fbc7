"""`codewren distil`."""

from pathlib import Path

import click

from codewren.cli.options import heavy, recipe_verb


@click.command()
@recipe_verb
def distil(recipe: Path, out: Path, settings: tuple[str, ...], quiet: bool) -> None:
    """Train the chosen student on the teacher's logits; a killed run goes on where it stopped, to the last digit.

    Several processes: torchrun --nproc_per_node 2 -m codewren distil RECIPE --out OUT
    """
    heavy()
    from codewren.compress.run import Run
    from codewren.compress.stage_distil import distil_student
    from codewren.core.recipe import Recipe

    run = Run.start(Recipe.load(recipe, settings), out, quiet=quiet)
    trained = distil_student(run, run.chosen())
    click.echo(f"{run.recipe.distil.selection} {trained.distilled.score:.4f} on valid, epoch {trained.distilled.epoch}")
