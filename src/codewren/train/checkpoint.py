"""Checkpoints of a training, whole or not at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from codewren.core.files import atomic_write


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state atomically.

    Raises:
        InputError: the disk is full or the folder cannot be written; `path` is as it was.
    """
    with atomic_write(path) as stream:
        try:
            torch.save(dict(state), stream)
        except RuntimeError as error:  # of torch's archive, whose end is out of place once a write has failed
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise
