"""The reference of the recipe, made from the code: every key, its kind, its default, and what its docstring says."""

import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from codewren.core.hint_recipe import FitSection, HintObjective, HintSearch, HintSizes, HintSource
from codewren.core.pareto import Budget
from codewren.core.recipe_sections import (
    DataSection,
    DecisionSection,
    DistilSection,
    FinetuneSection,
    SearchSection,
    Source,
    TeacherSection,
)
from codewren.core.similarity_recipe import (
    AlertSection,
    ContrastSection,
    EncoderSearch,
    EncoderSizes,
    Mix,
    Objective,
    Shares,
    SimilaritySource,
    TableSizes,
)
from codewren.core.sourced_recipe import DataFolder
from codewren.core.student_config import StudentConfig
from codewren.core.task import Task

TABLES: dict[str, type] = {
    "task": Task,
    "data": DataSection,
    "data.SPLIT": Source,
    "finetune": FinetuneSection,
    "teacher": TeacherSection,
    "search": SearchSection,
    "budget": Budget,
    "student": StudentConfig,
    "distil": DistilSection,
    "decision": DecisionSection,
}
ENCODER_TABLES: dict[str, type] = {
    "objective": Objective,
    "objective.sources.NAME": SimilaritySource,
    "data": DataFolder,
    "student": EncoderSizes,
    "student.names": TableSizes,
    "student.shares": Shares,
    "contrast": ContrastSection,
    "contrast.mix": Mix,
    "alert": AlertSection,
    "search": EncoderSearch,
    "budget": Budget,
}
HINT_TABLES: dict[str, type] = {
    "objective": HintObjective,
    "objective.sources.NAME": HintSource,
    "data": DataFolder,
    "student": HintSizes,
    "fit": FitSection,
    "search": HintSearch,
    "budget": Budget,
}
WIDTH = 98
INTRODUCTION = """\
# The recipe, key by key

A recipe is a TOML file. Only `[task]` is required; everything else has the default named here.
`extends = "base.toml"` (or a list of files), above the first table, takes everything from other
recipes, relative to the file; later ones win, and a file's own keys win over all. On the command
line `--set SECTION.KEY=VALUE` overrides a key. Relative paths start at the recipe's folder, those
of data at `data.root`.

This page is what `codewren compress --reference` prints.
"""
ENCODERS = """\
# Similarity encoders

A recipe with `[objective]` makes an encoder that compares functions. It has no `[task]`, and these
tables only; `student.structure` and `objective.valid` have the keys of the tables beside them.
"""
HINTS = """\
# Hints

A recipe with `[objective] kind = "hint"` makes a linear model of what to review first, with these
tables only.
"""
_ENTRY = re.compile(r"^(\w+): (.*)$")


def recipe_reference() -> str:
    """All tables of a recipe as Markdown, lines of at most 100 columns."""
    classifiers, encoders, hints = (
        [_table(name, kind) for name, kind in tables.items()] for tables in (TABLES, ENCODER_TABLES, HINT_TABLES)
    )
    return "\n".join([INTRODUCTION, *classifiers, ENCODERS, *encoders, HINTS, *hints]).rstrip()


def descriptions(kind: type) -> dict[str, str]:
    """What the `Attributes:` of a class say of each field, on one line each."""
    _, _, attributes = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    said: dict[str, str] = {}
    name = ""
    for line in textwrap.dedent(attributes.split("\n\n")[0]).splitlines():
        if entry := _ENTRY.match(line):
            name = entry[1]
            said[name] = entry[2]
        elif name:
            said[name] += f" {line.strip()}"
    return said


def _table(name: str, kind: type) -> str:
    about, *_ = inspect.cleandoc(kind.__doc__ or "").split("\nAttributes:")[0].split("\n\nRaises:")
    texts, hints = descriptions(kind), get_type_hints(kind)
    entries = (_entry(spec, hints[spec.name], texts.get(spec.name, "")) for spec in fields(cast(Any, kind)))
    return "\n".join([f"## [{name}]", "", *_wrapped(" ".join(about.split())), "", *entries, ""])


def _entry(spec: "Field[Any]", hint: Any, text: str) -> str:
    head = f"- `{spec.name}` ({', '.join(_kinds(hint))}; {_default(spec)}): {text}"
    return "\n".join(_wrapped(head, indent="  "))


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _default(spec: "Field[Any]") -> str:
    if spec.default is MISSING:
        return "required" if spec.default_factory is MISSING else "default none"
    value = spec.default
    if value is None or value == ():
        return "default none"
    if isinstance(value, bool):
        return f"default {str(value).lower()}"
    if isinstance(value, tuple):
        value = list(value)
    return f"default {str(value) if isinstance(value, int | float) else repr(value)}".replace("'", '"')


def _kinds(hint: Any) -> Iterator[str]:
    """What a value may be, in TOML's words."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        for option in get_args(hint):
            if option is not NoneType:
                yield from _kinds(option)
    elif origin is Literal:
        yield " | ".join(f"`{value}`" for value in get_args(hint))
    elif isinstance(hint, type) and issubclass(hint, StrEnum):
        yield " | ".join(f"`{value}`" for value in hint)
    elif origin in (tuple, Sequence):
        yield "list of strings"
    elif origin is Mapping:
        yield "table of labels and numbers" if get_args(hint)[1] is float else "table of columns and values"
    else:
        yield {str: "string", int: "whole number", float: "number", bool: "true or false"}.get(hint, "table")
