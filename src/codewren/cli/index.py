"""`codewren index`, and how other verbs open an index and bring it up to date."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from codewren.core.progress import Bar
    from codewren.core.project_settings import ProjectSettings
    from codewren.index.results import Update
    from codewren.index.tree_index import Index

F = TypeVar("F")
_WORTH_A_BAR = 200  # files
_MOST_NOTES = 10


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which index: what the options say that `index_options` adds to a verb; what they leave open the settings say."""

    model: str | None
    exclude: tuple[str, ...]
    index_dir: Path | None
    jobs: int | None
    quiet: bool
    config: Path | None = None
    no_config: bool = False


def index_options(function: F) -> F:
    """Options of every verb that opens an index; they arrive as one `Chosen`."""
    from codewren.cli.scan_request import settings_options

    decorators = (
        click.option("--model", "-m", metavar="FILE", help="clones-mini (default), -micro, -standard, or a file."),
        click.option("--exclude", multiple=True, metavar="PATTERN", help="As in .gitignore."),
        click.option(
            "--index-dir", type=click.Path(path_type=Path, file_okay=False), help="By default the user's cache folder."
        ),
        click.option("--jobs", "-j", type=click.IntRange(1), help="Processes; by default one for each core."),
        click.option("--quiet", "-q", is_flag=True, help="Results and errors only."),
        settings_options,
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
    themselves; a first build of a large tree is better made here, where its progress is shown, and where what is
    there is checked for damage.

    \b
      codewren index                    # the current folder
      codewren index ~/src/linux -j 4
    """  # noqa: D301  click wants the character itself
    from codewren.cli.scan_output import counted
    from codewren.core.errors import InputError

    chosen = Chosen(**options)
    with opened(tree, chosen) as opened_index:
        if rebuild:
            opened_index.forget()
        update = updated(opened_index, chosen, is_thorough=True)
        if update.unwritten:
            raise InputError(update.unwritten)
        if not chosen.quiet:
            held = f"{counted(update.functions, 'function')} of {counted(opened_index.files, 'file')}"
            read = f"{counted(update.judged, 'file')} read, {update.unchanged} known, {update.removed} gone"
            click.echo(f"codewren: {held} in {opened_index.folder} ({read})", err=True)


@contextmanager
def opened(tree: Path, chosen: Chosen) -> "Iterator[Index]":
    """The index of a tree, as the settings of that tree have it: it is the same from wherever it is asked.

    Raises:
        InputError: the tree is a file, or the settings or the model cannot be read.
    """
    from codewren.core.errors import InputError
    from codewren.index.tree_index import DEFAULT_MODEL, Index

    if tree.is_file():
        raise InputError(f"{tree}: a file, and an index is of a folder; give {tree.parent}")
    settings = settings_of(tree, chosen)

    def remark(text: str) -> None:
        click.echo(f"codewren: {text}", err=True)

    model = chosen.model or (settings and _encoder(settings)) or DEFAULT_MODEL
    exclude, around = (
        (settings.scan.exclude, settings.root) if settings and not chosen.exclude else (chosen.exclude, None)
    )
    with Index.open(
        tree, model=model, exclude=exclude, exclude_root=around, folder=chosen.index_dir, remark=remark
    ) as opened_index:
        yield opened_index


def settings_of(tree: Path, chosen: Chosen) -> "ProjectSettings | None":
    """The settings that hold in a tree.

    Raises:
        InputError: they cannot be read.
    """
    from codewren.cli.scan_request import project_settings

    return project_settings(chosen.config, no_config=chosen.no_config, folder=tree)


def _encoder(settings: "ProjectSettings") -> str | None:
    """The model of the settings where it can make an index, which a model of single functions cannot."""
    from codewren.predict.predictor import load
    from codewren.predict.similarity import SimilarityPredictor

    model = settings.model_file()
    return model if model is not None and isinstance(load(model), SimilarityPredictor) else None


def updated(opened_index: "Index", chosen: Chosen, *, is_thorough: bool = False) -> "Update":
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

        update = opened_index.update(jobs=chosen.jobs or cores(), is_thorough=is_thorough, progress=progress)
    if not chosen.quiet:
        _talk(update)
    return update


def _talk(update: "Update") -> None:
    from codewren.scan.formats.origin import printable

    for note in update.notes[:_MOST_NOTES]:
        click.echo(f"codewren: left out {printable(note.path)}: {note.reason}", err=True)
    if len(update.notes) > _MOST_NOTES:
        click.echo(f"codewren: left out {len(update.notes) - _MOST_NOTES} more files", err=True)
    if update.unwritten:
        click.echo(f"codewren: {update.unwritten}; until then this is what the index held before", err=True)
    if update.is_busy:
        click.echo("codewren: another process updates the index; this is what it held before", err=True)
