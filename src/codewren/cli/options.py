"""Options that several verbs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click


class Probability(click.FloatRange):
    """A number from 0 to 1, both included; `nan` is none, though it is outside of no range."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the number."""
        number: float = super().convert(value, param, ctx)
        if number != number:  # noqa: PLR0124  what tells nan
            self.fail(f"{value} is not in the range 0<=x<=1.", param, ctx)
        return number


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
