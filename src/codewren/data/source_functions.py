"""Functions of a folder of source files, as rows of a split without labels."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from codewren.core.errors import InputError
from codewren.core.task import Task
from codewren.data.readers import FORMATS, Row
from codewren.scan.scan import scanned_languages
from codewren.scan.source_files import SourceFile, read_bytes, walk
from codewren.scan.source_text import source_text
from codewren.syntax.functions import extract


def file_functions(file: SourceFile) -> list[tuple[int, str]]:
    """First line and text of a file's functions; none if it is no readable source."""
    try:
        source = source_text(read_bytes(file.path), file.language)
        parsed = extract(source, file.language)
    except (OSError, InputError):
        return []
    return [
        (function.start_line, source[function.start_byte : function.end_byte].decode("utf-8", "replace"))
        for function in parsed.functions
    ]


def source_rows(folder: Path, task: Task, *, text: str, name: str, known: Collection[str] = ()) -> list[Row]:
    """Functions below a folder, each text once, in an order that only the texts decide: the first are a sample.

    Args:
        folder: of source files of the task's language; what git ignores is left out.
        task: what is judged.
        text: the column that a function's text gets.
        name: the column of its name, `PATH:LINE`.
        known: texts of other splits, which are left out whatever their layout.

    Raises:
        InputError: no function is there.
    """
    walked = walk([str(folder)], scanned_languages(task, None))
    seen, rows = {_squeezed(code) for code in known}, dict[str, Row]()
    for file in walked.files:
        for line, function in file_functions(file):
            if (key := _squeezed(function)) not in seen and function.strip():
                seen.add(key)
                address = f"{Path(file.path).relative_to(folder).as_posix()}:{line}"
                address += f":{len(rows)}" if address in rows else ""
                rows[address] = Row(f"{file.path}, line {line}", {name: address, text: function})
    if not rows:
        raise InputError(
            f"{folder}: no shard there; wanted files that end in {', '.join(FORMATS)}, plain or compressed, or source "
            f"code with functions (none in {len(walked.files)} {task.language or 'source'} files)"
        )
    return sorted(rows.values(), key=lambda row: hashlib.sha256(_bytes(row.values[text])).digest())


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
