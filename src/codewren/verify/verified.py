"""What a bundle says of the findings of another tool, and the order that follows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from codewren.core.errors import InputError
from codewren.core.files import unicode_path
from codewren.core.task import Task, Unit
from codewren.evidence.grade import UNKNOWN_WORTH, Evidence
from codewren.predict.correspondence import LineRange, corresponding_lines
from codewren.predict.explanation import Explainer, ReviewRanker
from codewren.scan.worth import untrained_remark
from codewren.syntax.file_names import language_of
from codewren.verify.finding_evidence import FindingEvidence
from codewren.verify.reported import Place, Reported
from codewren.verify.source_tree import Source, SourceTree, function_around, function_text, lines_text

if TYPE_CHECKING:
    from codewren.predict.predictor import AnyPredictor

_TOGETHER = 500  # functions


@dataclass(frozen=True, slots=True)
class Verified:
    """A finding of another tool, with what the bundle says of the function around it.

    Attributes:
        reported: the finding as the tool made it.
        paths: of its places, as they were found in the tree; as reported where they were not.
        function: name of the function around it, of copies that around the first; empty outside functions.
        probability: of the positive label; None where nothing could be judged.
        review_first: likelihood that the function will need a security fix, from models that rank functions by it.
        line_score: log-odds of the label that the reported line carries.
        correspondence: of copies, which lines of the second correspond to those of the first, counted in their files.
        evidence: what the call on the reported line shows; None where nothing is known of it.
        drop: why it would be dropped; empty for what is worth reading.
        unjudged: why nothing could be judged; empty where it was.
    """

    reported: Reported
    paths: tuple[str, ...]
    function: str = ""
    probability: float | None = None
    review_first: float | None = None
    line_score: float | None = None
    correspondence: tuple[LineRange, ...] = ()
    evidence: Evidence | None = None
    drop: str = ""
    unjudged: str = ""

    def evidence_order(self) -> tuple[bool, float, float, float, float]:
        """Sorts by what the call itself shows, then as the tool would, then by the model."""
        worth = UNKNOWN_WORTH if self.evidence is None else self.evidence.worth
        likelihood, line = -(self.probability or 0.0), -(self.line_score or 0.0)
        return bool(self.drop), -worth, -self.reported.weight, likelihood, line

    def order(self) -> tuple[bool, bool, float, float, float]:
        """Sorts what is worth reading first, then what was not judged, last what would be dropped.

        By probability; in one function by what the lines carry, then as the tool would. What to review first is no
        part of it: a line is no worse for standing in a long function.
        """
        likelihood, line = -(self.probability or 0.0), -(self.line_score or 0.0)
        return bool(self.drop), self.probability is None, likelihood, line, -self.reported.weight

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        reported = self.reported
        return {
            "tool": reported.tool,
            "rule": reported.rule,
            "severity": reported.severity,
            "message": reported.message,
            "fingerprint": reported.fingerprint or None,
            "places": [
                {"path": unicode_path(path), "line": place.line, "end_line": place.end_line}
                for path, place in zip(self.paths, reported.places, strict=True)
            ],
            "function": self.function or None,
            "probability": _rounded(self.probability),
            "review_first": _rounded(self.review_first),
            "line_score": _rounded(self.line_score),
            "correspondence": [one.to_dict() for one in self.correspondence],
            "evidence": None if self.evidence is None else self.evidence.to_dict(),
            "drop": self.drop or None,
            "unjudged": self.unjudged or None,
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def verify(
    findings: Sequence[Reported],
    tree: SourceTree,
    predictor: "AnyPredictor",
    *,
    threshold: float | None = None,
    order: Literal["evidence", "model"] = "evidence",
) -> list[Verified]:
    """Judge findings of other tools, most worth reading first.

    Args:
        findings: all of single places, or all of copies.
        tree: where their files are.
        predictor: of functions for places, of pairs for copies.
        threshold: at or below this probability a finding would be dropped.
        order: by evidence, where any finding has some, or by the model alone. By evidence, what is known to be harmless
            would be dropped, and by the model's word nothing without a `threshold`. By the model, and for copies,
            the bundle's decision threshold is the default; a model that ranks functions by what to review first
            drops nothing.

    Raises:
        InputError: the model judges pairs and the findings are none, or the other way round.
    """
    is_pair = predictor.task.unit is Unit.PAIR
    for finding in findings:
        if finding.is_duplicate != is_pair:
            raise InputError(
                f"{finding.tool} reports {'copies' if finding.is_duplicate else 'single places'}, and the model judges "
                f"{predictor.task.unit}s; give --model {'clones' if finding.is_duplicate else 'vulnerability-c'}"
            )
    judged = list(_pairs(findings, tree, predictor) if is_pair else _functions(findings, tree, predictor))
    if order == "evidence" and not is_pair:
        known = FindingEvidence(tree)
        places = [(one.reported.places[0].path, one.reported.places[0].line) for one in judged]
        for number in sorted(range(len(judged)), key=places.__getitem__):  # those of a function one after another
            judged[number] = replace(judged[number], evidence=known.of(judged[number].reported))
        if any(one.evidence for one in judged):
            kept = (_without_harm(_with_drop(one, predictor, threshold or 0.0)) for one in judged)
            return sorted(kept, key=Verified.evidence_order)
    least = threshold
    if least is None:
        least = 0.0 if isinstance(predictor, ReviewRanker) else predictor.bundle.decision.threshold
    return sorted((_with_drop(one, predictor, least) for one in judged), key=Verified.order)


def untrained(verified: Sequence[Verified], task: Task) -> str:
    """A warning where code was judged in a language that the model has never seen; else empty."""
    judged = (one.paths[0] for one in verified if one.probability is not None)
    return untrained_remark(task, {language for path in judged if (language := language_of(path, ("c",)))})


def _without_harm(verified: Verified) -> Verified:
    if verified.evidence is None or not verified.evidence.is_harmless:
        return verified
    return replace(verified, drop=f"{verified.evidence.call}: {verified.evidence.sentence}")


def _with_drop(verified: Verified, predictor: "AnyPredictor", least: float) -> Verified:
    if verified.probability is None or verified.probability > least:
        return verified
    task, figure = predictor.task, f"{verified.probability:.2f}, not above {least:.2f}"
    what = "the two places are" if task.unit is Unit.PAIR else f"{verified.function} is"
    other = next(label for label in task.labels if label != task.positive) if len(task.labels) == 2 else "another"
    return replace(verified, drop=f"{what} judged {other} ({task.positive} {figure})")


def _functions(findings: Sequence[Reported], tree: SourceTree, predictor: "AnyPredictor") -> Iterator[Verified]:
    """Findings with what the model says of the function around each; each function is judged once."""
    for start in range(0, len(findings), _TOGETHER):
        batch = findings[start : start + _TOGETHER]
        located = [_located(finding, tree) for finding in batch]
        functions = {(text, language): None for _, text, language, _ in located if text}
        scores = _scores(list(functions), predictor)
        for verified, text, language, first_line in located:
            if not text:
                yield verified
                continue
            score = scores[text, language]
            line = verified.reported.places[0].line - first_line
            yield replace(
                verified,
                probability=score.probability,
                review_first=score.review_first,
                line_score=score.lines[line] if score.lines else None,
            )


@dataclass(frozen=True, slots=True)
class _Score:
    probability: float
    review_first: float | None
    lines: tuple[float, ...]


def _scores(functions: Sequence[tuple[str, str]], predictor: "AnyPredictor") -> dict[tuple[str, str], _Score]:
    texts, languages = [text for text, _ in functions], [language for _, language in functions]
    positive = predictor.task.positive_index
    rows = predictor.predict_proba(texts, languages=languages)
    reviews = predictor.review_first(texts) if isinstance(predictor, ReviewRanker) else []
    explanations = predictor.explain(texts, languages=languages) if isinstance(predictor, Explainer) else []
    return {
        function: _Score(
            rows[number][positive],
            reviews[number] if reviews else None,
            tuple(line.score for line in explanations[number].lines) if explanations else (),
        )
        for number, function in enumerate(functions)
    }


def _located(finding: Reported, tree: SourceTree) -> tuple[Verified, str, str, int]:
    """The finding, and the text, language and first line of the function around it; no text where there is none."""
    place = finding.places[0]
    source = tree.read(place.path)
    if source.reason:
        return Verified(finding, (source.path,), unjudged=source.reason), "", "", 0
    function = function_around(source, place.line)
    if function is None:
        return Verified(finding, (source.path,), unjudged="outside of functions"), "", "", 0
    text = function_text(source, function)
    return Verified(finding, (source.path,), function.name), text, source.language, function.start_line


def _pairs(findings: Sequence[Reported], tree: SourceTree, predictor: "AnyPredictor") -> Iterator[Verified]:
    """Copies with what the model says of the functions around the first two places, or of their lines outside any."""
    positive = predictor.task.positive_index
    for finding in findings:
        sources = [tree.read(place.path) for place in finding.places]
        paths = tuple(source.path for source in sources)
        reason = next((source.reason for source in sources[:2] if source.reason), "")
        if reason:
            yield Verified(finding, paths, unjudged=reason)
            continue
        first, second = (
            _fragment(source, place) for source, place in zip(sources[:2], finding.places[:2], strict=True)
        )
        languages = [sources[0].language]
        (row,) = predictor.predict_proba([(first.text, second.text)], languages=languages)
        ranges = corresponding_lines(first.text, second.text, sources[0].language)
        yield Verified(
            finding,
            paths,
            first.name,
            probability=row[positive],
            correspondence=tuple(
                LineRange(one.first + first.line - 1, one.second + second.line - 1, one.lines, one.relation)
                for one in ranges
            ),
        )


@dataclass(frozen=True, slots=True)
class _Fragment:
    name: str
    text: str
    line: int


def _fragment(source: Source, place: Place) -> _Fragment:
    """The function that holds most of the lines of a place, or the lines themselves where none holds half of them."""

    def held(start: int, end: int) -> int:
        return min(end, place.end_line) - max(start, place.line) + 1

    best = max(source.functions, key=lambda one: held(one.start_line, one.end_line), default=None)
    if best is None or 2 * held(best.start_line, best.end_line) < place.end_line - place.line + 1:
        return _Fragment("", lines_text(source, place.line, place.end_line), place.line)
    return _Fragment(best.name, function_text(source, best), best.start_line)
