"""Jupyter notebooks as Python text, and where each line of it stands: in which cell, and on which line of the file.

As Jupyter writes a notebook, each line of code is a string on a line of its own. Then the text has the file's lines,
those of code in their places and the others empty, so that every line number is the file's own. A notebook that is
written otherwise, all of it on one line for example, becomes its cells one after the other.

Source: nbformat.readthedocs.io, "The Notebook file format", version 4.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from codewren.core.errors import InputError

_BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]', re.DOTALL)
_MAGIC = re.compile(r"\s*(?:%{1,2}[A-Za-z_]\w+(?:\s|$)|![^=]|\?{1,2}[A-Za-z])")
_CELL_MAGIC = re.compile(r"\s*%%(\w+)")
_PYTHON_CELLS = frozenset({"capture", "prun", "python", "python3", "time", "timeit"})
_DEEPEST_CODE = 4  # containers around a line of code: notebook, cells, cell, source


class CodeLine(NamedTuple):
    """A line of code.

    Attributes:
        cell: number of its cell among all cells, from 1.
        line: in the cell, from 1.
        file_line: line of the file where its text begins, from 1.
        text: without its end.
    """

    cell: int
    line: int
    file_line: int
    text: str


def is_notebook(content: bytes) -> bool:
    """Whether a file read as Python is a notebook: an object of JSON that names its `nbformat`."""
    return b'"nbformat"' in content and _BEGINNING.match(content) is not None


def notebook_text(content: bytes) -> bytes:
    """The code of a notebook as Python text.

    Raises:
        InputError: it is not JSON, not of format 4, or of another language.
    """
    return "\n".join(line.text if line else "" for line in placed_lines(content)).encode("utf-8", "replace")


def placed_lines(content: bytes) -> list[CodeLine | None]:
    """The lines of the text that `notebook_text` gives; None for those that are no code.

    Raises:
        InputError: as `notebook_text`.
    """
    text, notebook = _read(content)
    cells = _cells(text, notebook)
    lines = [line for cell in cells for line in _without_magics(cell)]
    numbers = [line.file_line for line in lines]
    placed: list[CodeLine | None] = []
    if all(before < after for before, after in pairwise(numbers)):
        placed += [None] * (text.count("\n") + 1)
        for line in lines:
            placed[line.file_line - 1] = line
        return placed
    for cell in cells:
        placed += [*_without_magics(cell), None]
    return placed


def _read(content: bytes) -> tuple[str, dict[str, Any]]:
    try:
        text = content.decode("utf-8-sig")
        notebook = json.loads(text)
    except RecursionError:
        raise InputError("a notebook that is nested too deep") from None
    except ValueError as error:
        raise InputError(f"a notebook that is not JSON ({str(error)[:100]})") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise InputError("a notebook without cells; convert it to format 4 (jupyter nbconvert --to notebook)")
    language = _language(notebook.get("metadata"))
    if language != "python":
        raise InputError(f"a notebook of {language[:40]!r}; only those of Python are scanned")
    return text, notebook


def _language(metadata: object) -> str:
    """What a notebook says of its language; those that say nothing are Python."""
    if isinstance(metadata, dict):
        for section, key in (("kernelspec", "language"), ("language_info", "name")):
            value = metadata.get(section)
            if isinstance(value, dict) and isinstance(value.get(key), str):
                return str(value[key]).lower()
    return "python"


def _cells(text: str, notebook: dict[str, Any]) -> list[list[CodeLine]]:
    """The lines of each code cell."""
    kinds = [cell.get("cell_type") if isinstance(cell, dict) else None for cell in notebook["cells"]]
    pieces: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for number, file_line, piece in _pieces(text):
        if number < len(kinds) and kinds[number] == "code":
            pieces[number].append((file_line, piece))
    return [_lines(number + 1, pieces[number]) for number in sorted(pieces)]


def _pieces(text: str) -> Iterator[tuple[int, int, str]]:
    """Number of a cell from 0, line of the file, and text of each string of code."""
    stack: list[tuple[str, str | int]] = []  # of each container its bracket, and the key or index that is next in it
    file_line, seen = 1, 0
    key = ""
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in "[{":
            stack.append((token, 0 if token == "[" else ""))
        elif token in "]}":
            stack.pop()
        elif token == ":":
            stack[-1] = ("{", key)
        elif token == ",":
            bracket, place = stack[-1]
            stack[-1] = (bracket, place + 1 if isinstance(place, int) else "")
        elif len(stack) > _DEEPEST_CODE:
            continue
        elif stack and stack[-1] == ("{", ""):
            key = json.loads(token, strict=False)
        elif _is_code([place for _, place in stack]):
            file_line += text.count("\n", seen, match.start())
            seen = match.start()
            yield int(stack[1][1]), file_line, json.loads(token)


def _is_code(path: Sequence[str | int]) -> bool:
    """Whether a string at this path of keys and indices is code: `cells`, a number, `source`, perhaps a number."""
    return len(path) in {3, 4} and path[0] == "cells" and isinstance(path[1], int) and path[2] == "source"


def _lines(cell: int, pieces: Sequence[tuple[int, str]]) -> list[CodeLine]:
    """Pieces of text cut into lines; a piece without a line's end goes on in the next."""
    lines: list[CodeLine] = []
    text, start = "", 0
    for file_line, piece in pieces:
        *whole, last = piece.split("\n")
        for end in whole:
            lines.append(CodeLine(cell, len(lines) + 1, start or file_line, _flat(text + end)))
            text, start = "", 0
        if last:
            text, start = text + last, start or file_line
    if text:
        lines.append(CodeLine(cell, len(lines) + 1, start, _flat(text)))
    return lines


def _flat(text: str) -> str:
    """A line without what other programs take for its end."""
    return text.replace("\r", "").replace("\0", "")


def _without_magics(lines: Sequence[CodeLine]) -> list[CodeLine]:
    """A cell as Python: commands of IPython do nothing, and a cell in another language is empty."""
    first = next((line.text for line in lines if line.text.strip()), "")
    cell_magic = _CELL_MAGIC.match(first)
    if cell_magic and cell_magic[1] not in _PYTHON_CELLS:
        return []
    return [line._replace(text=_indent(line.text) + "pass") if _MAGIC.match(line.text) else line for line in lines]


def _indent(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]
