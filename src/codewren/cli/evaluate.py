"""`codewren evaluate`."""

from pathlib import Path

import click

from codewren.cli.options import heavy


@click.command()
@click.argument("bundle")
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--split", type=click.Choice(["valid", "test", "labelled", "unlabelled"]), default="valid", show_default=True
)
@click.option("--versus", help="Another bundle for the same task: paired McNemar test.")
@click.option(
    "--logits", type=click.Path(path_type=Path, dir_okay=False), help="Teacher logits of this split: agreement."
)
@click.option("--edits", is_flag=True, help="Edit functions without changing their meaning; count flips. Slices.")
@click.option("--edit-teacher", is_flag=True, help="With --edits, flips of the recipe's teacher too (slow).")
@click.option("--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help="Override a field of the recipe.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures here.")
def evaluate(
    bundle: str,
    recipe: Path,
    split: str,
    versus: str | None,
    logits: Path | None,
    edits: bool,
    edit_teacher: bool,
    settings: tuple[str, ...],
    json_path: Path | None,
) -> None:
    """Judge BUNDLE on a split of RECIPE's data, every figure with its 95 % interval.

    This verb alone opens the test split. Tune on valid; look at test once.
    """
    heavy()
    from codewren.compress.stage_evaluate import Question, evaluate_bundle
    from codewren.core.errors import InputError
    from codewren.core.recipe import Recipe

    if edit_teacher and not edits:
        raise InputError("--edit-teacher asks for more of --edits; give both")
    question = Question(split, versus, logits, edits, edit_teacher)
    click.echo(evaluate_bundle(bundle, Recipe.load(recipe, settings), question, json_path=json_path))
