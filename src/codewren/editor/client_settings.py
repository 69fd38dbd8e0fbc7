"""What an editor may set, and reading it: a wrong value is told and leaves the default."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from codewren.core.errors import nearest
from codewren.scan.finding import CloneKind

SECTION = "codewren"
_OF_THE_EDITOR = frozenset({"path", "trace"})  # settings of an extension, which come along
DEFAULT_BASELINE = "codewren.baseline.json"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Settings of one session; in JSON their names are in camelCase.

    Attributes:
        enable: whether anything is reported at all.
        models: bundles that judge, by short name or path.
        threshold: probability that a finding exceeds; None is each bundle's own.
        loosest_clone: the loosest kind of clone reported.
        workspace: compare with the functions of all files of the workspace, not with open ones only.
        min_lines: shortest function that a model of single functions judges.
        exclude: files of the workspace that are left out, in the syntax of `.gitignore`.
        max_file_bytes: larger documents are not judged.
        max_workspace_files: of more, only the first ones are compared with.
        baseline: file of known findings, relative to the workspace; "" for none.
    """

    enable: bool = True
    models: tuple[str, ...] = ("clones",)
    threshold: float | None = None
    loosest_clone: CloneKind = CloneKind.EDITED
    workspace: bool = True
    min_lines: int = 1
    exclude: tuple[str, ...] = ()
    max_file_bytes: int = 1_000_000
    max_workspace_files: int = 20_000
    baseline: str = DEFAULT_BASELINE


def updated(settings: ClientSettings, values: object) -> tuple[ClientSettings, list[str]]:
    """The settings with those that a client sent, and what is wrong with the others."""
    if isinstance(values, Mapping) and isinstance(values.get(SECTION), Mapping):
        values = values[SECTION]
    if values is None:
        return settings, []
    if not isinstance(values, Mapping):
        return settings, [f"settings are of type {type(values).__name__}; wanted an object such as {{'enable': true}}"]
    remarks: list[str] = []
    for key, value in values.items():
        if key in _OF_THE_EDITOR:
            continue
        if key not in _READERS:
            remarks.append(f"setting {str(key)[:100]!r} is unknown; {nearest(str(key), _READERS)}")
        elif value is not None:
            try:
                settings = replace(settings, **{_FIELDS[key]: _READERS[key](value)})
            except (TypeError, ValueError) as error:
                remarks.append(f"setting {key!r} is {str(value)[:100]!r}; wanted {error}")
    return settings, remarks


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TypeError("a list of strings")
    return tuple(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a string")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise TypeError("a whole number from 1 on")
    return value


def _probability(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise TypeError("a number from 0 to 1, or null for the bundle's own")
    return float(value)


def _clone_kind(value: object) -> CloneKind:
    try:
        return CloneKind(value)  # type: ignore[arg-type]
    except ValueError:
        raise ValueError(f"one of {', '.join(CloneKind)}") from None


_READERS: dict[str, Callable[[object], Any]] = {
    "enable": _switch,
    "models": _texts,
    "threshold": _probability,
    "loosestClone": _clone_kind,
    "workspace": _switch,
    "minLines": _count,
    "exclude": _texts,
    "maxFileBytes": _count,
    "maxWorkspaceFiles": _count,
    "baseline": _text,
}


def _names() -> Iterator[tuple[str, str]]:
    for field in fields(ClientSettings):
        first, *others = field.name.split("_")
        yield first + "".join(word.capitalize() for word in others), field.name


_FIELDS = dict(_names())
