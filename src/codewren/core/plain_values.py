"""Plain values, as TOML holds them, made into typed dataclasses; what does not fit is named with its place."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from codewren.core.errors import RecipeError, nearest

T = TypeVar("T")
_WORDS = {
    float: "a number", int: "a whole number", bool: "true or false", str: "a string", Sequence: "a list of strings",
    Mapping: "a table",
}  # fmt: skip


def build(kind: type[T], raw: Mapping[str, Any], *, where: str, hyphens: bool = False) -> T:
    """An instance of the dataclass `kind` made of a table, nested ones as well; `hyphens` stand for `_` in its keys.

    Raises:
        RecipeError: unknown or missing key, or a value of the wrong kind; names `where` it stands.
    """
    hints = get_type_hints(kind)
    names = {name.replace("_", "-") if hyphens else name: name for name in hints}
    check_keys(raw, set(names), where=where)
    required = [f.name for f in fields(cast(Any, kind)) if f.default is MISSING and f.default_factory is MISSING]
    missing = [key for key, name in names.items() if name in required and key not in raw]
    if missing:
        raise RecipeError(f"{where}: missing {', '.join(missing)}")
    return kind(**{names[key]: _convert(value, hints[names[key]], f"{where}.{key}") for key, value in raw.items()})


TOP = "recipe"
"""Where keys stand that are in no table."""


def check_keys(raw: Mapping[str, Any], known: set[str], *, where: str) -> None:
    """Refuse a table with a key that is not `known`.

    Raises:
        RecipeError: names `where` the table stands, the key, and the nearest known one.
    """
    for key in raw:
        if key not in known:
            place = key if where == TOP else f"{where}.{key}"
            raise RecipeError(f"{where}: unknown key {key!r}; {nearest(key, known)}", place)


def _convert(value: Any, hint: Any, where: str) -> Any:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    for option in options:
        if option is type(None):
            if value is None:
                return None
        elif is_dataclass(option):
            if isinstance(value, dict):
                return build(cast(type, option), value, where=where)
        elif get_origin(option) is Literal:
            if value in get_args(option):
                return value
        elif _fits(value, option):
            return float(value) if option is float else tuple(value) if isinstance(value, list) else value
    if get_origin(options[0]) is Literal:
        others = "".join(f", nor {_in_words(option)}" for option in options[1:] if option is not type(None))
        raise RecipeError(f"{where}: {value!r} is not one of {', '.join(get_args(options[0]))}{others}", where)
    kinds = " or ".join(_in_words(option) for option in options if option is not type(None))
    raise RecipeError(f"{where}: {value!r} is not of the kind wanted: {kinds}", where)


def _in_words(kind: Any) -> str:
    origin = get_origin(kind) or kind
    if is_dataclass(origin):
        return "a table"
    if isinstance(origin, type) and issubclass(origin, StrEnum):
        return f"one of {', '.join(origin)}"
    return _WORDS.get(origin) or str(getattr(origin, "__name__", origin))


def _fits(value: Any, kind: Any) -> bool:
    origin = get_origin(kind) or kind
    if origin is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if origin is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin is Sequence:
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if origin is Mapping:
        return isinstance(value, dict)
    if isinstance(origin, type) and issubclass(origin, StrEnum):
        return value in list(origin)
    return isinstance(origin, type) and isinstance(value, origin)
