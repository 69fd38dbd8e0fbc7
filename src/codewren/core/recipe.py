"""The recipe: one small TOML file that says everything a run needs."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from codewren.core.errors import RecipeError
from codewren.core.files import read_json
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
        saved = path.suffix == ".json"
        raw = recipe_tables(path, settings)
        folder = Path(str(raw.pop("folder", "."))) if saved else path.parent
        return cls.from_dict(raw, folder)

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


def recipe_tables(path: Path, settings: Sequence[str] = ()) -> dict[str, Any]:
    """The tables of a recipe, or of a run's `recipe.json`, with `section.key=value` settings applied.

    Raises:
        RecipeError: as `read_recipe_toml`, or a malformed setting.
    """
    raw = _read_saved(path) if path.suffix == ".json" else read_recipe_toml(path)
    for setting in settings:
        _apply_setting(raw, setting)
    return raw


def read_recipe_toml(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The tables of a recipe file, those of the files that it `extends` below its own.

    `extends` is one file or a list of them, relative to the file that says so; of two that give a value the later one
    wins, and the file's own wins over both. Tables are merged key by key, every other value is replaced.

    Args:
        path: a TOML file.
        above: the files that led here, so that a circle is told.

    Raises:
        RecipeError: a missing file, invalid TOML, `extends` of another kind, or a file that extends itself.
    """
    if path.resolve() in above:
        raise RecipeError(f"recipe {path}: extends itself through {above[-1].name}; take one `extends` out")
    raw = _read_toml(path)
    names = raw.pop("extends", [])
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RecipeError(f"recipe {path}: extends is {names!r}, wanted a file name or a list of them")
    merged: dict[str, Any] = {}
    for name in names:
        merged = _merge(merged, read_recipe_toml(path.parent / name, (*above, path.resolve())))
    return _merge(merged, raw)


def _read_saved(path: Path) -> dict[str, Any]:
    raw = read_json(path)
    if not isinstance(raw, dict):
        raise RecipeError(f"recipe {path}: holds {type(raw).__name__}, wanted an object as a run's recipe.json is")
    return raw


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise RecipeError(f"recipe {path}: no such file") from None
    except OSError as error:
        raise RecipeError(f"recipe {path}: cannot read it ({error.strerror or error})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe {path}: not valid TOML ({error})") from None


def _merge(below: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Own values over those below, table by table.

    >>> _merge({"student": {"hidden_size": 96, "vocab_size": 1000}}, {"student": {"hidden_size": 64}})
    {'student': {'hidden_size': 64, 'vocab_size': 1000}}
    """
    merged = dict(below)
    for name, value in own.items():
        base = below.get(name)
        merged[name] = _merge(base, value) if isinstance(base, dict) and isinstance(value, dict) else value
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
    for section in path:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise RecipeError(f"--set {setting!r}: {section!r} is not a table")
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
