"""Writing so that a reader never sees half a file, and hashing what was written."""

import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from codewren.core.errors import InputError

LEFT_AFTER_S = 3_600
"""A temporary file that has not grown for so long belongs to no write that goes on, here or on another machine."""


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path`; on success it replaces `path`, on failure it vanishes.

    A link stays one: what it points to is replaced. A device or a pipe is written to. A new file has the mode that the
    umask asks for, a replaced one keeps its own.

    Raises:
        InputError: the disk is full or the folder cannot be written; `path` is as it was.
    """
    try:
        if _is_stream(path):
            with path.open("ab") as stream:
                yield stream
            return
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        with _replacing(target) as stream:
            yield stream
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}; free space or choose another folder, then run again"
        ) from error


def _is_stream(path: Path) -> bool:
    """Whether writing means handing over: pipes and devices, and `/dev/stdout` even where it is a file."""
    if Path(os.path.abspath(path)).parts[1:2] in {("dev",), ("proc",)}:  # noqa: PTH100  links keep their names
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


@contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    _sweep(target)
    temporary = target.with_name(f".{target.name[:200]}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if target.is_file():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _sweep(target: Path) -> None:
    """Remove what writes of this file left that were killed: nobody has touched it for an hour."""
    left = re.compile(rf"\.{re.escape(target.name[:200])}\.\d+-[0-9a-f]{{8}}")
    with suppress(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            if left.fullmatch(entry.name) and time.time() - entry.stat().st_mtime > LEFT_AFTER_S:
                Path(entry.path).unlink(missing_ok=True)


def unicode_path(path: str) -> str:
    r"""A path as text that any program can read: bytes that are not UTF-8 become `\xNN`.

    >>> unicode_path("caf\udce9.c")
    'caf\\xe9.c'
    """
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    with atomic_write(path) as stream:
        stream.write(content)


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON atomically."""
    write_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        InputError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except RecursionError:
        raise InputError(f"{path}: not JSON that can be read (nested too deep)") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})") from None


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
