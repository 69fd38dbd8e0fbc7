"""`codewren index`, and how other verbs open an index and bring it up to date."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from codewren.core.progress import Bar
    from codewren.index.results import Update
    from codewren.index.tree_index import Index

F = TypeVar("F")
_WORTH_A_BAR = 200  # files
_MOST_NOTES = 10


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which index: what the options say that `index_options` adds to a verb."""

    model: str
    exclude: tuple[str, ...]
    index_dir: Path | None
    jobs: int | None
    quiet: bool


def index_options(function: F) -> F:
    """Options of every verb that opens an index; they arrive as one `Chosen`."""
    decorators = (
        click.option(
            "--model", "-m", default="clones-mini", show_default=True, metavar="FILE", help="Or -micro, -standard."
        ),
        click.option("--exclude", multiple=True, metavar="PATTERN", help="As in .gitignore."),
        click.option(
            "--index-dir", type=click.Path(path_type=Path, file_okay=False), help="By default the user's cache folder."
        ),
        click.option("--jobs", "-j", type=click.IntRange(1), help="Processes; by default one for each core."),
        click.option("--quiet", "-q", is_flag=True, help="Results and errors only."),
    )
    decorated: Any = function
    for decorator in reversed(decorators):
        decorated = decorator(decorated)
    return cast(F, decorated)


@click.command()
@click.argument("tree", default=".", metavar="[PATH]", type=click.Path(path_type=Path))
@click.option("--rebuild", is_flag=True, help="Forget what is there and read every file again.")
@index_options
def index(tree: Path, *, rebuild: bool, **options: Any) -> None:
    """Build or update the index of the functions of PATH, by default the current folder.

    Only files whose content changed are read again. The other verbs that need an index (similar, mcp, hook) update it
    themselves; a first build of a large tree is better made here, where its progress is shown.

    \b
      codewren index                    # the current folder
      codewren index ~/src/linux -j 4
    """  # noqa: D301  click wants the character itself
    chosen = Chosen(**options)
    with opened(tree, chosen) as opened_index:
        if rebuild:
            opened_index.forget()
        update = updated(opened_index, chosen)
        if not chosen.quiet:
            click.echo(
                f"codewren: {update.functions} functions of {opened_index.files} files in {opened_index.folder} "
                f"({update.judged} files read, {update.unchanged} known, {update.removed} gone)",
                err=True,
            )


@contextmanager
def opened(tree: Path, chosen: Chosen) -> "Iterator[Index]":
    """The index of a tree."""
    from codewren.index.tree_index import Index

    def remark(text: str) -> None:
        click.echo(f"codewren: {text}", err=True)

    with Index.open(
        tree, model=chosen.model, exclude=chosen.exclude, folder=chosen.index_dir, remark=remark
    ) as opened_index:
        yield opened_index


def updated(opened_index: "Index", chosen: Chosen) -> "Update":
    """Bring an index up to date, with a bar where that takes a while; what was left out is said."""
    from codewren.scan.scan import cores

    bar: Bar | None = None
    with ExitStack() as stack:

        def progress(done: int, total: int) -> None:
            nonlocal bar
            if bar is None and total - done > _WORTH_A_BAR and not chosen.quiet:
                from codewren.core.progress import Bar

                bar = stack.enter_context(Bar("indexing", total))
            if bar is not None:
                bar.advance(done - bar.done)

        update = opened_index.update(jobs=chosen.jobs or cores(), progress=progress)
    if not chosen.quiet:
        _talk(update)
    return update


def _talk(update: "Update") -> None:
    from codewren.scan.formats.origin import printable

    for note in update.notes[:_MOST_NOTES]:
        click.echo(f"codewren: left out {printable(note.path)}: {note.reason}", err=True)
    if len(update.notes) > _MOST_NOTES:
        click.echo(f"codewren: left out {len(update.notes) - _MOST_NOTES} more files", err=True)
    if update.is_busy:
        click.echo("codewren: another process updates the index; this is what it held before", err=True)
