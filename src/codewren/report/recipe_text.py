"""A resolved recipe as the TOML file it could have come from: only what differs from the defaults."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import Source
from codewren.core.task import BUILT_IN

_DELETE = 0x7F  # allowed in JSON strings, not in TOML's


def recipe_toml(recipe: Recipe) -> str:
    """TOML that reads as the same recipe; relative paths start where the original lay."""
    plain, usual = recipe.to_dict(), Recipe.from_dict({"task": {"name": "clone"}}).to_dict()
    built_in = BUILT_IN.get(recipe.task.name) == recipe.task
    tables: dict[str, Mapping[str, Any]] = {"task": {"name": recipe.task.name} if built_in else plain["task"]}
    for name in (spec.name for spec in fields(Recipe) if spec.name not in ("task", "folder")):
        tables[name] = {key: value for key, value in plain[name].items() if value != usual[name][key]}
    tables["data"] = {key: _brief(value) for key, value in tables["data"].items()}
    return "\n".join(_table(name, table) for name, table in tables.items() if table)


def _brief(source: Any) -> Any:
    """A source of data without the columns that have their usual names."""
    if not isinstance(source, Mapping):
        return source
    usual = asdict(Source(""))
    return {key: value for key, value in source.items() if value != usual[key]}


def _table(name: str, table: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in table.items() if value is not None]
    return "\n".join([f"[{name}]", *lines, ""])


def _value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace(chr(_DELETE), "\\u007f")
    if isinstance(value, Mapping):
        inside = (f"{_key(str(key))} = {_value(item)}" for key, item in value.items() if item not in (None, {}))
        return "{ " + ", ".join(inside) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _key(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else _value(name)
