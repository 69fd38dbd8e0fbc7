"""`codewren init`."""

from pathlib import Path

import click


@click.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="DATA...")
@click.option("--teacher", metavar="PATH", help="Folder, hub name, or file of logits or judgements; default: words.")
@click.option(
    "--recipe", "path", default="recipe.toml", show_default=True, type=click.Path(path_type=Path, dir_okay=False)
)
@click.option("--task", help="Name of the task; by default the data folder's.")
@click.option("--positive", help="The label that a scan reports; by default the rarest.")
@click.option("--language", help="Of the functions, where it is not recognised.")
@click.option(
    "--hold-out",
    type=click.FloatRange(0, 0.5, min_open=True),
    metavar="SHARE",
    help="Write train and valid files of a lone one.",
)
def init(
    data: tuple[Path, ...], *, teacher: str | None, path: Path, task: str | None, positive: str | None,
    language: str | None, hold_out: float | None,
) -> None:  # fmt: skip
    """Draft a recipe from a look at the data and the teacher.

    DATA are files or a folder: JSONL, CSV, TSV or Parquet, whose names say their split (train, unlabelled, labelled,
    valid, test; functions, for pairs that name them by id). Columns, labels, their balance, the language and the
    lengths are looked at, and stand in the recipe as comments. Nothing is overwritten.

    Example: codewren init data/ --teacher models/roberta-defect
    """
    from codewren.core.errors import InputError, nearest
    from codewren.draft.data_look import look_at_data
    from codewren.draft.write_draft import Wishes, hold_out_valid, write_draft
    from codewren.syntax.grammars import LANGUAGES

    if language is not None and language not in LANGUAGES:
        raise InputError(f"no language {language!r}; {nearest(language, LANGUAGES)}")
    files = data if hold_out is None else hold_out_valid(data, path.parent, hold_out)
    seen = look_at_data(files, language=language)
    click.echo(write_draft(seen, path, Wishes(teacher, task, positive)))
