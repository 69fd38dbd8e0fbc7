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
    from codewren.compress import compress as run_all
    from codewren.compress.hint_path import HintRun, compress_hint
    from codewren.compress.run import Run
    from codewren.compress.seeds import compress_seeds
    from codewren.compress.similarity_path import compress_similarity
    from codewren.compress.similarity_run import SimilarityRun
    from codewren.compress.similarity_seeds import compress_similarity_seeds
    from codewren.core.errors import InputError
    from codewren.core.hint_recipe import HintRecipe
    from codewren.core.recipe import Recipe, recipe_tables
    from codewren.core.similarity_recipe import HINT, SimilarityRecipe, is_similarity, objective_kind

    tables = recipe_tables(recipe, settings)
    if objective_kind(tables) == HINT:
        if seeds is not None:
            raise InputError("--seeds: a hint is fitted with one seed; set fit.seed instead")
        click.echo(compress_hint(HintRun(HintRecipe.from_dict(tables, recipe.parent), out, quiet)))
        return
    if is_similarity(tables):
        encoder_run = SimilarityRun(SimilarityRecipe.from_tables(tables, recipe), out, quiet)
        click.echo(compress_similarity(encoder_run) if seeds is None else compress_similarity_seeds(encoder_run, seeds))
        return
    run = Run.start(Recipe.load(recipe, settings), out, quiet=quiet)
    click.echo(run_all(run) if seeds is None else compress_seeds(run, seeds))
