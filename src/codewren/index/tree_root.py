"""Which tree is meant where none is named."""

import os
from pathlib import Path


def tree_around(path: str | None) -> Path:
    """The repository around a file or folder; without one the current folder if it holds the path, else its folder."""
    here = Path.cwd()
    real = here if path is None else Path(os.path.realpath(path))
    folder = real if real.is_dir() else real.parent
    for around in (folder, *folder.parents):
        if os.path.lexists(around / ".git"):
            return around
    return here if folder.is_relative_to(here) else folder
