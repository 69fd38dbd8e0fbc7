"""Findings as annotations in the log of a GitHub Actions job.

Source: docs.github.com, "Workflow commands for GitHub Actions". GitHub shows the first ten annotations of a step
and kind, and fifty of a job.
"""

from codewren.scan.finding import Finding
from codewren.scan.formats.origin import Origin
from codewren.scan.formats.wording import level, message
from codewren.scan.result import ScanResult

MAX_ANNOTATIONS = 50


def left_out(result: ScanResult) -> list[str]:
    """What the format cannot hold."""
    more = len(result.findings) - MAX_ANNOTATIONS
    return [f"annotations are the {MAX_ANNOTATIONS} most probable findings; {more} are left out"] if more > 0 else []


def render(result: ScanResult, origin: Origin) -> str:
    """One workflow command a finding, the `MAX_ANNOTATIONS` most probable ones first.

    An explained finding stands at the line that speaks most for it, others at their function.
    """
    ordered = sorted(result.findings, key=lambda finding: -finding.probability)[:MAX_ANNOTATIONS]
    return "".join(_command(finding, origin) for finding in ordered)


def _command(finding: Finding, origin: Origin) -> str:
    location = finding.location
    strongest = finding.explanation.lines[:1] if finding.explanation and finding.explanation.lines else ()
    first, last = (strongest[0].line,) * 2 if strongest else location.file_lines
    properties = {
        "file": origin.relative(location.path) or location.path,
        "line": str(first),
        "endLine": str(last),
        "title": f"codewren: {finding.label} {finding.probability:.2f}",
    }
    listed = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    return f"::{level(finding).replace('note', 'notice')} {listed}::{_escaped(message(finding), '')}\n"


def _escaped(text: str, more: str) -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
