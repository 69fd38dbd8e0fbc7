"""`codewren import`."""

from pathlib import Path

import click

from codewren.cli.options import heavy


@click.command("import")
@click.argument("checkpoint", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("tokenizer", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--task", "task_name", required=True, type=click.Choice(["vulnerability", "clone"]))
@click.option("--heads", type=int, required=True, help="Attention heads; a checkpoint does not say (the papers: 8).")
@click.option("--max-length", type=int, default=400, show_default=True, help="Tokens of one function.")
@click.option("--storage", type=click.Choice(["int8", "fp16", "fp32"]), default="int8", show_default=True)
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The *.wren file.")
def import_(
    checkpoint: Path, tokenizer: Path, task_name: str, heads: int, max_length: int, storage: str, output: Path
) -> None:
    """Turn a published student of Compressor (state dict CHECKPOINT, BPE file TOKENIZER) into a bundle."""
    heavy()
    from codewren.compress.import_published import import_student

    size = import_student(
        checkpoint, tokenizer, task_name=task_name, heads=heads, max_length=max_length, storage=storage, output=output
    )
    click.echo(f"{output}  {size:,} bytes")
