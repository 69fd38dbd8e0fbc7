"""What a hint learns from: functions of several sources, with labels, projects and fixed versions."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codewren.core.errors import InputError
from codewren.core.hint_recipe import HintRecipe, HintSource
from codewren.data.readers import Row, read_rows, spelling

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
OWN_NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")
LEAST_NAME = 7
"""Shorter names are shared by functions that have nothing to do with each other."""

KINDS = (
    "memory bounds",
    "use after free",
    "integer",
    "null",
    "format or injection",
    "resource",
    "concurrency",
    "other",
)
KIND_OF_CWE = {
    cwe: kind
    for kind, cwes in {
        "memory bounds": "118 119 120 121 122 123 124 125 126 127 131 170 242 467 468 787 788 805",
        "use after free": "415 416 562 590 672 761 763 825",
        "integer": "128 189 190 191 192 194 195 196 197 369 680 681 682",
        "null": "252 253 476 690",
        "format or injection": "15 77 78 88 90 94 114 134 426 427",
        "resource": "400 401 404 459 606 674 770 771 772 773 775 789 835",
        "concurrency": "362 364 366 367 479 591 662 667 832 833",
    }.items()
    for cwe in cwes.split()
}
"""CWE numbers of each kind; all others are `other`."""


@dataclass(slots=True)
class Examples:
    """Functions by number.

    Attributes:
        texts: of all functions.
        labels: 1 for vulnerable ones, or the index of the kind.
        sources: name of the source of each.
        projects: of each; empty where the source has none.
        names: the functions' own.
        fixed: numbers of vulnerable functions and of their fixed versions, which have the source "".
    """

    texts: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    projects: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    fixed: list[tuple[int, int]] = field(default_factory=list)

    def add(self, text: str, label: int, source: str, project: str) -> int:
        """Add a function; its number."""
        self.texts.append(text)
        self.labels.append(label)
        self.sources.append(source)
        self.projects.append(project)
        self.names.append(own_name(text))
        return len(self.texts) - 1


def own_name(text: str) -> str:
    """The name of a function: the first word before a parenthesis.

    >>> own_name("static int read_header (int n) { return f(n); }")
    'read_header'
    """
    match = OWN_NAME.search(COMMENT.sub("", text))
    return match[1] if match else ""


def training_examples(recipe: HintRecipe) -> Examples:
    """Gather what the sources teach; nothing of files to measure on.

    Raises:
        InputError: a source cannot be read.
    """
    rng, examples = random.Random(recipe.fit.seed), Examples()
    for name, source in sorted(recipe.sources.items()):
        rows = list(source_rows(recipe, source, source.path))
        count = min(source.limit or len(rows), round(recipe.fit.share * len(rows)))
        for row in rng.sample(rows, count) if count < len(rows) else rows:
            _add(examples, name, source, row)
    return examples


def valid_examples(recipe: HintRecipe, name: str) -> Examples:
    """What a source is measured on."""
    source, examples = recipe.sources[name], Examples()
    if source.valid is not None:
        for row in source_rows(recipe, source, source.valid):
            _add(examples, name, source, row)
    return examples


def source_rows(recipe: HintRecipe, source: HintSource, path: str) -> Iterator[Row]:
    """Rows of a file that a source keeps."""
    wanted = {column: spelling(value) for column, value in source.where.items()}
    for row in read_rows(Path(recipe.resolve(path))):
        if all(spelling(row.value(column)) == value for column, value in wanted.items()):
            yield row


def _add(examples: Examples, name: str, source: HintSource, row: Row) -> None:
    project = str(row.value(source.project)) if source.project else ""
    label = _label(source, row)
    number = examples.add(row.text(source.text), label, name, project)
    if source.fixed and label and row.values.get(source.fixed):
        examples.fixed.append((number, examples.add(row.text(source.fixed), 0, "", project)))


def _label(source: HintSource, row: Row) -> int:
    if source.kind == "ordinary":
        return 0
    value = spelling(row.value(source.label))
    if source.kind == "kinds":
        return KINDS.index(KIND_OF_CWE.get(value.upper().removeprefix("CWE").strip("-"), "other"))
    if value not in ("0", "1", "true", "false"):
        raise InputError(f"{row.position}: label {value!r:.40} is neither 0 nor 1")
    return int(value in ("1", "true"))


def is_taught(examples: Examples, leave_out: Sequence[str]) -> list[bool]:
    """Whether each function may teach where projects are left out: it is none of theirs, nor bears the name of one."""
    own = [any(holds(project, name) for name in leave_out) for project in examples.projects]
    names = {name for name, is_own in zip(examples.names, own, strict=True) if is_own and len(name) >= LEAST_NAME}
    return [not is_own and name not in names for is_own, name in zip(own, examples.names, strict=True)]


def holds(project: str, name: str) -> bool:
    """Whether a project is the one named, or a version of it.

    >>> [holds(project, "tiff") for project in ("tiff", "libtiff-v4.5.0", "stiffness")]
    [True, True, False]
    """
    pattern = rf"(?<![a-z])(?:lib)?{re.escape(name.lower().removeprefix('lib'))}(?![a-z])"
    return re.search(pattern, project.lower()) is not None
