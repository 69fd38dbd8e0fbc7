"""Copies of the training functions with other names for their variables: made once, kept in the run's folder.

A student that has seen them judges what code does rather than what its author called things: fewer of its predictions
flip when somebody renames a variable (docs/log.md).
"""

import hashlib
import json
import lzma
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from codewren.core.errors import RecipeError
from codewren.core.files import write_bytes
from codewren.core.progress import Bar
from codewren.core.run_folder import RENAMED
from codewren.core.task import Task
from codewren.edits import local_names, rename

POOL = 6_000
"""Names that people use most in these functions; new names are drawn from them."""
_VERSION = 1  # raise it when the same functions would be renamed otherwise


def renamed_copies(
    functions: Sequence[str], task: Task, *, copies: int, seed: int, cache: Path, quiet: bool = False
) -> list[list[str]]:
    """For each copy every function, its variables named otherwise; one that cannot be renamed stays as it is.

    Args:
        functions: distinct source texts.
        task: its language is what the functions are parsed as.
        copies: how often each function is renamed.
        seed: of the names.
        cache: folder that keeps the result, by the hash of everything that matters.
        quiet: no progress on stderr.

    Raises:
        RecipeError: the task has no language.
        InputError: its language is one whose variables are not known here.
    """
    language = task.language
    if language is None:
        raise RecipeError("distil.rename needs task.language, to know what a variable is; set it, or rename = 0")
    digest = hashlib.sha256(repr((_VERSION, language, copies, seed)).encode())
    for text in functions:
        digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    path = cache / RENAMED.format(hash=digest.hexdigest()[:16])
    if path.exists():
        copies_made: list[list[str]] = json.loads(lzma.decompress(path.read_bytes()))
        return copies_made
    made = _rename_all(functions, language, copies=copies, seed=seed, quiet=quiet)
    write_bytes(path, lzma.compress(json.dumps(made).encode(), preset=1))
    return made


def _rename_all(functions: Sequence[str], language: str, *, copies: int, seed: int, quiet: bool) -> list[list[str]]:
    counts: Counter[str] = Counter()
    made: list[list[str]] = []
    with Bar("rename variables", len(functions) * (copies + 1), quiet=quiet) as bar:
        for text in functions:
            counts.update(local_names(text, language))
            bar.advance()
        names = [name for name, _ in counts.most_common(POOL)]
        for copy in range(copies):
            rng = random.Random(f"{seed} {copy}")
            made.append([])
            for text in functions:
                made[-1].append(rename(text, language, rng=rng, names=names))
                bar.advance()
    return made
