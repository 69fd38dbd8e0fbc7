"""What findings are called, the same in every format."""

from collections.abc import Iterator
from typing import Literal

from codewren.core.files import unicode_path
from codewren.scan.finding import Finding, FindingExplanation

SURE = 0.9
MOST_NAMED = 10  # other members of a class of clones in one message
LONGEST_MESSAGE = 4_000  # characters

Level = Literal["error", "warning", "note"]


def level(finding: Finding) -> Level:
    """How loud a finding is: by its probability, and a class of clones is never an error."""
    if finding.probability >= SURE:
        return "warning" if finding.others else "error"
    return "note" if finding.others or finding.probability < 0.5 else "warning"


def sentences(explanation: FindingExplanation | None) -> Iterator[str]:
    """What an explanation says in words."""
    if explanation is None:
        return
    if explanation.kind:
        yield f"kind of weakness: {explanation.kind}"
    if explanation.evidence:
        yield explanation.evidence
    if explanation.is_cut:
        yield f"the model read the first {explanation.tokens_read:,} of {explanation.tokens_total:,} tokens"


def message(finding: Finding) -> str:
    """One sentence about a finding."""
    name, probability = finding.location.name, f"probability {finding.probability:.2f}"
    if not finding.others:
        review = "" if finding.review_first is None else f", review first {finding.review_first:.2f}"
        head = f"{name} is judged {finding.label} ({probability}{review})"
        return "; ".join((head, *sentences(finding.explanation)))[:LONGEST_MESSAGE]
    named = [
        f"{unicode_path(location.path)}:{location.line_text} {location.name} ({location.kind})"
        for location in finding.others[:MOST_NAMED]
    ]
    unnamed = len(finding.others) - len(named)
    others = "; ".join([*named, f"and {unnamed} more"] if unnamed else named)
    what = "clone" if len(finding.others) == 1 else "clones"
    head = f"{name} has {len(finding.others)} {finding.kind} {what} ({finding.label}, {probability})"
    text = f"{head}: {others}"
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
