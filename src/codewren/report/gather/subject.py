"""A run as it lies on disk: a folder with whatever its stages left, or a bundle alone."""

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codewren.bundle.read import Bundle
from codewren.core.errors import CodewrenError, InputError
from codewren.core.files import read_json
from codewren.core.recipe import Recipe
from codewren.core.student_config import StudentConfig
from codewren.core.task import Task
from codewren.measure.fields import Fields
from codewren.predict.predictor import find_bundle

DATASETS = {"bcb": "BigCloneBench", "bigclonebench": "BigCloneBench", "devign": "Devign", "reveal": "ReVeal"}
SEEDS = (("distil", "seed"), ("search", "seed"), ("finetune", "seed"))


@dataclass(frozen=True, slots=True)
class Subject:
    """A run, a bundle, or a search that made no bundle yet.

    Attributes:
        given: what the user named.
        name: what the page calls it.
        folder: of the run, None for a single bundle.
        recipe: what the run was made from, as the folder or else the bundle keeps it; None where neither does in a
            form that this version reads, and `recipe_note` says why.
        data: recipe that says where the validation split lies: the run's own, or a borrowed one.
    """

    given: str
    name: str
    folder: Path | None
    bundle: Bundle | None
    recipe: Recipe | None
    data: Recipe | None
    recipe_note: str = ""

    @property
    def task(self) -> Task:
        """What is judged.

        Raises:
            InputError: neither bundle nor recipe is there.
        """
        if self.bundle is not None:
            return self.bundle.task
        if self.recipe is not None:
            return self.recipe.task
        raise InputError(
            f"{self.given}: holds neither student.wren nor a recipe.json that can be read ({self.recipe_note}); "
            "give the folder of a run (codewren compress --out) or a *.wren file"
        )

    def file(self, name: str) -> Path:
        """A file of the run, or beside a bundle: `student.bench.json` for `student.wren`."""
        if self.folder is not None:
            return self.folder / name
        return Path(self.given).with_suffix(f".{name.replace('/', '-')}")

    def shown(self, name: str = "") -> str:
        """A file of the run as a command line names it; without a name, the run."""
        return shlex.quote(str(self.file(name) if name else self.given))

    def shown_bundle(self) -> str:
        """The bundle as a command line names it."""
        return shlex.quote(str(self.bundle.path)) if self.bundle else self.shown("student.wren")

    @property
    def config(self) -> StudentConfig | None:
        """Of the bundle, else the one that the search chose."""
        return self.bundle.config if self.bundle is not None else self.chosen

    @property
    def chosen(self) -> StudentConfig | None:
        """The configuration that the search chose.

        Raises:
            InputError: `chosen.json` is malformed.
        """
        chosen = Fields.read(self.file("chosen.json"))
        return StudentConfig.from_dict(dict(chosen.within("config").raw)) if chosen else None

    @property
    def made(self) -> Mapping[str, Any]:
        """Provenance that the bundle carries."""
        made = self.bundle.manifest.get("provenance") if self.bundle else None
        return made if isinstance(made, dict) else {}

    @property
    def dataset(self) -> str:
        """The papers' data set that is judged on, by the recipe's paths; empty for any other."""
        known = self.data or self.recipe
        if known is None:
            return ""
        path = known.data.valid.path if known.data.valid else ""
        words = f"{known.data.root}/{path}".lower().split("/")
        return next((name for word, name in DATASETS.items() if word in words), "")

    @property
    def family(self) -> str:
        """Hash of the recipe without its seeds."""
        if self.recipe is None:
            return ""
        plain = self.recipe.to_dict()
        plain.pop("folder")
        for section, key in SEEDS:
            plain[section].pop(key)
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def open_subject(path: str, *, data: Recipe | None = None) -> Subject:
    """Open a folder or bundle; `data` lends its validation split to a bundle of the same task.

    Raises:
        InputError: a file is no JSON.
        BundleError: the bundle is damaged, or nothing of that name is there.
    """
    subject = _folder(Path(path)) if Path(path).is_dir() else _bundle(path)
    if data is not None and subject.data is None and _same_task(data.task, subject.task):
        return replace(subject, data=data)
    return subject


def kept_recipe(path: str) -> Recipe | None:
    """The recipe in a run's folder, None where there is none that this version reads.

    Raises:
        InputError: the file is not JSON.
    """
    file = Path(path) / "recipe.json"
    return _recipe(read_json(file))[0] if file.is_file() else None


def _folder(folder: Path) -> Subject:
    path, recipe_file = folder / "student.wren", folder / "recipe.json"
    bundle = Bundle.read(path) if path.is_file() else None
    recipe, note = _recipe(read_json(recipe_file)) if recipe_file.is_file() else (None, "no recipe.json")
    return Subject(str(folder), folder.resolve().name, folder, bundle, recipe, recipe, note)


def _bundle(path: str) -> Subject:
    bundle = Bundle.read(find_bundle(path))
    made = bundle.manifest.get("provenance")
    recipe, _ = _recipe(made.get("recipe")) if isinstance(made, dict) else (None, "")
    note = "a bundle alone does not say where its data lie; give --recipe"
    return Subject(path, bundle.path.stem, None, bundle, recipe, None, note)


def _recipe(raw: Any) -> tuple[Recipe | None, str]:
    """A resolved recipe; one of another version is no reason to fail, but is said."""
    try:
        return Recipe.from_dict({k: v for k, v in raw.items() if k != "folder"}, Path(raw.get("folder", "."))), ""
    except (CodewrenError, AttributeError, TypeError, ValueError) as error:
        return None, f"the recipe is of another version: {error}"


def _same_task(first: Task, second: Task) -> bool:
    return (first.unit, first.labels, first.positive) == (second.unit, second.labels, second.positive)
