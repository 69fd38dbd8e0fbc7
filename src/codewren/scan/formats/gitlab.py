"""Findings as a code quality report of GitLab.

Source: docs.gitlab.com, "Code Quality", section "Import Code Quality results": an array of issues with these fields.
"""

import json
from collections import Counter
from typing import Any

from codewren.core.files import unicode_path
from codewren.scan.finding import Finding
from codewren.scan.formats.origin import Origin
from codewren.scan.formats.wording import Level, level, message
from codewren.scan.result import ScanResult

_SEVERITIES: dict[Level, str] = {"note": "info", "warning": "minor", "error": "major"}


def render(result: ScanResult, origin: Origin) -> str:
    """One issue a finding; equal fingerprints get a number, since GitLab shows one issue of each."""
    seen: Counter[str] = Counter()
    return json.dumps([_issue(finding, result.task.name, origin, seen) for finding in result.findings], indent=1) + "\n"


def _issue(finding: Finding, task: str, origin: Origin, seen: Counter[str]) -> dict[str, Any]:
    seen[finding.fingerprint] += 1
    location = finding.location
    first, last = location.file_lines
    return {
        "description": message(finding),
        "check_name": f"codewren/{task}",
        "fingerprint": f"{finding.fingerprint}:{seen[finding.fingerprint]}",
        "severity": _SEVERITIES[level(finding)],
        "location": {
            "path": unicode_path(origin.relative(location.path) or location.path),
            "lines": {"begin": first, "end": last},
        },
    }
