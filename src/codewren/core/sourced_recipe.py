"""What recipes with `[objective]` share: sources by name, where their data lie, and checks of a search over sizes."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from codewren.core.errors import RecipeError
from codewren.core.recipe_files import own_folder


class Source(Protocol):
    """One of the files that a model learns from."""

    @property
    def kind(self) -> str:
        """What its rows are."""


SourceT = TypeVar("SourceT", bound=Source)


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where the data lie.

    Attributes:
        root: folder of the data, below the recipe's folder.
        license: what they may be used for, in a sentence or two; goes into the model card.
    """

    root: str = "."
    license: str = ""


class SourcedRecipe(Generic[SourceT]):
    """A recipe that names its sources; the recipe's own class is a dataclass with the three fields."""

    __slots__ = ()
    root: str
    folder: Path
    sources: Mapping[str, SourceT]

    @classmethod
    @abstractmethod
    def from_dict(cls, raw: Mapping[str, Any], folder: Path = Path()) -> Self:
        """Build a recipe from parsed TOML.

        Raises:
            RecipeError: an unknown key (the nearest is named), a missing one, or a value of the wrong kind.
        """

    @classmethod
    def from_tables(cls, raw: Mapping[str, Any], path: Path) -> Self:
        """Build the recipe that a file holds: a TOML file, or a run's `recipe.json`, which names its folder.

        Raises:
            RecipeError: as `from_dict`.
        """
        return cls.from_dict(*own_folder(raw, path))

    def resolve(self, path: str) -> Path:
        """A path of the recipe as a real one."""
        return self.folder / self.root / path

    def of_kind(self, kind: str) -> dict[str, SourceT]:
        """The sources of one kind, by name."""
        return {name: source for name, source in sorted(self.sources.items()) if source.kind == kind}


def check_trials(trials: int, trial_steps: int) -> None:
    """Refuse a search over sizes that tries nothing.

    Raises:
        RecipeError: either is below 1.
    """
    if trials < 1 or trial_steps < 1:
        raise RecipeError(f"search: trials {trials} and trial_steps {trial_steps} must both be at least 1")
