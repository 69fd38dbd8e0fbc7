"""The texts that are open in the editor, as its edits made them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from codewren.editor.positions import Encoding, LineIndex, Position


class Edit(NamedTuple):
    """A text that replaces another: a range of the document, or all of it where `start` is None."""

    text: str
    start: Position | None = None
    end: Position | None = None


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """One version of a text.

    Attributes:
        uri: what the editor calls it.
        path: of the file; None for a text that is in none.
        language: one of `codewren.syntax.grammars.LANGUAGES`.
        version: grows with every edit.
        lines: the text, UTF-8, by lines.
    """

    uri: str
    path: str | None
    language: str
    version: int
    lines: LineIndex

    @property
    def text(self) -> bytes:
        """The text, UTF-8."""
        return self.lines.text


@dataclass(slots=True)
class OpenDocuments:
    """All open texts of languages that can be judged, by URI."""

    encoding: Encoding = "utf-16"
    by_uri: dict[str, OpenDocument] = field(default_factory=dict)

    def open(self, uri: str, path: str | None, language: str, *, version: int, text: str) -> OpenDocument:
        """Take a document."""
        document = OpenDocument(uri, path, language, version, LineIndex(encoded(text), self.encoding))
        self.by_uri[uri] = document
        return document

    def change(self, uri: str, version: int, edits: Iterable[Edit]) -> OpenDocument | None:
        """Apply edits in order; None for a document that is not open here."""
        document = self.by_uri.get(uri)
        if document is None:
            return None
        lines = document.lines
        for edit in edits:
            lines = LineIndex(_applied(lines, edit), self.encoding)
        changed = OpenDocument(uri, document.path, document.language, version, lines)
        self.by_uri[uri] = changed
        return changed

    def close(self, uri: str) -> None:
        """Forget a document."""
        self.by_uri.pop(uri, None)


def encoded(text: str) -> bytes:
    """A text as UTF-8; half a surrogate pair, which JSON can hold, becomes a character of the same width in UTF-16."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text).encode()


def _applied(lines: LineIndex, edit: Edit) -> bytes:
    if edit.start is None or edit.end is None:
        return encoded(edit.text)
    first, last = sorted((lines.offset(edit.start), lines.offset(edit.end)))
    return lines.text[:first] + encoded(edit.text) + lines.text[last:]
