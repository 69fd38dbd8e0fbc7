"""`codewren teach`."""

from pathlib import Path

import click

from codewren.cli.options import heavy


@click.command()
@click.argument("labels", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("sources", nargs=-1, type=click.Path(path_type=Path), metavar="[SOURCE]...")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of this run.")
@click.option("--code", default="code", show_default=True, help="Column with a function's text.")
@click.option("--label", default="label", show_default=True, help="Column with its label.")
@click.option("--language", help="Of the functions; SOURCEs need it, and a scan then reads that language only.")
@click.option("--most", type=click.IntRange(1), default=2_000, show_default=True, help="Functions of SOURCEs used.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
def teach(
    labels: Path, *, sources: tuple[Path, ...], out: Path, code: str, label: str, language: str | None, most: int,
    quiet: bool,
) -> None:  # fmt: skip
    """Make a student of a few dozen labelled functions (CSV, TSV, JSONL or Parquet), in minutes.

    Words learn the labels and teach the student, also on the unlabelled functions of the SOURCEs. All figures are
    cross-validated: five students are made without the rows they are judged on, and OUT/student.wren with all. A
    warning says where the student is no better than words, or than always saying the commonest label.

    Example: codewren teach labels.csv src/ --language python --out runs/mine
    """
    heavy()
    from codewren.bench.judged_items import source_items
    from codewren.compress.few_labels import Lesson, distinct, read_lesson
    from codewren.compress.few_labels import teach as teach_student
    from codewren.core.errors import InputError, nearest
    from codewren.core.task import Task, Unit
    from codewren.syntax.grammars import LANGUAGES

    if language is not None and language not in LANGUAGES:
        raise InputError(f"no language {language!r}; {nearest(language, LANGUAGES)}")
    texts, names = read_lesson(labels, code=code, label=label)
    unlabelled: tuple[str, ...] = ()
    if sources:
        if language is None:
            raise InputError("unlabelled sources need their language; add --language c, java, python …")
        task = Task("own", Unit.FUNCTION, tuple(dict.fromkeys(names)), names[0], language)
        unlabelled = distinct([text for (text,) in source_items(sources, task).sources], texts, most)
    click.echo(teach_student(Lesson(texts, names, unlabelled, language), out, quiet=quiet).table)
