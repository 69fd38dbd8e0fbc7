"""A run of a recipe with `[objective]`: a folder, and stages that are taken up under the same key."""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from codewren.core.files import atomic_write
from codewren.train.similarity.tables import Arrays

RecipeT = TypeVar("RecipeT")


@dataclass(frozen=True, slots=True)
class StagedRun(Generic[RecipeT]):
    """A recipe and its folder; a stage is done when its file lies there under the same key."""

    recipe: RecipeT
    out: Path
    quiet: bool = False

    def path(self, name: str) -> Path:
        """A file of this run."""
        return self.out / name

    def tell(self, line: str) -> None:
        """Say on standard error how far it is."""
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

    def stage(self, name: str, key: str, make: Callable[[], Arrays]) -> Arrays:
        """Arrays of a stage: from its file where the key is the same, else made and written."""
        path = self.path(name)
        if path.exists():
            with np.load(path, allow_pickle=False) as stored:
                if str(stored["key"]) == key:
                    return dict(stored)
        arrays = make()
        content: dict[str, Any] = {"key": np.array(key), **arrays}
        with atomic_write(path) as stream:
            np.savez(stream, **content)
        return arrays


def content_key(parts: Any) -> str:
    """Hash of anything that is JSON, or says what it is."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
