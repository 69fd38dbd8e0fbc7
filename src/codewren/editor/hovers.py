"""What is shown where the pointer rests on the name of a function with a finding."""

import re
from collections.abc import Iterator
from dataclasses import replace

from codewren.core.errors import CodewrenError
from codewren.editor.judging import EditorFinding, Judgement, Judges
from codewren.editor.messages import Lines, line_feed_offset, message, name_span
from codewren.editor.positions import Position
from codewren.predict.correspondence import corresponding_lines, range_rows
from codewren.predict.predictor import Predictor
from codewren.scan.source_lines import line_reader

MOST_LINES = 5
LONGEST_LINE = 100
"""Characters of a line that is quoted."""
MOST_EXPLAINED_BYTES = 50_000
"""Of one function: explaining takes as many judgements as it has lines."""
MOST_PLACES = 5
HEADINGS = (
    "Lines that a patch would most likely change:",
    "Lines that carry the score (log-odds that are lost without the line):",
)
"""Of models that learned what patches change, and of others."""
_MARKUP = re.compile(r"[\\`*\[\]<>#]|(?<![^\W_])_|_(?![^\W_])")  # an underscore inside a word is none


def hover_text(judges: Judges, judgement: Judgement, position: Position, lines_of: Lines) -> str:
    """Markdown about the functions whose name is on a line; "" where there is no finding."""
    lines = judgement.document.lines
    texts = []
    for found in judgement.findings:
        name = name_span(found.span, found.finding.location.name, lines)
        if lines.position(name.start).line == position.line:
            texts.append("\n".join(_paragraphs(judges, judgement, found, lines_of)))
    return "\n\n---\n\n".join(texts)


def _paragraphs(judges: Judges, judgement: Judgement, found: EditorFinding, lines_of: Lines) -> Iterator[str]:
    yield f"**codewren** {_escaped(message(found))}"
    if found.finding.others:
        yield ""
        for other in found.finding.others[:MOST_PLACES]:
            yield f"- {other.kind}: `{_quoted(other.name)}` {_escaped(f'{other.path}:{other.start_line}')}"
        yield from _corresponding_lines(judgement, found, lines_of)
        return
    model = next((model for model in judges.models if model.judge.task == found.task), None)
    if (
        model is not None
        and isinstance(model.predictor, Predictor)
        and found.span.end - found.span.start <= MOST_EXPLAINED_BYTES
    ):
        yield from _strongest_lines(model.predictor, judgement, found)


def _corresponding_lines(judgement: Judgement, found: EditorFinding, lines_of: Lines) -> Iterator[str]:
    """Which lines of a function are those of its closest clone."""
    (path, span), other = found.others[0], found.finding.others[0]
    opened = lines_of(path)
    if opened is not None and span.end <= len(opened.text):
        theirs = opened.text[span.start : span.end].decode("utf-8", "replace")
    else:
        theirs = "\n".join(line_reader()(replace(other, path=path)))
    document = judgement.document
    ours = document.text[found.span.start : found.span.end].decode("utf-8", "replace")
    if max(len(ours), len(theirs)) > MOST_EXPLAINED_BYTES:
        return
    start, other_start = found.finding.location.start_line - 1, other.start_line - 1
    ranges = [
        replace(one, first=one.first + start, second=one.second + other_start)
        for one in corresponding_lines(ours, theirs, document.language)
    ]
    if ranges:
        yield ""
        yield f"Lines here and in `{_quoted(other.name)}`: {'; '.join(range_rows(ranges[:MOST_LINES]))}"


def _strongest_lines(predictor: Predictor, judgement: Judgement, found: EditorFinding) -> Iterator[str]:
    """The lines that carry most of the score, and the sentence of the model where it has one."""
    document = judgement.document
    text = document.text[found.span.start : found.span.end].decode("utf-8", "replace")
    try:
        explanation = predictor.explain([text], languages=[document.language])[0]
    except CodewrenError:
        return
    if explanation.evidence:
        yield ""
        yield explanation.evidence  # quotes code as Markdown does
    strongest = explanation.strongest(MOST_LINES)
    if strongest:
        yield ""
        yield HEADINGS[strongest[0].likelihood is None]
        yield ""
    written = text.split("\n")
    for line in strongest:
        first = line_feed_offset(document.text, found.finding.location.start_line + line.line - 1)
        number = document.lines.position(first).line + 1
        yield f"- line {number} ({line.weight}): `{_quoted(written[line.line - 1].strip())}`"


def _quoted(text: str) -> str:
    return text[:LONGEST_LINE].replace("`", "'")


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", text)
