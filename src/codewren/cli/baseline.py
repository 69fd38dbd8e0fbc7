"""`codewren baseline`."""

from pathlib import Path

import click

from codewren.cli.options import heavy, recipe_verb


@click.command()
@recipe_verb
@click.option("--mode", type=click.Choice(["faithful", "repaired"]), default="repaired", show_default=True)
def baseline(recipe: Path, out: Path, settings: tuple[str, ...], quiet: bool, mode: str) -> None:
    """Distil the BiLSTM that Compressor compares with (Tang et al.), from the logits that label left in --out.

    `faithful` is the paper's: probabilities regressed onto logits, pairs read as one text. `repaired` regresses logits
    and reads pairs one function at a time.
    """
    heavy()
    from codewren.core.recipe import Recipe
    from codewren.train.bilstm import BiLstmConfig, distil_baseline

    config = BiLstmConfig(mode="faithful" if mode == "faithful" else "repaired")
    made = distil_baseline(Recipe.load(recipe, settings), out, config, quiet=quiet)
    scores = "  ".join(f"{name} {value:.4f}" for name, value in made.scores.items())
    click.echo(f"{made.folder}  {made.size_bytes:,} bytes  {scores}")
