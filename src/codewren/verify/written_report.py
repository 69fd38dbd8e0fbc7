"""What `codewren verify` writes: text for people, JSON, and SARIF that keeps all that the tool said."""

import copy
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote_from_bytes

from codewren.core.files import unicode_path
from codewren.core.task import Task
from codewren.predict.correspondence import range_rows
from codewren.scan.formats.origin import Origin, printable
from codewren.verify.reported import Report
from codewren.verify.verified import Verified, untrained

VERSION = 1
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LONGEST_MESSAGE = 200  # characters, in text
_MOST_RANGES = 3  # in text


def render_text(verified: Sequence[Verified]) -> str:
    """Two or three lines a finding, best first, then what would be dropped and why."""
    rows = [row for one in verified if not one.drop for row in _rows(one)]
    dropped = [one for one in verified if one.drop]
    if dropped:
        rows.append(f"would be dropped ({len(dropped)}):")
        rows += [f"  {row}" for one in dropped for row in (*_rows(one), f"  {printable(one.drop)}")]
    return "".join(f"{row}\n" for row in rows)


def _rows(verified: Verified) -> Iterator[str]:
    """Where and how likely, what the tool said, what the call shows, lines of copies that correspond."""
    reported, places = verified.reported, zip(verified.paths, verified.reported.places, strict=True)
    where = " = ".join(f"{printable(path)}:{place.line}" for path, place in places)
    yield f"{where}: {', '.join(_figures(verified))}"
    said = f"{reported.tool} {reported.rule} ({reported.severity}): {' '.join(reported.message.split())}"
    yield f"  {printable(said)[:_LONGEST_MESSAGE]}"
    if verified.evidence and not verified.drop:
        yield f"  {printable(f'{verified.evidence.call}: {verified.evidence.sentence}')[:_LONGEST_MESSAGE]}"
    for row in range_rows(verified.correspondence[:_MOST_RANGES]):
        yield f"  {row}"


def _figures(verified: Verified) -> Iterator[str]:
    name = f" in {printable(verified.function)}" if verified.function else ""
    if verified.unjudged:
        yield f"not judged ({verified.unjudged})"
    if verified.probability is not None:
        yield f"{verified.probability:.2f}{name}"
    if verified.review_first is not None:
        yield f"review first {verified.review_first:.2f}"
    if verified.line_score is not None:
        yield f"line {verified.line_score:+.2g}"


def render_json(verified: Sequence[Verified], report: Report, task: Task, origin: Origin) -> str:
    """One JSON object; docs/verify.md describes its fields."""
    value = {
        "format": "codewren-verified",
        "version": VERSION,
        "codewren": origin.version,
        "model": {"name": origin.model, "sha256": origin.sha256, "task": task.to_dict()},
        "report": {"form": report.form, "findings": len(report.findings), "left_out": report.left_out},
        "remarks": [warning] if (warning := untrained(verified, task)) else [],
        "findings": [{"rank": rank, **one.to_dict()} for rank, one in enumerate(verified, 1)],
    }
    return json.dumps(value, indent=2) + "\n"


def render_sarif(verified: Sequence[Verified], report: Report, origin: Origin) -> str:
    """SARIF: the tool's own log in the new order, or one made of another report; with our scores as properties."""
    log = _reordered(verified, report) if report.sarif is not None else _made(verified, origin)
    return json.dumps(log, indent=1) + "\n"


def _reordered(verified: Sequence[Verified], report: Report) -> dict[str, Any]:
    """The log as it was, its results ordered and extended; those that name no line come last in their run."""
    log = copy.deepcopy(dict(report.sarif or {}))
    ranked: dict[int, list[tuple[int, int, Verified]]] = {}
    for rank, one in enumerate(verified, 1):
        if one.reported.index:
            run, number = one.reported.index
            ranked.setdefault(run, []).append((rank, number, one))
    located = {finding.index for finding in report.findings}
    for run_number, run in enumerate(log.get("runs") or []):
        if not isinstance(run, dict) or not isinstance(run.get("results"), list):
            continue
        results = run["results"]
        for rank, number, one in ranked.get(run_number, ()):
            properties = results[number].get("properties")
            results[number]["properties"] = {**(properties if isinstance(properties, dict) else {}), **_bag(rank, one)}
        order = [number for _, number, _ in ranked.get(run_number, ())]
        order += [number for number in range(len(results)) if (run_number, number) not in located]
        run["results"] = [results[number] for number in order]
    return log


def _bag(rank: int, verified: Verified) -> dict[str, Any]:
    values = {
        "rank": rank,
        "probability": verified.probability and round(verified.probability, 6),
        "reviewFirst": verified.review_first and round(verified.review_first, 6),
        "lineScore": verified.line_score and round(verified.line_score, 6),
        "function": verified.function or None,
        "evidence": verified.evidence and verified.evidence.sentence,
        "drop": verified.drop or None,
        "unjudged": verified.unjudged or None,
    }
    return {"codewren": {name: value for name, value in values.items() if value is not None}}


def _made(verified: Sequence[Verified], origin: Origin) -> dict[str, Any]:
    tools = dict.fromkeys(one.reported.tool for one in verified)
    ranked = list(enumerate(verified, 1))
    runs = [
        {
            "tool": {
                "driver": {
                    "name": tool,
                    "rules": [
                        {"id": rule}
                        for rule in dict.fromkeys(one.reported.rule for one in verified if one.reported.tool == tool)
                    ],
                }
            },
            "columnKind": "unicodeCodePoints",
            "results": [_result(rank, one) for rank, one in ranked if one.reported.tool == tool],
            "properties": {"verifiedBy": f"codewren {origin.version}", "model": origin.model},
        }
        for tool in tools
    ]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": runs}


def _result(rank: int, verified: Verified) -> dict[str, Any]:
    reported = verified.reported
    first, *others = [
        {"physicalLocation": {"artifactLocation": {"uri": _uri(path)}, "region": _region(place.line, place.end_line)}}
        for path, place in zip(verified.paths, reported.places, strict=True)
    ]
    value: dict[str, Any] = {
        "ruleId": reported.rule,
        "level": "error" if reported.weight >= 0.8 else "warning" if reported.weight >= 0.5 else "note",
        "message": {"text": reported.message or reported.rule},
        "locations": [first],
        "properties": {"severity": reported.severity, **_bag(rank, verified)},
    }
    if others:
        value["relatedLocations"] = [
            {"id": number, "message": {"text": "the same code"}, **place} for number, place in enumerate(others, 1)
        ]
    if reported.fingerprint:
        value["partialFingerprints"] = {f"{reported.tool.replace(' ', '')}/v1": reported.fingerprint}
    return value


def _region(first: int, last: int) -> dict[str, int]:
    return {"startLine": first, "endLine": last}


def _uri(path: str) -> str:
    """A relative path as a URI; of one that was not found in the tree what the report said."""
    quoted = quote_from_bytes(os.fsencode(unicode_path(path).replace(os.sep, "/")), "/")
    return f"file://{quoted}" if quoted.startswith("/") else quoted
