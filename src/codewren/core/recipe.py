"""The recipe: one small TOML file that says everything a run needs."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from codewren.core.errors import RecipeError
from codewren.core.pareto import Budget
from codewren.core.plain_values import build, check_keys
from codewren.core.recipe_sections import (
    DataSection,
    DecisionSection,
    DistilSection,
    FinetuneSection,
    SearchSection,
    TeacherSection,
)
from codewren.core.student_config import StudentConfig
from codewren.core.task import Task, Unit, built_in_task

DEEPEST_EXTENSION = 5


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
        """Read a TOML recipe and apply `section.key=value` settings from the command line.

        Raises:
            RecipeError: missing file, invalid TOML, unknown key (the nearest is named), or a value of the wrong kind.
        """
        raw = recipe_tables(path, settings)
        return cls.from_dict(raw, path.parent)

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
        check_keys(raw, {*sections, "task", "student"}, where="recipe")
        if "task" not in raw:
            raise RecipeError("recipe has no [task]; add for example: [task] name = 'clone'")
        built: dict[str, Any] = {name: build(kind, _table(raw, name), where=name) for name, kind in sections.items()}
        return cls(
            task=_build_task(_table(raw, "task")),
            student=StudentConfig.from_dict(_table(raw, "student")),
            folder=folder,
            **built,
        )

    def to_dict(self) -> dict[str, Any]:
        """The resolved recipe, saved beside every output."""
        sections = ("data", "teacher", "finetune", "search", "budget", "distil", "decision")
        plain = {name: asdict(getattr(self, name)) for name in sections}
        return {"task": self.task.to_dict(), "student": self.student.to_dict(), **plain, "folder": str(self.folder)}

    def resolve(self, path: str) -> Path:
        """A path of the recipe as a real one: below `data.root`, below the recipe's folder."""
        return self.folder / self.data.root / path


def recipe_tables(path: Path, settings: Sequence[str] = ()) -> dict[str, Any]:
    """The tables of a TOML recipe, over those of the recipe that it `extends`, with `section.key=value` settings.

    Raises:
        RecipeError: missing file, invalid TOML, a chain of recipes that ends nowhere, or a malformed setting.
    """
    raw = _extended(path, depth=0)
    for setting in settings:
        _apply_setting(raw, setting)
    return raw


def _extended(path: Path, *, depth: int) -> dict[str, Any]:
    if depth > DEEPEST_EXTENSION:
        raise RecipeError(f"recipe {path}: extends more than {DEEPEST_EXTENSION} others in turn; end the chain")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise RecipeError(f"recipe {path}: no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe {path}: not valid TOML ({error})") from None
    base = raw.pop("extends", None)
    if base is None:
        return raw
    if not isinstance(base, str):
        raise RecipeError(f"recipe {path}: extends is {base!r}, wanted the path of a recipe beside it")
    return _overlaid(_extended(path.parent / base, depth=depth + 1), raw)


def _overlaid(base: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    """Tables of `raw` over those of `base`, key by key."""
    merged = dict(base)
    for key, value in raw.items():
        both_are_tables = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _overlaid(base[key], value) if both_are_tables else value
    return merged


def _table(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name, {})
    if not isinstance(value, dict):
        raise RecipeError(f"recipe: [{name}] is {value!r}, wanted a table")
    return value


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


def _apply_setting(raw: dict[str, Any], setting: str) -> None:
    name, equals, text = setting.partition("=")
    if not equals:
        raise RecipeError(f"--set {setting!r}: wanted section.key=value")
    *path, key = _keys(name.strip())
    table = raw
    for part in path:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise RecipeError(f"--set {setting!r}: {part!r} is not a table")
    table[key] = _parse_value(text.strip())


def _keys(name: str) -> list[str]:
    """The keys of a dotted name, quoted ones as TOML writes them.

    >>> _keys('data.labelled.where."a.b"')
    ['data', 'labelled', 'where', 'a.b']
    """
    try:
        table: Any = tomllib.loads(f"{name} = 0")
    except tomllib.TOMLDecodeError:
        return name.split(".")
    keys = []
    while isinstance(table, dict):
        (key, table), *_ = table.items()
        keys.append(key)
    return keys


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # a bare word is a string: --set search.strategy=wren
