"""`codewren similar`."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from codewren.cli.index import Chosen, index_options, opened, settings_of, updated
from codewren.cli.options import Probability
from codewren.core.errors import InputError

if TYPE_CHECKING:
    from codewren.index.results import Answer, Match
    from codewren.index.tree_index import Index

_NARROWEST = 60  # columns of two functions side by side


class _Asked(NamedTuple):
    """What is asked about: a text, the file that it is, and a line of it."""

    text: bytes
    path: str | None
    line: int | None


@click.command()
@click.argument("what", metavar="FILE[:LINE]")
@click.option("--in", "tree", type=click.Path(path_type=Path), help="Where to search; by default FILE's repository.")
@click.option("--language", help="Of standard input, or of a file whose name does not tell.")
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="Matches of each function.")
@click.option("--min", "threshold", type=Probability(), default=0.5, show_default=True, help="Probability to exceed.")
@click.option("--exclude-tests/--no-exclude-tests", default=None, help="Leave out matches in tests, by their names.")
@click.option("--show", is_flag=True, help="Each match side by side with the function.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@index_options
def similar(
    what: str,
    *,
    tree: Path | None,
    language: str | None,
    top: int,
    threshold: float,
    exclude_tests: bool | None,
    show: bool,
    style: str,
    **options: Any,
) -> None:
    """Find the functions of a tree that are most like a given one, in any language.

    Asks about the function at LINE of FILE, about each function of FILE, or with - about standard input. The index of
    the tree is brought up to date first.

    \b
      codewren similar src/parse.py:120
      codewren similar src/Parse.java --in ~/src/other --top 3 --show
      pbpaste | codewren similar - --language go
    """  # noqa: D301  click wants the character itself
    from codewren.index.query import Filters
    from codewren.index.tree_root import tree_around

    asked, chosen = _asked(what), Chosen(**options)
    tree = tree or tree_around(asked.path)
    settings = settings_of(tree, chosen)
    if exclude_tests is None:
        exclude_tests = settings is not None and settings.scan.exclude_tests
    with opened(tree, chosen) as index:
        updated(index, chosen)
        filters = Filters(threshold, with_tests=not exclude_tests)
        answers = index.query(asked.text, language=language, path=asked.path, line=asked.line, k=top, filters=filters)
        if style == "json":
            click.echo(json.dumps(_described(answers, index, asked), indent=2, ensure_ascii=False))
            return
        for line in _lines(answers, index, asked, show=show):
            click.echo(line)
        if not answers and not chosen.quiet:
            click.echo("codewren: no function in the text", err=True)


def _asked(what: str) -> _Asked:
    """Read what is asked about.

    Raises:
        InputError: it cannot be read.
    """
    if what == "-":
        return _Asked(sys.stdin.buffer.read(), None, None)
    path, colon, line = what.rpartition(":")
    if not (colon and line.isdecimal() and not Path(what).exists()):
        path, line = what, ""
    try:
        return _Asked(Path(path).read_bytes(), path, int(line) if line else None)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def _described(answers: "Sequence[Answer]", index: "Index", asked: _Asked) -> dict[str, Any]:
    return {
        "format": "codewren-similar",
        "version": 1,
        "model": index.predictor.path.stem,
        "tree": os.fspath(index.root),
        "searched_functions": len(index),
        "path": asked.path,
        "functions": [answer.to_dict() for answer in answers],
    }


def _lines(answers: "Sequence[Answer]", index: "Index", asked: _Asked, *, show: bool) -> Iterator[str]:
    from codewren.cli.scan_output import counted
    from codewren.scan.formats.origin import printable

    for answer in answers:
        where = f"{printable(asked.path)}:" if asked.path else ""
        nothing = "" if answer.matches else f": nothing like it in {counted(len(index), 'function')}"
        yield f"{where}{answer.start_line}: {printable(answer.name)} ({_count(answer)}){nothing}"
        for match in answer.matches:
            place = f"{printable(_shown_path(match.path, index))}:{match.start_line}: {printable(match.name)}"
            kind = match.kind or "-"
            yield f"  {match.similarity:.2f}  p {match.probability:.2f}  {kind:<8}  {place} ({_count(match)})"
            if show:
                yield from _compared(answer, match, index, asked)


def _compared(answer: "Answer", match: "Match", index: "Index", asked: _Asked) -> Iterator[str]:
    from codewren.index.two_columns import side_by_side
    from codewren.scan.formats.origin import printable
    from codewren.scan.source_files import read_bytes

    width = max(shutil.get_terminal_size((160, 24)).columns - 2, _NARROWEST)
    theirs = read_bytes(os.fspath(index.root / match.path)).decode("utf-8", "replace").split("\n")
    ours = asked.text.decode("utf-8", "replace").split("\n")
    pair = ours[answer.start_line - 1 : answer.end_line], theirs[match.start_line - 1 : match.end_line]
    for line in side_by_side(*pair, width):
        yield f"  {printable(line)}".rstrip()
    yield ""


def _shown_path(path: str, index: "Index") -> str:
    """A path of the tree as the reader can open it: from the current folder where it is below it."""
    absolute = os.path.join(index.root, path)  # noqa: PTH118
    here = os.path.join(os.path.realpath(os.curdir), "")  # noqa: PTH118
    return absolute.removeprefix(here)


def _count(lines: "Answer | Match") -> str:
    from codewren.cli.scan_output import counted

    return counted(lines.end_line - lines.start_line + 1, "line")
