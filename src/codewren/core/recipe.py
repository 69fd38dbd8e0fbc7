"""The recipe: one small TOML file that says everything a run needs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from codewren.core.errors import RecipeError, nearest
from codewren.core.pareto import Budget
from codewren.core.plain_values import TOP, build, check_keys
from codewren.core.recipe_files import naming_files, own_folder, recipe_tables
from codewren.core.recipe_sections import (
    ClassWeights,
    DataSection,
    DecisionSection,
    DistilSection,
    FinetuneSection,
    SearchSection,
    TeacherSection,
)
from codewren.core.student_config import StudentConfig
from codewren.core.task import Task, Unit, built_in_task


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything a run needs; `folder` is where relative paths start."""

    task: Task
    data: DataSection
    teacher: TeacherSection
    finetune: FinetuneSection
    search: SearchSection
    student: StudentConfig
    budget: Budget
    distil: DistilSection
    decision: DecisionSection = field(default_factory=DecisionSection)
    folder: Path = Path()

    @classmethod
    def load(cls, path: Path, settings: Sequence[str] = ()) -> Self:
        """Read a TOML recipe, or a run's `recipe.json`, and apply `section.key=value` settings of the command line.

        Raises:
            RecipeError: as `read_recipe_toml`, an unknown key (the nearest is named), or a value of the wrong kind.
        """
        tables = recipe_tables(path, settings)
        with naming_files(path, settings):
            return cls.from_tables(tables, path)

    @classmethod
    def from_tables(cls, raw: Mapping[str, Any], path: Path) -> Self:
        """Build the recipe that a file holds: a TOML file, or a run's `recipe.json`, which names its folder.

        Raises:
            RecipeError: as `load`.
        """
        return cls.from_dict(*own_folder(raw, path))

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], folder: Path = Path()) -> Self:
        """Build a recipe from parsed TOML.

        Raises:
            RecipeError: as `load`.
        """
        sections = {
            "data": DataSection,
            "teacher": TeacherSection,
            "finetune": FinetuneSection,
            "search": SearchSection,
            "budget": Budget,
            "distil": DistilSection,
            "decision": DecisionSection,
        }
        check_keys(raw, {*sections, "task", "student"}, where=TOP)
        if "task" not in raw:
            raise RecipeError("recipe has no [task]; add for example: [task] name = 'clone'")
        built: dict[str, Any] = {name: build(kind, _table(raw, name), where=name) for name, kind in sections.items()}
        check_keys(_table(raw, "student"), {spec.name for spec in fields(StudentConfig)}, where="student")
        task = _build_task(_table(raw, "task"))
        for name in ("finetune", "distil"):
            _check_labels(f"{name}.class_weights", built[name].class_weights, task)
        return cls(
            task=task,
            student=StudentConfig.from_dict(_table(raw, "student")),
            folder=folder,
            **built,
        )

    def to_dict(self) -> dict[str, Any]:
        """The resolved recipe, saved beside every output."""
        sections = ("data", "teacher", "finetune", "search", "budget", "distil", "decision")
        plain = {name: asdict(getattr(self, name)) for name in sections}
        return {"task": self.task.to_dict(), "student": self.student.to_dict(), **plain, "folder": str(self.folder)}

    def to_json(self) -> str:
        """One line of JSON, from which `from_json` builds an equal recipe."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote, or a run's `recipe.json`.

        Raises:
            RecipeError: as `from_dict`, or the text is not a JSON object.
        """
        try:
            raw = json.loads(text)
        except ValueError as error:
            raise RecipeError(f"recipe: not JSON ({error})") from None
        if not isinstance(raw, dict):
            raise RecipeError(f"recipe: {text[:40]!r} is not a JSON object")
        return cls.from_dict(raw, Path(str(raw.pop("folder", "."))))

    def resolve(self, path: str) -> Path:
        """A path of the recipe as a real one: below `data.root`, below the recipe's folder."""
        return self.folder / self.data.root / path


def _table(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name, {})
    if not isinstance(value, dict):
        raise RecipeError(f"recipe: [{name}] is {value!r}, wanted a table")
    return value


def _check_labels(key: str, weights: ClassWeights, task: Task) -> None:
    """Raise where a class weight is of no label."""
    for name in weights if isinstance(weights, Mapping) else {}:
        if name not in task.labels:
            raise RecipeError(f"{key}: no label {name!r}; {nearest(name, task.labels)}", f"{key}.{name}")


def _build_task(raw: dict[str, Any]) -> Task:
    known = {spec.name for spec in fields(Task)}
    check_keys(raw, known, where="task")
    if set(raw) == {"name"}:
        return built_in_task(raw["name"])
    missing = {"name", "unit", "labels", "positive"} - set(raw)
    if missing:
        raise RecipeError(f"task: a task of your own also needs {', '.join(sorted(missing))}")
    if raw["unit"] not in list(Unit):
        raise RecipeError(f"task: unit {raw['unit']!r} is not one of {', '.join(Unit)}")
    return Task.from_dict(raw)
