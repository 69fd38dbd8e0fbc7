"""Findings as SARIF 2.1.0, for code scanning.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", errata 01. GitHub takes at most 5,000
results of a run (docs.github.com, "SARIF support for code scanning").
"""

import json
import os
from collections import Counter
from typing import Any
from urllib.parse import quote_from_bytes

from codewren.core.task import Task, Unit
from codewren.predict.correspondence import range_rows
from codewren.scan.finding import Finding, Location, TellingLine
from codewren.scan.formats.origin import Origin
from codewren.scan.formats.wording import level, message
from codewren.scan.result import ScanResult
from codewren.scan.source_files import Note

MAX_RESULTS = 5_000
MAX_NOTIFICATIONS = 1_000
MAX_RELATED = 100  # places of a result that GitHub shows; it refuses a file where one has more than 1,000
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "SRCROOT"


def render(result: ScanResult, origin: Origin) -> str:
    """One run; of more than `MAX_RESULTS` findings the most probable, with a notification of how many were dropped."""
    kept = sorted(result.findings, key=lambda finding: -finding.probability)[:MAX_RESULTS]
    kept.sort(key=lambda finding: (finding.location.path, finding.location.start_line))
    driver = {
        "name": "codewren",
        "semanticVersion": origin.version,
        "rules": [_rule(result.task, label) for label in _labels(result)],
        "properties": {"model": origin.model, "modelSha256": origin.sha256},
    }
    seen: Counter[str] = Counter()
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"codewren/{result.task.name}/"},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {"executionSuccessful": not result.gaps, "toolExecutionNotifications": _notifications(result, origin)}
        ],
        "results": [_result(finding, result, origin, seen) for finding in kept],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def left_out(result: ScanResult) -> list[str]:
    """What the format cannot hold."""
    dropped = len(result.findings) - MAX_RESULTS
    large = sum(len(finding.others) > MAX_RELATED for finding in result.findings)
    texts = [f"SARIF holds the {MAX_RESULTS} most probable findings; {dropped} are left out"] if dropped > 0 else []
    texts += [f"SARIF holds {MAX_RELATED} related places of a finding; {large} findings have more"] if large else []
    return texts


def _labels(result: ScanResult) -> tuple[str, ...]:
    """The labels that findings have; each is a rule."""
    return result.labels or (result.task.positive,)


def _rule(task: Task, label: str) -> dict[str, Any]:
    what = "Functions that do the same" if task.unit is Unit.PAIR else f"A function judged {label}"
    return {
        "id": _rule_id(task, label),
        "name": label.title().replace(" ", ""),
        "shortDescription": {"text": f"{what}."},
        "fullDescription": {"text": f"{what} by a small neural network trained for the task {task.name!r}."},
        "help": {"text": f"A comment 'codewren: ignore[{task.name}]' above the function silences this finding."},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["codewren", task.name]},
    }


def _rule_id(task: Task, label: str) -> str:
    """The task's name; of another label than the positive one also that label's."""
    own = "" if label == task.positive else f"/{quote_from_bytes(label.encode())}"
    return f"codewren/{task.name}{own}"


def _result(finding: Finding, result: ScanResult, origin: Origin, seen: Counter[str]) -> dict[str, Any]:
    seen[finding.fingerprint] += 1
    value = {
        "ruleId": _rule_id(result.task, finding.label),
        "ruleIndex": _labels(result).index(finding.label),
        "level": level(finding),
        "message": {"text": message(finding)},
        "locations": [_location(finding.location, origin)],
        "partialFingerprints": {"codewren/v1": f"{finding.fingerprint}:{seen[finding.fingerprint]}"},
        "rank": round(100 * finding.probability, 2),
        "properties": _properties(finding),
    }
    if finding.explanation and finding.explanation.lines:
        value["relatedLocations"] = [
            _line(number, line, finding.location, origin) for number, line in enumerate(finding.explanation.lines, 1)
        ]
    if finding.others:
        value["relatedLocations"] = [
            {"id": index, "message": {"text": _clone_message(location)}, **_location(location, origin)}
            for index, location in enumerate(finding.others[:MAX_RELATED], 1)
        ]
    return value


def _clone_message(location: Location) -> str:
    """How a clone relates to the first one, and which of their lines correspond, first one first."""
    return "; ".join([f"{location.kind} clone", *range_rows(location.correspondence or ())])


def _properties(finding: Finding) -> dict[str, Any]:
    """What has no place of its own in the standard; what is not known is left out."""
    explanation = finding.explanation
    values = {
        "probability": round(finding.probability, 6),
        "kind": finding.kind,
        "reviewFirst": None if finding.review_first is None else round(finding.review_first, 6),
        "tokensRead": explanation and explanation.tokens_read,
        "tokensTotal": explanation and explanation.tokens_total,
        "weakness": explanation and explanation.kind,
    }
    return {name: value for name, value in values.items() if value is not None}


def _line(number: int, line: TellingLine, location: Location, origin: Origin) -> dict[str, Any]:
    """A line that speaks for the finding."""
    return {
        "id": number,
        "message": {"text": f"carries {line.weight}: {line.text}"},
        "physicalLocation": {
            "artifactLocation": _artifact(location.path, origin),
            "region": {"startLine": line.line, "endLine": line.line},
        },
    }


def _location(location: Location, origin: Origin) -> dict[str, Any]:
    first, last = location.file_lines
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(location.path, origin),
            "region": {"startLine": first, "endLine": last},
        },
        "logicalLocations": [{"fullyQualifiedName": location.name, "kind": "function"}],
    }


def _artifact(path: str, origin: Origin) -> dict[str, Any]:
    """A relative URI below the root; a file outside the root keeps its whole path."""
    relative = origin.relative(path)
    if relative is None:
        absolute = os.path.abspath(path).replace(os.sep, "/")  # noqa: PTH100
        return {"uri": "file://" + quote_from_bytes(os.fsencode("/" + absolute.lstrip("/")), "/")}
    return {"uri": quote_from_bytes(os.fsencode(relative), "/"), "uriBaseId": _ROOT}


def _notifications(result: ScanResult, origin: Origin) -> list[dict[str, Any]]:
    texts = [f"incomplete scan: {gap}" for gap in result.gaps[:MAX_NOTIFICATIONS]]
    texts += [*result.remarks, *left_out(result)]
    if len(result.notes) > MAX_NOTIFICATIONS:
        texts.append(f"{len(result.notes) - MAX_NOTIFICATIONS} more files were skipped")
    skipped = [_skipped(note, origin) for note in result.notes[:MAX_NOTIFICATIONS]]
    return [{"level": "warning", "message": {"text": text}} for text in texts] + skipped


def _skipped(note: Note, origin: Origin) -> dict[str, Any]:
    location = {"physicalLocation": {"artifactLocation": _artifact(note.path, origin)}}
    return {"level": "note", "message": {"text": f"skipped: {note.reason}"}, "locations": [location]}
