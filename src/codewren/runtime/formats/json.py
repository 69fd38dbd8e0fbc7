"""Findings for programs: one JSON object."""

import json

from codewren.runtime.formats.origin import Origin
from codewren.runtime.scan import ScanResult

VERSION = 1


def render(result: ScanResult, origin: Origin) -> str:
    """The whole result; a new field may be added without a new `version`."""
    value = {
        "format": "codewren-findings",
        "version": VERSION,
        "codewren": origin.version,
        "model": {"name": origin.model, "sha256": origin.sha256, "task": result.task.to_dict()},
        "threshold": result.threshold,
        "findings": [finding.to_dict() for finding in result.findings],
        "files": result.files,
        "functions": result.functions,
        "suppressed": result.suppressed,
        "skipped": [note._asdict() for note in result.notes],
        "remarks": result.remarks,
    }
    return json.dumps(value, indent=2) + "\n"
