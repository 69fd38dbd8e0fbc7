"""What in a function speaks for a finding: its lines, and how much of it the model read."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from codewren.core.errors import InputError
from codewren.predict.explanation import Explainer, Explanation, TokenCounter
from codewren.scan.finding import Finding, FindingExplanation, Location, TellingLine
from codewren.scan.record import text_fingerprint
from codewren.scan.result import fingerprint
from codewren.scan.source_files import read_bytes
from codewren.scan.source_text import source_text
from codewren.syntax.file_names import language_of

if TYPE_CHECKING:
    from codewren.predict.predictor import AnyPredictor

MOST_LINES = 5
LONGEST_LINE = 200
_TOGETHER = 200  # functions
_FILES_KEPT = 20


def with_explanations(findings: Sequence[Finding], predictor: "AnyPredictor") -> list[Finding]:
    """The findings; those of functions say which lines speak for them.

    A function that has changed since the scan is not explained.

    Raises:
        InputError: the model explains nothing.
    """
    if not isinstance(predictor, Explainer):
        raise InputError(f"the model judges {predictor.task.unit}s and explains no lines; leave --explain out")

    explained = list(findings)
    for label in dict.fromkeys(finding.label for finding in findings):
        indices = [index for index, finding in enumerate(findings) if finding.label == label]
        explain = _explain_with(_about(predictor, label))
        for index, finding in zip(indices, _explained([findings[index] for index in indices], explain), strict=True):
            explained[index] = finding
    return explained


def _about(predictor: Explainer, label: str) -> Explainer:
    """What explains a label: students have others than the positive one."""
    from codewren.predict.predictor import Predictor

    if isinstance(predictor, Predictor) and label != predictor.task.positive:
        return predictor.about(label)
    return predictor


def _explain_with(explainer: Explainer) -> "_Explain":
    def explain(texts: list[str], locations: list[Location]) -> list[FindingExplanation]:
        languages = [language_of(location.path, ()) or "" for location in locations]
        explanations = explainer.explain(texts, languages=languages)
        rows = zip(explanations, texts, locations, strict=True)
        return [in_file(explanation, text, location.start_line) for explanation, text, location in rows]

    return explain


def with_token_counts(findings: Sequence[Finding], predictor: "AnyPredictor") -> list[Finding]:
    """The findings; those of functions say how much of the function the model read."""
    if not isinstance(predictor, TokenCounter):
        return list(findings)

    def count(texts: list[str], _: list[Location]) -> list[FindingExplanation]:
        return [FindingExplanation(read, total) for read, total in predictor.count_tokens(texts)]

    return list(_explained(findings, count))


_Explain = Callable[[list[str], list[Location]], list[FindingExplanation]]


def _explained(findings: Sequence[Finding], explain: _Explain) -> Iterator[Finding]:
    read = lru_cache(_FILES_KEPT)(_source)
    for start in range(0, len(findings), _TOGETHER):
        batch = findings[start : start + _TOGETHER]
        texts = [_text(finding, read) for finding in batch]
        readable = [(text, finding.location) for text, finding in zip(texts, batch, strict=True) if text is not None]
        explanations = iter(explain([text for text, _ in readable], [location for _, location in readable]))
        for text, finding in zip(texts, batch, strict=True):
            yield finding if text is None else replace(finding, explanation=next(explanations))


def in_file(explanation: Explanation, text: str, start_line: int) -> FindingExplanation:
    """The explanation of a function whose text begins at a line of a file."""
    lines = text.split("\n")
    telling = [
        TellingLine(
            start_line + line.line - 1, line.score, lines[line.line - 1].strip()[:LONGEST_LINE], line.likelihood
        )
        for line in explanation.strongest(len(lines))
        if any(character.isalnum() for character in lines[line.line - 1])
    ][:MOST_LINES]
    counts = explanation.tokens_read, explanation.tokens_total
    return FindingExplanation(*counts, tuple(telling), explanation.kind, explanation.evidence_from(start_line))


def _text(finding: Finding, read: Callable[[str], bytes]) -> str | None:
    """The function as it was judged; None where it is another one by now."""
    if finding.location.span is None:
        return None
    start, end = finding.location.span
    text = read(finding.location.path)[start:end].decode("utf-8", "replace")
    return text if fingerprint(finding.label, [text_fingerprint(text)]) == finding.fingerprint else None


def _source(path: str) -> bytes:
    try:
        return source_text(read_bytes(path, sys.maxsize), language_of(path, ()) or "")
    except (OSError, InputError):
        return b""
