"""What an index answers: typed, frozen, and the same for the command line, the Python API and agents."""

from dataclasses import asdict, dataclass
from typing import Any

from codewren.core.files import unicode_path
from codewren.scan.finding import CloneKind
from codewren.scan.source_files import Note


@dataclass(frozen=True, slots=True)
class Match:
    """A function of the tree that is like the one that was asked about.

    Attributes:
        path: of its file, relative to the tree.
        start_line: first line, counted from 1.
        end_line: last line, inclusive.
        name: qualified by what surrounds it.
        language: of its file.
        similarity: cosine of the two vectors: 1 for the same tokens.
        probability: that they are clones, as the model sees it.
        kind: how alike they are; None where neither tokens, words nor the model call them clones.
        overlap: share of their words that they have in common.
    """

    path: str
    start_line: int
    end_line: int
    name: str
    language: str
    similarity: float
    probability: float
    kind: CloneKind | None
    overlap: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        rounded = {name: round(getattr(self, name), 4) for name in ("similarity", "probability", "overlap")}
        return {**asdict(self), "path": unicode_path(self.path), **rounded}


@dataclass(frozen=True, slots=True)
class Answer:
    """One function that was asked about, and what is like it, most similar first.

    Attributes:
        name: qualified by what surrounds it; `(text)` for a text in which no function was found.
        start_line: in the text that was asked about.
        end_line: inclusive.
        matches: at most as many as were asked for.
        tokens: how large it is.
        is_suppressed: a comment at the function asks for silence.
    """

    name: str
    start_line: int
    end_line: int
    matches: tuple[Match, ...]
    tokens: int = 0
    is_suppressed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        lines = {"name": self.name, "start_line": self.start_line, "end_line": self.end_line, "tokens": self.tokens}
        return {**lines, "matches": [match.to_dict() for match in self.matches]}


@dataclass(frozen=True, slots=True)
class Update:
    """What an update did.

    Attributes:
        judged: files that were read and encoded.
        removed: files that are gone.
        unchanged: files whose content was known.
        functions: in the index now.
        notes: files that were left out, and why.
        is_busy: another process was updating the index, so it was left as it was.
        is_partial: more files had changed than this update was allowed to read.
        unwritten: why nothing could be written, so that the index holds what it did; "" if all is well.
    """

    judged: int
    removed: int
    unchanged: int
    functions: int
    notes: tuple[Note, ...] = ()
    is_busy: bool = False
    is_partial: bool = False
    unwritten: str = ""
