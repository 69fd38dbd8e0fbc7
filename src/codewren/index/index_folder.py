"""Where an index lies: one folder for each tree and model, with a catalogue, segments and a lock."""

import hashlib
import os
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from codewren.core.errors import InputError
from codewren.scan.schedule import default_cache_folder

FORMAT = "1"  # part of every folder's name: raise it when what is indexed, records or vectors change
CATALOG, LOCK, SEGMENT_SUFFIX = "catalog", "lock", ".segment"
ORPHAN_AFTER_S = 600.0
"""A segment that no catalogue names is a write that goes on, or one that was killed so long ago."""
_NAME_BYTES = 12


def index_folder(tree: Path, model_sha256: str, exclude: Sequence[str], base: Path | None = None) -> Path:
    """The folder of one tree's index below `base`, by default below the user's cache folder.

    Raises:
        InputError: there is no cache folder, because there is no home.
    """
    base = base or default_cache_folder()
    if base is None:
        raise InputError("there is no home folder to keep the index in; name a folder for it (--index-dir)")
    described = "\0".join((FORMAT, model_sha256, os.fspath(tree), *exclude))
    name = hashlib.sha256(described.encode("utf-8", "surrogateescape")).hexdigest()[: 2 * _NAME_BYTES]
    return base / "index" / name


def segment_path(folder: Path, name: str) -> Path:
    """The file of a segment."""
    return folder / f"{name}{SEGMENT_SUFFIX}"


def new_segment_name() -> str:
    """A name that no other process takes."""
    return os.urandom(8).hex()


def sweep(folder: Path, wanted: Collection[str], replaced: Collection[str] = ()) -> None:
    """Delete segments that were just `replaced`, and those that nobody wants and nobody can still be writing."""
    with suppress(OSError):
        for path in folder.glob(f"*{SEGMENT_SUFFIX}"):
            if path.stem in wanted:
                continue
            with suppress(OSError):  # Windows keeps a file that is mapped; the next sweep takes it
                if path.stem in replaced or time.time() - path.stat().st_mtime > ORPHAN_AFTER_S:
                    path.unlink()
