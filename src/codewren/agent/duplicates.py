"""Functions about to be written that exist already.

A warning costs an agent attention, so it must be seldom wrong. Only what is new counts: a function that the file holds
already, or one that was as close to the same original before the edit, is no news. What the model alone says counts
from a higher probability on than in a scan, because inside one project functions share their vocabulary.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from codewren.core.errors import InputError
from codewren.core.files import unicode_path
from codewren.index.index import Index
from codewren.index.query import Filters
from codewren.index.results import Answer, Match
from codewren.index.view import is_test
from codewren.scan.finding import CloneKind
from codewren.scan.infer import WHOLE
from codewren.syntax.file_names import language_of
from codewren.syntax.grammars import LANGUAGES

WARN_SIMILARITY = 0.75
"""Of what neither tokens nor words call a copy; see docs/agents.md for how it was set."""
SMALLEST_LINES = 5
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
    if not any(_originals(answer) for answer in new):
        return
    old = _known(index, edit, filters)
    for answer in new:
        originals = [match for match in _originals(answer) if (answer.name, match.path, match.name) not in old]
        if originals and len(originals) == len(_originals(answer)):
            yield Duplicate(edit.path, answer.name, answer.start_line, originals[0])


def _known(index: Index, edit: Edit, filters: Filters) -> set[tuple[str, str, str]]:
    """Names of functions before the edit, each with what was like it then."""
    if not edit.before.strip():
        return set()
    try:
        answers = index.query(edit.before, path=edit.path, k=_COMPARED, filters=filters)
    except InputError:  # what is there is no ordinary text: then all of the new one is new
        return set()
    return {(answer.name, match.path, match.name) for answer in answers for match in _originals(answer)}


def _originals(answer: Answer) -> list[Match]:
    """What a function should have been instead."""
    is_small = answer.end_line - answer.start_line + 1 < SMALLEST_LINES
    if answer.is_suppressed or answer.name == WHOLE or is_small:
        return []
    return [match for match in answer.matches if _counts(match)]


def _counts(match: Match) -> bool:
    if match.kind in {CloneKind.EXACT, CloneKind.RENAMED, CloneKind.EDITED}:
        return match.end_line - match.start_line + 1 >= SMALLEST_LINES
    return match.similarity >= WARN_SIMILARITY
