"""What findings are called, the same in every format."""

from typing import Literal

from codewren.core.finding import Finding

SURE = 0.9

Level = Literal["error", "warning", "note"]


def level(finding: Finding) -> Level:
    """How loud a finding is: by its probability, and a class of clones is never an error."""
    if finding.probability >= SURE:
        return "warning" if finding.others else "error"
    return "note" if finding.others or finding.probability < 0.5 else "warning"


def message(finding: Finding) -> str:
    """One sentence about a finding."""
    name, probability = finding.place.name, f"probability {finding.probability:.2f}"
    if not finding.others:
        return f"{name} is judged {finding.label} ({probability})"
    others = "; ".join(f"{place.path}:{place.start_line} {place.name} ({place.kind})" for place in finding.others)
    what = "clone" if len(finding.others) == 1 else "clones"
    return f"{name} has {len(finding.others)} {finding.kind} {what} ({finding.label}, {probability}): {others}"
