"""`codewren finetune`."""

from pathlib import Path

import click

from codewren.cli.options import heavy, recipe_verb


@click.command()
@recipe_verb
def finetune(recipe: Path, out: Path, settings: tuple[str, ...], quiet: bool) -> None:
    """Make a teacher from a pretrained encoder, on the labelled half.

    The encoder is a Hugging Face folder or hub id ([finetune] encoder): an encoder such as CodeBERT, or a decoder
    with pooling = "mean"; encoder-decoders such as T5 are refused. The teacher lands in OUT/teacher. A killed
    run goes on where it stopped.
    """
    heavy()
    from codewren.compress.run import Run
    from codewren.core.recipe import Recipe
    from codewren.core.run_folder import TEACHER
    from codewren.train.teachers.finetune import finetune as train_teacher

    run = Run.start(Recipe.load(recipe, settings), out, quiet=quiet)
    train_teacher(run.recipe, out / TEACHER, quiet=quiet)
    run.save_recipe()
    click.echo(out / TEACHER)
