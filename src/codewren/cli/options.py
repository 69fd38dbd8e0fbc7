"""Options that several verbs share."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import click


class Output(NamedTuple):
    """What a verb writes of its findings.

    Attributes:
        style: one of the formats.
        path: where to; None is standard output.
        top: how many findings; None is all.
        explain: whether to say what speaks for each.
    """

    style: str
    path: Path | None
    top: int | None
    explain: bool


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
    """RECIPE, --out, --set and --quiet: what every verb that works on a run takes.

    Without RECIPE it is the one that the run was begun with, its `--set` included.
    """

    @functools.wraps(function)
    def verb(recipe: Path | None, out: Path, **options: Any) -> Any:
        return function(recipe=recipe or saved_recipe(out), out=out, **options)

    decorators = (
        click.argument("recipe", required=False, type=click.Path(path_type=Path, dir_okay=False)),
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
    decorated: Any = verb
    for decorator in reversed(decorators):
        decorated = decorator(decorated)
    return cast(F, decorated)


def saved_recipe(out: Path) -> Path:
    """The recipe that a run keeps.

    Raises:
        InputError: the folder holds none.
    """
    from codewren.core.errors import InputError
    from codewren.core.run_folder import RECIPE

    path = out / RECIPE
    if not path.is_file():
        raise InputError(f"{path}: no such file, so the run is not begun; give its recipe: RECIPE.toml --out {out}")
    return path


def heavy() -> None:
    """Say clearly what to install when a verb of the heavy half runs on the light install.

    Raises:
        MissingExtraError: torch or another library of the `train` extra is missing.
    """
    from codewren.core.extras import check_train_extra

    check_train_extra()
