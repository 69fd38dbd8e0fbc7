"""Functions of projects: read, split by project, and grouped by name."""

import hashlib
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from codewren.core.similarity_recipe import SimilarityRecipe, SimilaritySource
from codewren.data.readers import Row, read_rows, spelling
from codewren.train.similarity.function_features import KEYWORDS
from codewren.train.similarity.source_lexer import Kind, lex

LENGTHS = range(60, 5001)
"""Characters of a function that teaches: shorter ones are alike by nature, longer ones are rare."""

COMMON_NAMES = frozenset(
    """main test toString equals hashCode init close run get set constructor __init__ __repr__ __str__ __eq__ __len__
    __iter__ __getitem__ __setitem__ __hash__ __enter__ __exit__ __call__ __new__ __getattr__ setup teardown setUp
    tearDown usage clone finalize dispose destroy free reset clear wrapper inner decorator callback handler render
    configure new String Error Close Len Less Swap Read Write Reset""".split()  # noqa: SIM905  a list to read
)
MASKED_NAME = "solution"


class Use(StrEnum):
    """What the functions of a project are used for."""

    TRAIN = "train"
    FIT = "fit"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class ProjectFunction:
    """One function of a project."""

    text: str
    name: str
    project: str
    language: str
    doc: str = ""

    @property
    def masked(self) -> str:
        """The text with its own name replaced, so that the name teaches nothing."""
        return re.sub(rf"\b{re.escape(self.name)}\b", MASKED_NAME, self.text) if self.name else self.text


def rows_of(recipe: SimilarityRecipe, source: SimilaritySource) -> Iterator[Row]:
    """Rows of a source's file that its `where` keeps.

    Raises:
        InputError: the file cannot be read, or lacks a column.
    """
    for row in read_rows(recipe.resolve(source.path)):
        if all(spelling(row.value(column)) == spelling(value) for column, value in source.where.items()):
            yield row


def language_of(row: Row, source: SimilaritySource) -> str:
    """Language of a row's function."""
    return source.language or str(row.value("language"))


def project_functions(recipe: SimilarityRecipe, *, rng: random.Random) -> dict[Use, list[ProjectFunction]]:
    """Functions of the recipe's projects by use, without copies in other white space."""
    by_use: dict[Use, list[ProjectFunction]] = {use: [] for use in Use}
    for source in recipe.of_kind("functions").values():
        functions = list(_distinct(recipe, source))
        if source.limit is not None and source.limit < len(functions):
            functions = rng.sample(functions, source.limit)
        for function in functions:
            by_use[use_of(function.project, source)].append(function)
    return by_use


def use_of(project: str, source: SimilaritySource) -> Use:
    """What a project is used for: by its name in the recipe, else by a hash of it."""
    if project in source.fit_projects:
        return Use.FIT
    if project in source.test_projects:
        return Use.TEST
    if not source.split_projects:
        return Use.TRAIN
    percentile = int(hashlib.sha256(project.encode()).hexdigest(), 16) % 100
    return Use.TRAIN if percentile < 70 else Use.FIT if percentile < 85 else Use.TEST


def _distinct(recipe: SimilarityRecipe, source: SimilaritySource) -> Iterator[ProjectFunction]:
    seen: set[str] = set()
    for row in rows_of(recipe, source):
        text = row.text(source.text)
        squeezed = re.sub(r"\s+", "", text)
        if len(text) in LENGTHS and text.count("\n") >= 3 and squeezed not in seen:
            seen.add(squeezed)
            language = language_of(row, source)
            name = str(row.values[source.name]) if source.name in row.values else own_name(text, language)
            doc = str(row.values.get(source.doc, ""))
            yield ProjectFunction(text, name, str(row.value(source.project)), language, doc)


def own_name(text: str, language: str) -> str:
    """Name of a function: the first word before `(` that is no keyword and no annotation; empty if there is none.

    >>> own_name("@Test(1) static int area(int side) { return side * side; }", "java")
    'area'
    """
    tokens = lex(text[:600], python=language == "python")
    for index in range(len(tokens) - 1):
        is_called = tokens[index].kind is Kind.WORD and tokens[index + 1].text == "("
        is_annotation = index > 0 and tokens[index - 1].text == "@"
        if is_called and tokens[index].text not in KEYWORDS and not is_annotation:
            return tokens[index].text
    return ""


def same_name(
    functions: Sequence[ProjectFunction], *, rng: random.Random, most: int = 4, common: int = 80
) -> list[list[ProjectFunction]]:
    """Groups of functions of one name, case and underscores apart, in two projects or more.

    Args:
        functions: of many projects.
        rng: draws one function of each project and language.
        most: functions of a group.
        common: names of more functions are left out: they say nothing.
    """
    by_name: dict[str, list[ProjectFunction]] = defaultdict(list)
    for function in functions:
        if len(function.name) > 3 and function.name not in COMMON_NAMES:
            by_name[function.name.lower().replace("_", "")].append(function)
    groups = []
    for _, members in sorted(by_name.items()):
        by_project: dict[tuple[str, str], list[ProjectFunction]] = defaultdict(list)
        for function in members:
            by_project[function.project, function.language].append(function)
        if len(members) <= common and len({project for project, _ in by_project}) > 1:
            chosen = [rng.choice(alike) for alike in by_project.values()]
            groups.append(rng.sample(chosen, min(most, len(chosen))))
    return groups
