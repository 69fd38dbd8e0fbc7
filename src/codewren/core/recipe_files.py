"""Recipes as files: TOML with what it `extends`, a run's `recipe.json`, settings of the command line."""

import copy
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codewren.core.errors import InputError, RecipeError
from codewren.core.files import read_json


def recipe_tables(recipe: Path | Mapping[str, Any], settings: Sequence[str] = ()) -> dict[str, Any]:
    """The tables of a recipe, or of a run's `recipe.json`, with `section.key=value` settings applied.

    Args:
        recipe: a file, or tables that some program made.
        settings: what `--set` says.

    Raises:
        RecipeError: as `read_recipe_toml`, or a malformed setting.
    """
    if isinstance(recipe, Mapping):
        raw = copy.deepcopy(dict(recipe))
    else:
        raw = _read_saved(recipe) if recipe.suffix == ".json" else read_recipe_toml(recipe)
    for setting in settings:
        _apply_setting(raw, setting)
    return raw


def own_folder(raw: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], Path]:
    """A recipe's tables, and the folder where its relative paths start: a run's `recipe.json` names it."""
    tables = dict(raw)
    return tables, Path(str(tables.pop("folder", "."))) if path.suffix == ".json" else path.parent


def read_recipe_toml(path: Path) -> dict[str, Any]:
    """The tables of a recipe file, those of the files that it `extends` below its own.

    `extends` is one file or a list of them, relative to the file that says so; of two that give a value the later one
    wins, and the file's own wins over both. Tables are merged key by key, every other value is replaced.

    Raises:
        RecipeError: a missing file, invalid TOML, `extends` of another kind, or a file that extends itself.
    """
    merged: dict[str, Any] = {}
    for _, tables in _files(path):
        merged = merge_tables(merged, tables)
    return merged


@contextmanager
def naming_files(path: Path, settings: Sequence[str] = ()) -> Iterator[None]:
    """Put before what is wrong with a recipe the file, or the setting, that says it.

    Raises:
        RecipeError: what was raised inside.
    """
    try:
        yield
    except InputError as error:
        raise RecipeError(f"{_origin(path, settings, getattr(error, 'key', ''))}: {error}") from None


def _origin(path: Path, settings: Sequence[str], key: str) -> str:
    keys = key.split(".")
    for setting in settings:
        if key and _keys(setting.partition("=")[0].strip()) == keys:
            return f"--set {setting}"
    files = [] if path.suffix == ".json" else list(_files(path))
    return str(next((file for file, tables in reversed(files) if key and _holds(tables, keys)), path))


def _holds(tables: Any, keys: Sequence[str]) -> bool:
    if not keys:
        return True
    return isinstance(tables, dict) and keys[0] in tables and _holds(tables[keys[0]], keys[1:])


def _files(path: Path, above: tuple[Path, ...] = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The files that make a recipe with what each says itself, the ones that are extended first.

    Args:
        path: a TOML file.
        above: the files that led here, so that a circle is told.
    """
    if path.resolve() in above:
        raise RecipeError(f"recipe {path}: extends itself through {above[-1].name}; take one `extends` out")
    tables = _read_toml(path)
    names = tables.pop("extends", [])
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RecipeError(f"recipe {path}: extends is {names!r}, wanted a file name or a list of them")
    for name in names:
        yield from _files(path.parent / name, (*above, path.resolve()))
    yield path, tables


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


def merge_tables(below: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Own values over those below, table by table.

    >>> merge_tables({"student": {"hidden_size": 96, "vocab_size": 1000}}, {"student": {"hidden_size": 64}})
    {'student': {'hidden_size': 64, 'vocab_size': 1000}}
    """
    merged = dict(below)
    for name, value in own.items():
        base = below.get(name)
        merged[name] = merge_tables(base, value) if isinstance(base, dict) and isinstance(value, dict) else value
    return merged


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
