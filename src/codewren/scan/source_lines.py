"""The lines of functions that were found, read again for those who show them."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from codewren.core.errors import InputError
from codewren.scan.finding import Cell, Finding, Location
from codewren.scan.notebook import CodeLine, is_notebook, placed_lines
from codewren.scan.source_files import read_bytes
from codewren.scan.source_text import source_text
from codewren.syntax.file_names import language_of

NOTEBOOK = ".ipynb"
_FILES_REMEMBERED = 200


def line_reader() -> Callable[[Location], list[str]]:
    """A function that gives the lines of a location, and remembers the files it read last."""
    read = lru_cache(_FILES_REMEMBERED)(_file_lines)
    return lambda location: read(location.path)[location.start_line - 1 : location.end_line]


def _file_lines(path: str) -> list[str]:
    """Lines of a file as the scan read them; none where it can no longer be read, since its class stands anyway."""
    language = language_of(path, ()) or ""
    try:
        return source_text(read_bytes(path, sys.maxsize), language).decode("utf-8", "replace").split("\n")
    except (OSError, InputError):
        return []


def with_cells(findings: Sequence[Finding]) -> list[Finding]:
    """The findings; locations in notebooks say in which cell they are."""
    read = lru_cache(_FILES_REMEMBERED)(_code_lines)

    def placed(location: Location) -> Location:
        lines = read(location.path) if location.path.lower().endswith(NOTEBOOK) else []
        line = lines[location.start_line - 1] if location.start_line <= len(lines) else None
        return location if line is None else replace(location, cell=Cell(line.cell, line.line, line.file_line))

    def located(finding: Finding) -> Finding:
        if not any(location.path.lower().endswith(NOTEBOOK) for location in finding.locations):
            return finding
        others = tuple(placed(location) for location in finding.others)
        return replace(finding, location=placed(finding.location), others=others)

    return [located(finding) for finding in findings]


def lines_in_file(path: str, first: int, last: int) -> tuple[int, int]:
    """Lines of the text that was scanned as lines of the file; they differ in notebooks that are one long line."""
    if not path.lower().endswith(NOTEBOOK):
        return first, last
    lines = [line.file_line for line in _code_lines(path)[first - 1 : last] if line is not None]
    return (lines[0], lines[-1]) if lines else (first, last)


def _code_lines(path: str) -> list[CodeLine | None]:
    try:
        content = read_bytes(path, sys.maxsize)
        return placed_lines(content) if is_notebook(content) else []
    except (OSError, InputError):
        return []
