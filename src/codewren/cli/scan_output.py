"""What `codewren scan` writes: findings, and on standard error what a person should know before believing them."""

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codewren.core.task import Unit

if TYPE_CHECKING:
    from codewren.cli.options import Output
    from codewren.predict.predictor import AnyPredictor
    from codewren.scan.history import Run
    from codewren.scan.result import ScanResult

_MOST_NOTES = 50  # on standard error


def rendered(result: "ScanResult", predictor: "AnyPredictor", output: "Output", history: "Sequence[Run]" = ()) -> str:
    """The findings in one of the formats; those for a person to read say in which lines clones differ."""
    from codewren.scan.formats.origin import Origin

    style = output.style
    colour = output.path is None and sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    if (output.explain or style in {"text", "json", "markdown"}) and any(finding.others for finding in result.findings):
        from codewren.scan.differences import with_differences

        result.findings = with_differences(result.findings, correspond=output.explain)
    if (
        result.findings
        and predictor.task.unit is Unit.FUNCTION
        and (output.explain or style in {"json", "sarif", "html", "markdown"})
    ):
        from codewren.scan.telling_lines import with_explanations, with_token_counts

        explained = with_explanations if output.explain else with_token_counts
        result.findings = explained(result.findings, predictor)
    sha256 = predictor.bundle.sha256 if style in {"json", "sarif", "html", "markdown"} else ""
    origin = replace(Origin.of(predictor.path.name, sha256, colour=colour), history=tuple(history))
    text: str = importlib.import_module(f"codewren.scan.formats.{style}").render(result, origin)
    return text


def write(text: str, output: Path | None) -> None:
    """Write findings to a file or to standard output.

    Raises:
        InputError: it cannot be written.
    """
    from codewren.core.errors import InputError

    content = text.encode("utf-8", "surrogateescape")
    if output is not None:
        from codewren.core.files import write_bytes

        write_bytes(output, content)
        return
    if sys.stdout is None:
        raise InputError("cannot write standard output: it is closed; open it or give --output")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader has seen enough; the exit code still counts
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise InputError(
            f"cannot write standard output: {error.strerror or error}; free space or give --output"
        ) from None


def talk(result: "ScanResult", known: int, hidden: int, style: str) -> None:
    """Say on standard error what was left out, and how much was found."""
    from codewren.scan.formats.origin import printable

    for note in result.notes[:_MOST_NOTES]:
        click.echo(f"codewren: skipped {printable(note.path)}: {note.reason}", err=True)
    if len(result.notes) > _MOST_NOTES:
        click.echo(
            f"codewren: skipped {len(result.notes) - _MOST_NOTES} more files (--format json lists all)", err=True
        )
    for path, line, message in result.complaints[:_MOST_NOTES]:
        click.echo(f"codewren: {printable(path)}:{line}: {message}", err=True)
    for remark in (*result.remarks, *_remarks(result, style)):
        click.echo(f"codewren: {remark}", err=True)
    details = [f"{known} known"] if known else []
    details += [f"{result.suppressed} suppressed"] if result.suppressed else []
    details += [f"{result.cached_files} files from the cache"] if result.cached_files else []
    details += [f"{len(result.findings)} shown"] if hidden else []
    total = counted(len(result.findings) + hidden, "finding")
    more = f" ({', '.join(details)})" if details else ""
    scanned = f"{counted(result.functions, 'function')} of {counted(result.files, 'file')}"
    click.echo(f"codewren: {total} in {scanned}{more}", err=True)


def _remarks(result: "ScanResult", style: str) -> Iterator[str]:
    """What a person should know before believing the result."""
    if result.foreign:
        found = ", ".join(f"{len(files)} {language}" for language, files in sorted(result.foreign.items()))
        trained = result.task.language
        reason = f", because the model was trained for {trained}" if trained else ""
        yield f"not scanned{reason}: {found} files (--language scans them{', untested' if trained else ''})"
    if result.unparsed:
        files = counted(len(result.unparsed), "file")
        yield f"{files} with text the parser could not follow, where a function may be missing (named in --format json)"
    if style in {"github", "sarif", "html"}:
        yield from importlib.import_module(f"codewren.scan.formats.{style}").left_out(result)


def counted(number: int, noun: str) -> str:
    """A number of things, for a person."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
