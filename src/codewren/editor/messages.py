"""Findings in the words and types of the protocol."""

import os
import re
from collections.abc import Callable, Iterator

from lsprotocol import types
from pygls.uris import from_fs_path

from codewren.core.files import unicode_path
from codewren.editor.judging import EditorFinding, Judgement, TextSpan
from codewren.editor.positions import LineIndex, Position
from codewren.scan.finding import CloneKind, Location

SOURCE = "codewren"
LONGEST_HEADER_BYTES = 4_000
_NAME = re.compile(r"~?\w+\Z")

Lines = Callable[[str], LineIndex | None]
"""The text of an open file, by its path."""


def diagnostics(judgement: Judgement, lines_of: Lines) -> list[types.Diagnostic]:
    """One message a finding, and one for each comment that silences nothing."""
    lines = judgement.document.lines
    told = [_diagnostic(one, lines, lines_of) for one in judgement.findings]
    return told + [_complaint(line, text, lines) for line, text in judgement.complaints]


def message(found: EditorFinding) -> str:
    """One sentence; the places that it names are in the related information too."""
    finding = found.finding
    name, first = finding.location.name, next(iter(finding.others), None)
    if first is None:
        return f"{name} reads like {finding.label} code ({finding.probability:.0%}); a place to look at, no verdict"
    more = f" and of {len(finding.others) - 1} more" if len(finding.others) > 1 else ""
    return f"{name} is {_relation(first)} of {first.name} ({_place(first)}){more}"


def range_of(span: TextSpan, lines: LineIndex) -> types.Range:
    """A part of a document in the editor's positions."""
    return types.Range(_position(lines.position(span.start)), _position(lines.position(span.end)))


def name_span(span: TextSpan, name: str, lines: LineIndex) -> TextSpan:
    """Where a function's name stands in its header, or the header's first line."""
    header = lines.text[span.start : min(span.end, span.start + LONGEST_HEADER_BYTES)]
    simple = _NAME.search(name)
    match = simple and re.search(rb"(?<![\w~])" + re.escape(simple[0].encode()) + rb"(?!\w)\s*[(<:=]", header)
    if simple and match:
        start = span.start + match.start()
        return TextSpan(start, start + len(simple[0].encode()))
    return TextSpan(span.start, min(span.end, lines.line_stop(lines.line_of(span.start))))


def other_place(path: str, span: TextSpan, location: Location, lines_of: Lines) -> types.Location:
    """Where another function is: as the editor has it if the file is open, else by the lines on disk."""
    lines = lines_of(path)
    if lines is not None and span.end <= len(lines.text):
        return types.Location(uri_of(path), range_of(name_span(span, location.name, lines), lines))
    start = types.Position(location.start_line - 1, 0)
    return types.Location(uri_of(path), types.Range(start, start))


def uri_of(path: str) -> str:
    """The URI of a file; a text that is in none has its URI for a path."""
    return (from_fs_path(path) if os.path.isabs(path) else None) or path  # noqa: PTH117


def line_feed_offset(text: bytes, line: int) -> int:
    """First byte of a line, from 1, where only line feeds end lines."""
    offset = 0
    for _ in range(line - 1):
        offset = text.find(b"\n", offset) + 1
        if offset == 0:
            return len(text)
    return offset


def _diagnostic(found: EditorFinding, lines: LineIndex, lines_of: Lines) -> types.Diagnostic:
    finding = found.finding
    return types.Diagnostic(
        range=range_of(name_span(found.span, finding.location.name, lines), lines),
        message=message(found),
        severity=_severity(found),
        code=found.task.name,
        source=SOURCE,
        related_information=list(_related(found, lines_of)) or None,
        data={"fingerprint": finding.fingerprint},
    )


def _severity(found: EditorFinding) -> types.DiagnosticSeverity:
    """No error: what a small model says is a place to look at."""
    if not found.finding.others:
        return types.DiagnosticSeverity.Warning
    is_guess = found.finding.kind is CloneKind.SEMANTIC
    return types.DiagnosticSeverity.Hint if is_guess else types.DiagnosticSeverity.Information


def _related(found: EditorFinding, lines_of: Lines) -> Iterator[types.DiagnosticRelatedInformation]:
    for (path, span), location in zip(found.others, found.finding.others, strict=True):
        where = other_place(path, span, location, lines_of)
        yield types.DiagnosticRelatedInformation(where, f"{location.name} ({location.kind})")


def _complaint(line: int, text: str, lines: LineIndex) -> types.Diagnostic:
    start = line_feed_offset(lines.text, line)
    span = TextSpan(start, lines.line_stop(lines.line_of(start)))
    return types.Diagnostic(
        range=range_of(span, lines), message=text, severity=types.DiagnosticSeverity.Information, source=SOURCE
    )


def _relation(location: Location) -> str:
    if location.kind is CloneKind.EDITED:
        return f"an edited copy ({location.overlap:.0%} of the words)"
    articles = {CloneKind.EXACT: "an exact copy", CloneKind.RENAMED: "a renamed copy"}
    return articles.get(location.kind or CloneKind.SEMANTIC, "perhaps a rewriting")


def _place(location: Location) -> str:
    return f"{unicode_path(location.path)}:{location.start_line}"


def _position(position: Position) -> types.Position:
    return types.Position(position.line, position.character)
