"""The files that a report speaks of: looked for inside the folders a user names, and nowhere else."""

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from typing import NamedTuple

from codewren.core.errors import InputError
from codewren.scan.source_files import MAX_FILE_BYTES, read_bytes
from codewren.scan.source_text import source_text
from codewren.syntax.file_names import language_of
from codewren.syntax.functions import Function, extract

_FILES_KEPT = 500
_DEEPEST = 200  # parts of a path


class Source(NamedTuple):
    """A file as it was read; without text there is a reason why not."""

    path: str
    text: bytes
    language: str
    functions: tuple[Function, ...]
    reason: str = ""


class SourceTree:
    """Folders and files that a report may speak of.

    Raises:
        InputError: one of them does not exist.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        for root in roots:
            if not os.path.lexists(root):
                raise InputError(f"{root}: no such file or folder")
        self._roots = [root if os.path.isdir(root) else os.path.dirname(root) or os.curdir for root in roots]  # noqa: PTH112, PTH120
        self._real = [os.path.realpath(root) for root in self._roots]
        self.read = lru_cache(_FILES_KEPT)(self._read)

    def find(self, path: str) -> str | None:
        """The file that a report's path names, or None where none inside the roots does.

        A path that begins elsewhere, such as on a build machine, is tried without its first parts, one after another.
        A relative one may begin above a root, as where a tool was given the folder that is the root: it is tried
        without the parts that are the root's own.
        """
        parts = [part for part in PurePosixPath(path.replace("\\", "/")).parts if part != "/"]
        if ".." in parts:
            parts = list(PurePosixPath(os.path.normpath("/".join(parts))).parts)
        is_absolute = path.startswith("/") or path[1:2] == ":"
        if not parts or parts[0] == ".." or len(parts) > _DEEPEST:
            return None
        candidates = [
            os.path.join(root, *parts[start:])  # noqa: PTH118
            for start in range(len(parts) if is_absolute else 1)
            for root in self._roots
        ]
        if path.startswith("/"):
            candidates = [os.path.join(root, os.path.relpath(path, root)) for root in self._roots] + candidates  # noqa: PTH118
        elif not is_absolute:
            candidates += self._begun_above(parts)
        return next((os.path.normpath(candidate) for candidate in candidates if self._is_inside(candidate)), None)

    def _begun_above(self, parts: Sequence[str]) -> Iterator[str]:
        """Below each root what follows the parts that its own path ends with."""
        for root in self._roots:
            own = PurePosixPath(os.path.abspath(root)).parts  # noqa: PTH100  a link keeps its name
            for number in range(1, min(len(parts), len(own))):
                if own[-number:] == tuple(parts[:number]):
                    yield os.path.join(root, *parts[number:])  # noqa: PTH118

    def _is_inside(self, candidate: str) -> bool:
        real = os.path.realpath(candidate)
        return os.path.isfile(real) and any(  # noqa: PTH113
            real.startswith(root.rstrip(os.sep) + os.sep) for root in self._real
        )

    def _read(self, path: str) -> Source:
        found = self.find(path)
        if found is None:
            return Source(path, b"", "", (), "no such file in the tree")
        language = language_of(found, ("c",))
        if language is None:
            return Source(found, b"", "", (), "not of a language that is read")
        try:
            text = source_text(read_bytes(found, MAX_FILE_BYTES), language)
            return Source(found, text, language, extract(text, language).functions)
        except OSError as error:
            return Source(found, b"", language, (), f"cannot be read: {error.strerror or error}")
        except InputError as error:
            return Source(found, b"", language, (), str(error))


def function_around(source: Source, line: int) -> Function | None:
    """The innermost function that holds a line."""
    around = [one for one in source.functions if one.start_line <= line <= one.end_line]
    return min(around, key=lambda one: one.end_byte - one.start_byte, default=None)


def function_text(source: Source, function: Function) -> str:
    """The text of a function, as a scan judges it."""
    return source.text[function.start_byte : function.end_byte].decode("utf-8", "replace")


def lines_text(source: Source, first: int, last: int) -> str:
    """The text of lines."""
    return b"\n".join(_rows(source.text)[first - 1 : last]).decode("utf-8", "replace")


@lru_cache(2)
def _rows(text: bytes) -> list[bytes]:
    return text.split(b"\n")
