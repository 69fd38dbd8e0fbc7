"""Functions about to be written that exist already.

A warning costs an agent attention, so it must be seldom wrong. Only what is new counts: a function that the file holds
already, one that was as close to the same original before the edit, or one that is only renamed, is no news. Copies
count by their tokens. For the rest similarity alone says little, because inside one project functions share their
vocabulary: it must be very high, or stand out above that of all other functions.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from codewren.core.errors import InputError
from codewren.core.files import unicode_path
from codewren.index.query import Filters
from codewren.index.results import Answer, Match
from codewren.index.tree_index import Index
from codewren.index.view import is_test
from codewren.scan.finding import CloneKind
from codewren.scan.infer import WHOLE
from codewren.syntax.file_names import language_of
from codewren.syntax.grammars import LANGUAGES

EDITED_SIMILARITY, SEMANTIC_SIMILARITY = 0.8, 0.87
"""Least similarity of what shares most words, and of what only the model calls a clone: docs/agents.md says how set."""
OUTSTANDING_SIMILARITY, LEAD = 0.55, 0.15
"""Less is enough in another file for the one function that leads the next most similar one by so much."""
SMALLEST_LINES, SMALLEST_TOKENS = 5, 50  # of any duplicate; of one that is no copy
_COMPARED = 4  # of each function: the original may be among them behind what is known


@dataclass(frozen=True, slots=True)
class Edit:
    """A file as it is, and as it will be.

    Attributes:
        path: absolute, or relative to the tree of the index.
        before: "" for a new file.
        after: "" for one that will be deleted.
    """

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A function that exists already.

    Attributes:
        path: of the file that will hold it.
        name: qualified by what surrounds it.
        start_line: in the file as it will be.
        original: what is there.
    """

    path: str
    name: str
    start_line: int
    original: Match

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        function = {"path": unicode_path(self.path), "name": self.name, "start_line": self.start_line}
        return {**function, "original": self.original.to_dict()}

    def __str__(self) -> str:
        original = self.original
        place = f"{unicode_path(original.path)}:{original.start_line} {original.name}"
        if original.kind in {CloneKind.EXACT, CloneKind.RENAMED}:
            return f"{self.name} is {_SAYING[original.kind]} {place}"
        how = f"{original.overlap:.0%} of words shared, " if original.kind is CloneKind.EDITED else ""
        return f"{self.name} does much the same as {place} ({how}similarity {original.similarity:.2f})"


_SAYING = {CloneKind.EXACT: "a copy of", CloneKind.RENAMED: "under other names a copy of"}


def duplicates(index: Index, edits: Iterable[Edit], *, with_tests: bool = False) -> list[Duplicate]:
    """Functions of the edits that are new and exist already, each with its closest original.

    Functions in tests are neither asked about nor named unless `with_tests`.

    Raises:
        InputError: a text is no ordinary source text.
    """
    return [duplicate for edit in edits for duplicate in _duplicates(index, edit, with_tests=with_tests)]


def _duplicates(index: Index, edit: Edit, *, with_tests: bool) -> Iterator[Duplicate]:
    if language_of(edit.path, LANGUAGES) is None or (is_test(edit.path) and not with_tests) or not edit.after.strip():
        return
    filters = Filters(with_tests=with_tests)
    new = index.query(edit.after, path=edit.path, k=_COMPARED, filters=filters)
    own = os.path.relpath(os.path.realpath(index.root / edit.path), index.root)
    if not any(_originals(answer, own) for answer in new):
        return
    old = _known(index, edit, filters, own)
    stay = {(answer.name, _text(edit.after, answer)) for answer in new}
    for answer in new:
        originals = [
            match
            for match in _originals(answer, own)
            if match.path != own or (match.name != answer.name and (match.name, _text(edit.before, match)) in stay)
        ]
        if originals and not any((answer.name, match.path, match.name) in old for match in originals):
            yield Duplicate(edit.path, answer.name, answer.start_line, originals[0])


def _text(source: str, function: Answer | Match) -> str:
    """The lines of a function without white space; what an edit renames, splits or moves is no second copy."""
    return "".join("".join(source.split("\n")[function.start_line - 1 : function.end_line]).split())


def _known(index: Index, edit: Edit, filters: Filters, own: str) -> set[tuple[str, str, str]]:
    """Names of functions before the edit, each with what was like it then."""
    if not edit.before.strip():
        return set()
    try:
        answers = index.query(edit.before, path=edit.path, k=_COMPARED, filters=filters)
    except InputError:  # what is there is no ordinary text: then all of the new one is new
        return set()
    return {(answer.name, match.path, match.name) for answer in answers for match in _originals(answer, own)}


def _originals(answer: Answer, own: str) -> list[Match]:
    """What a function should have been instead; `own` is the path of its file in the tree."""
    if answer.is_suppressed or answer.name == WHOLE or _lines(answer) < SMALLEST_LINES:
        return []
    similarities = sorted((match.similarity for match in answer.matches), reverse=True)
    next_similarity = similarities[1] if len(similarities) > 1 else 0.0
    return [
        match
        for match in answer.matches
        if _lines(match) >= SMALLEST_LINES
        and (
            match.kind is CloneKind.EXACT
            or (answer.tokens >= SMALLEST_TOKENS and _is_close(match))
            or (answer.tokens >= SMALLEST_TOKENS and match.path != own and _leads(match, next_similarity))
        )
    ]


def _is_close(match: Match) -> bool:
    if match.kind is CloneKind.RENAMED:
        return True
    return match.similarity >= (EDITED_SIMILARITY if match.kind is CloneKind.EDITED else SEMANTIC_SIMILARITY)


def _leads(match: Match, next_similarity: float) -> bool:
    return match.similarity >= max(OUTSTANDING_SIMILARITY, next_similarity + LEAD)


def _lines(function: Answer | Match) -> int:
    return function.end_line - function.start_line + 1
