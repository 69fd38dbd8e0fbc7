"""Paths that an agent names: inside the root, or not at all."""

import os
from pathlib import Path

from codewren.core.errors import InputError
from codewren.scan.source_files import MAX_FILE_BYTES, read_bytes


def confined(root: Path, path: str) -> Path:
    """The real path of a file below the root; it need not exist.

    Raises:
        InputError: it lies elsewhere, links included.
    """
    if "\0" in path:
        raise InputError("a path with a NUL byte; name a file below the root")
    real = Path(os.path.realpath(root / path))
    if real != root and root not in real.parents:
        raise InputError(f"{path} is not below {root}; name a file inside it")
    return real


def current_text(path: Path) -> str:
    """The text of a file as it is; "" where there is none.

    Raises:
        InputError: it is larger than scans read, or cannot be read.
    """
    try:
        return read_bytes(os.fspath(path), MAX_FILE_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
