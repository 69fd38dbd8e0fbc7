"""Options that several verbs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def recipe_verb(function: F) -> F:
    """RECIPE, --out, --set and --quiet: what every verb that works on a run takes."""
    decorators = (
        click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False)),
        click.option(
            "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of this run."
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="SECTION.KEY=VALUE",
            help="Override a field of the recipe, for example --set distil.epochs=20; may be repeated.",
        ),
        click.option("--quiet", is_flag=True, help="No progress on standard error."),
    )
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


def heavy() -> None:
    """Say clearly what to install when a verb of the heavy half runs on the light install.

    Raises:
        MissingExtraError: torch or another library of the `train` extra is missing.
    """
    from importlib.util import find_spec

    from codewren.core.errors import MissingExtraError

    for package in ("torch", "transformers", "tokenizers", "numpy", "sklearn"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "train")
