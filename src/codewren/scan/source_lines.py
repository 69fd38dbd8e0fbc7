"""The lines of functions that were found, read again for those who show them."""

import sys
from collections.abc import Callable
from functools import lru_cache

from codewren.core.errors import InputError
from codewren.scan.finding import Location
from codewren.scan.source_files import read_bytes
from codewren.scan.source_text import source_text

_FILES_REMEMBERED = 200


def line_reader() -> Callable[[Location], list[str]]:
    """A function that gives the lines of a location, and remembers the files it read last."""
    read = lru_cache(_FILES_REMEMBERED)(_file_lines)
    return lambda location: read(location.path)[location.start_line - 1 : location.end_line]


def _file_lines(path: str) -> list[str]:
    """Lines of a file as the scan read them; none where it can no longer be read, since its class stands anyway."""
    language = "python" if path.lower().endswith((".py", ".pyw")) else ""
    try:
        return source_text(read_bytes(path, sys.maxsize), language).decode("utf-8", "replace").split("\n")
    except (OSError, InputError):
        return []
