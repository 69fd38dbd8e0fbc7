"""`codewren report`."""

from pathlib import Path

import click

from codewren.cli.options import heavy


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    help="The page: one file, no scripts, nothing loaded from anywhere.",
)
@click.option("--card", type=click.Path(path_type=Path, dir_okay=False), help="Also write a Markdown model card.")
@click.option(
    "--recipe",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Recipe whose validation split judges bundles that come without a run; default: the first run's.",
)
def report(runs: tuple[str, ...], out: Path, card: Path | None, recipe: Path | None) -> None:
    """Write what came out of RUN as one HTML page: a run's folder, or a *.wren file; several are compared.

    The page takes what the stages left in the folder (evaluation, search, training log, bench.json of `codewren
    bench --json`, fidelity.json of `codewren evaluate --edits --json`) and says what is missing and how to measure it.

    Example: codewren report runs/clone --out clone.html --card MODEL_CARD.md
    """
    heavy()
    from codewren.core.recipe import Recipe
    from codewren.report.gather import write_report

    write_report(runs, out=out, card=card, data=Recipe.load(recipe) if recipe else None)
    for path in (out, card):
        if path is not None:
            click.echo(path)
