"""Findings for programs: one JSON object; docs/scanning.md describes its fields."""

import json

from codewren.core.files import unicode_path
from codewren.scan.formats.origin import Origin
from codewren.scan.result import ScanResult

VERSION = 2


def render(result: ScanResult, origin: Origin) -> str:
    """The whole result; a new field may be added without a new `version`."""
    value = {
        "format": "codewren-findings",
        "version": VERSION,
        "codewren": origin.version,
        "model": {"name": origin.model, "sha256": origin.sha256, "task": result.task.to_dict()},
        "threshold": result.threshold,
        "labels": list(result.labels or (result.task.positive,)),
        "complete": not result.gaps,
        "gaps": [unicode_path(gap) for gap in result.gaps],
        "findings": [finding.to_dict() for finding in result.findings],
        "files": result.files,
        "functions": result.functions,
        "suppressed": result.suppressed,
        "suppressions": [
            {"path": unicode_path(path), "line": line, "message": message} for path, line, message in result.complaints
        ],
        "skipped": [{"path": unicode_path(note.path), "reason": note.reason} for note in result.notes],
        "foreign": {language: [unicode_path(path) for path in paths] for language, paths in result.foreign.items()},
        "unparsed": [unicode_path(path) for path in result.unparsed],
        "remarks": result.remarks,
    }
    return json.dumps(value, indent=2) + "\n"
