"""Findings for people: one line a function, one block a class of clones."""

from collections.abc import Iterator

from codewren.predict.correspondence import range_rows
from codewren.scan.finding import Finding, FindingExplanation, Location
from codewren.scan.formats.origin import Origin, printable
from codewren.scan.formats.wording import SURE, sentences
from codewren.scan.result import ScanResult

_BOLD, _RED, _GREEN, _YELLOW, _DIM, _RESET = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"


def render(result: ScanResult, origin: Origin) -> str:
    """All findings, ending with a line break; empty when there are none."""
    text = "".join(_clones(finding) if finding.others else _function(finding) for finding in result.findings)
    return text if origin.colour else plain(text)


def plain(text: str) -> str:
    """The text without colours."""
    for code in (_BOLD, _RED, _GREEN, _YELLOW, _DIM, _RESET):
        text = text.replace(code, "")
    return text


def _function(finding: Finding) -> str:
    location = finding.location
    head = f"{_where(location)}: {_verdict(finding)} {printable(location.name)} {_DIM}({_lines(location)}){_RESET}"
    return "\n".join((head, *explanation_rows(finding.explanation))) + "\n"


def explanation_rows(explanation: FindingExplanation | None) -> Iterator[str]:
    """The lines that speak for a finding, and a sentence; nothing where they were not asked for."""
    if explanation is None or explanation.lines is None:
        return
    width = max((len(str(line.line)) for line in explanation.lines), default=0)
    for line in explanation.lines:
        yield f"    {line.line:{width}}  {_YELLOW}{line.weight:<7}{_RESET}  {printable(line.text)}"
    for sentence in sentences(explanation):
        yield f"    {_DIM}{printable(sentence)}{_RESET}"


def _clones(finding: Finding) -> str:
    saved = "1 line" if finding.saved_lines == 1 else f"{finding.saved_lines} lines"
    rows = [f"{_verdict(finding)}: {len(finding.locations)} functions, {finding.kind}, {saved} to save"]
    for location in finding.locations:
        details = [_lines(location)] + [str(location.kind)] * (location.kind is not None)
        details += [f"and {location.copies} {'copy' if location.copies == 1 else 'copies'}"] * (location.copies > 0)
        rows.append(f"  {_where(location)} {printable(location.name)} {_DIM}({', '.join(details)}){_RESET}")
        rows += _differences(location)
        rows += (f"    {_DIM}{row}{_RESET}" for row in range_rows(location.correspondence or ()))
    return "\n".join(rows) + "\n"


def _differences(location: Location) -> Iterator[str]:
    """The lines that differ from the first location; nothing where most of them do."""
    differences = location.differences
    if differences is None or differences.lines > location.lines / 2:
        return
    for line in differences.shown:
        yield f"    {_GREEN if line.startswith('+') else _RED}{printable(line)}{_RESET}"
    left_out = differences.lines - max(1, (len(differences.shown) + 1) // 2)
    if left_out > 0:
        yield f"    {_DIM}… {left_out} more{_RESET}"


def _where(location: Location) -> str:
    return f"{_BOLD}{printable(location.path)}{_RESET}:{location.line_text}"


def _verdict(finding: Finding) -> str:
    colour = _RED if finding.probability >= SURE else _YELLOW
    review = "" if finding.review_first is None else f", review first {finding.review_first:.2f}"
    return f"{colour}{printable(finding.label)} {finding.probability:.2f}{_RESET}{review}"


def _lines(location: Location) -> str:
    return "1 line" if location.lines == 1 else f"{location.lines} lines"
