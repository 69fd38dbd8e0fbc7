"""`codewren evaluate`."""

from pathlib import Path

import click

from codewren.cli.options import heavy

ATTACK = "Rename variables to turn right judgements wrong, with so many judgements and names an item; success rate."


@click.command()
@click.argument("bundle")
@click.argument("recipes", metavar="RECIPE", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--split", type=click.Choice(["valid", "test", "labelled", "unlabelled"]), default="valid", show_default=True
)
@click.option("--versus", help="Another bundle for the same task: paired McNemar test.")
@click.option(
    "--logits", type=click.Path(path_type=Path, dir_okay=False), help="Teacher logits of this split: agreement."
)
@click.option("--edits", is_flag=True, help="Edit functions without changing their meaning; count flips. Slices.")
@click.option("--attack", nargs=2, type=click.IntRange(min=1), metavar="QUERIES NAMES", help=ATTACK)
@click.option("--edit-teacher", is_flag=True, help="With --edits or --attack, the recipe's teacher too (slow).")
@click.option(
    "--transfer", is_flag=True, help="RECIPE... or files of functions by problem: AUC beside lexical baselines."
)
@click.option("--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help="Override a field of the recipe.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures here.")
def evaluate(  # noqa: PLR0913  one argument for each option
    *,
    bundle: str,
    recipes: tuple[Path, ...],
    split: str,
    versus: str | None,
    logits: Path | None,
    edits: bool,
    attack: tuple[int, int] | None,
    edit_teacher: bool,
    transfer: bool,
    settings: tuple[str, ...],
    json_path: Path | None,
) -> None:
    """Judge BUNDLE on a split of RECIPE's data, every figure with its 95 % interval.

    With --logits, what student and teacher have in common, item by item: MetaCompress's relations. --attack 100 8
    renames up to 8 variables of each rightly judged item, with at most 100 judgements, until the label changes.

    This verb alone opens the test split. Tune on valid; look at test once.

    With --transfer, how far a bundle that judges pairs holds on other data: each RECIPE is one of a similarity encoder,
    or a JSONL file with func, problem and language. Two functions of one problem are clones.

    Example: codewren evaluate clones-mini --transfer recipes/shipped/clones-mini.toml
    """
    heavy()
    from codewren.compress.stage_evaluate import Question, evaluate_bundle
    from codewren.core.errors import InputError
    from codewren.core.recipe import Recipe
    from codewren.measure.robustness import AttackBudget

    if edit_teacher and not (edits or attack):
        raise InputError("--edit-teacher asks for more of --edits or --attack; give one of them")
    if transfer:
        from codewren.compress.transfer_report import evaluate_transfer

        if versus or logits or edits or attack or settings:
            raise InputError("--transfer takes --split and --json only; leave out the other options")
        click.echo(evaluate_transfer(bundle, recipes, split=split, json_path=json_path))
        return
    if len(recipes) > 1:
        raise InputError(f"{len(recipes)} recipes; without --transfer give one")
    budget = AttackBudget(*attack) if attack else None
    question = Question(split, versus, logits, edits, edit_teacher, budget)
    click.echo(evaluate_bundle(bundle, Recipe.load(recipes[0], settings), question, json_path=json_path))
