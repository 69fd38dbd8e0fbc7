"""What an editor offers at a finding: silence it, make it known, open the other place."""

import re
from collections.abc import Iterator, Sequence

from lsprotocol import types

from codewren.editor.judging import EditorFinding, Judgement
from codewren.editor.messages import name_span, range_of
from codewren.editor.open_documents import OpenDocument

ADD_TO_BASELINE = "codewren.addToBaseline"
OPEN_OTHER = "codewren.openOther"
MOST_OFFERED = 3
"""Other places that are offered to be opened."""
_INDENT = re.compile(rb"[ \t\f]*")


def code_actions(judgement: Judgement, wanted: types.Range, *, can_show: bool, baseline: str) -> list[types.CodeAction]:
    """The actions for findings whose message touches a range; `can_show` says that the editor opens places."""
    actions: list[types.CodeAction] = []
    for found in judgement.findings:
        lines = judgement.document.lines
        shown = range_of(name_span(found.span, found.finding.location.name, lines), lines)
        if _touches(shown, wanted):
            actions += _actions(judgement.document, found, can_show=can_show, baseline=baseline)
    return actions


def _actions(
    document: OpenDocument, found: EditorFinding, *, can_show: bool, baseline: str
) -> Iterator[types.CodeAction]:
    name, task = found.finding.location.name, found.task.name
    edit = types.WorkspaceEdit(changes={document.uri: [silencing_edit(document, found)]})
    yield types.CodeAction(f"Silence {name} here (codewren: ignore[{task}])", types.CodeActionKind.QuickFix, edit=edit)
    arguments = [document.uri, found.finding.fingerprint]
    if baseline:
        yield _command(f"Add {name} to the known findings in {baseline}", ADD_TO_BASELINE, arguments)
    if can_show:
        for number, other in enumerate(found.finding.others[:MOST_OFFERED]):
            title = f"Open {other.name} ({other.path}:{other.start_line})"
            yield _command(title, OPEN_OTHER, [*arguments, number])


def silencing_edit(document: OpenDocument, found: EditorFinding) -> types.TextEdit:
    """A comment on a line of its own right above the function, indented as it is."""
    lines = document.lines
    line = lines.line_of(found.span.start)
    start, stop = lines.line_start(line), lines.line_stop(line)
    indent = _INDENT.match(lines.text, start, stop)
    end = lines.text[stop : stop + 2]
    line_end = "\r\n" if end == b"\r\n" else "\n"
    comment = _comment(document.language, f"codewren: ignore[{found.task.name}]")
    position = types.Position(line, 0)
    text = f"{indent[0].decode() if indent else ''}{comment}{line_end}"
    return types.TextEdit(types.Range(position, position), text)


def _comment(language: str, text: str) -> str:
    if language == "python":
        return f"# {text}"
    return f"/* {text} */" if language == "c" else f"// {text}"


def _command(title: str, command: str, arguments: Sequence[str | int]) -> types.CodeAction:
    return types.CodeAction(
        title, types.CodeActionKind.QuickFix, command=types.Command(title, command, arguments=list(arguments))
    )


def _touches(first: types.Range, second: types.Range) -> bool:
    return first.start <= second.end and second.start <= first.end
