"""Findings for people: one line a function, one block a class of clones."""

from codewren.scan.finding import Finding, Place
from codewren.scan.formats.origin import Origin, printable
from codewren.scan.formats.wording import SURE
from codewren.scan.result import ScanResult

_BOLD, _RED, _YELLOW, _DIM, _RESET = "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"


def render(result: ScanResult, origin: Origin) -> str:
    """All findings, ending with a line break; empty when there are none."""
    text = "".join(_clones(one) if one.others else _function(one) for one in result.findings)
    if origin.colour:
        return text
    for code in (_BOLD, _RED, _YELLOW, _DIM, _RESET):
        text = text.replace(code, "")
    return text


def _function(finding: Finding) -> str:
    place = finding.place
    return f"{_where(place)}: {_verdict(finding)} {printable(place.name)} {_DIM}({_lines(place)}){_RESET}\n"


def _clones(finding: Finding) -> str:
    rows = [f"{_verdict(finding)}: {len(finding.places)} functions, {finding.kind}"]
    for place in finding.places:
        details = f"{_lines(place)}, {place.kind}" if place.kind else _lines(place)
        rows.append(f"  {_where(place)} {printable(place.name)} {_DIM}({details}){_RESET}")
    return "\n".join(rows) + "\n"


def _where(place: Place) -> str:
    return f"{_BOLD}{printable(place.path)}{_RESET}:{place.start_line}"


def _verdict(finding: Finding) -> str:
    colour = _RED if finding.probability >= SURE else _YELLOW
    return f"{colour}{printable(finding.label)} {finding.probability:.2f}{_RESET}"


def _lines(place: Place) -> str:
    return "1 line" if place.lines == 1 else f"{place.lines} lines"
