"""Findings that are known already, so that a scan shows only new ones."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from codewren.core.errors import InputError
from codewren.core.files import read_json, write_json
from codewren.core.finding import Finding

_FORMAT = "codewren-baseline"
_VERSION = 1


def write_baseline(path: Path, findings: Sequence[Finding]) -> None:
    """Write the findings that are to be known from now on.

    Raises:
        InputError: the file cannot be written.
    """
    rows = [{"fingerprint": one.fingerprint, "path": one.place.path, "name": one.place.name} for one in findings]
    rows.sort(key=lambda row: (row["path"], row["name"], row["fingerprint"]))
    write_json(path, {"format": _FORMAT, "version": _VERSION, "findings": rows})


def new_findings(path: Path, findings: Sequence[Finding]) -> list[Finding]:
    """The findings that a baseline does not hold.

    Each entry makes one finding of its fingerprint known, in its own file before any other: a function that moved to
    another file stays known, and a second copy of it is new.

    Raises:
        InputError: the file is missing or is not a baseline.
    """
    known = _read(path)
    unmatched = []
    for finding in findings:
        entry = (finding.fingerprint, finding.place.path)
        if known[entry] > 0:
            known[entry] -= 1
        else:
            unmatched.append(finding)
    elsewhere = Counter[str]()
    for (fingerprint, _), count in known.items():
        elsewhere[fingerprint] += count
    new = []
    for finding in unmatched:
        if elsewhere[finding.fingerprint] > 0:
            elsewhere[finding.fingerprint] -= 1
        else:
            new.append(finding)
    return new


def _read(path: Path) -> Counter[tuple[str, str]]:
    raw = read_json(path)
    if not isinstance(raw, dict) or raw.get("format") != _FORMAT:
        raise InputError(f"{path}: not a baseline; write one with --write-baseline {path}")
    if raw.get("version") != _VERSION:
        raise InputError(
            f"{path}: baseline version {raw.get('version')!r}, this program reads {_VERSION}; write it anew"
        )
    try:
        return Counter((str(row["fingerprint"]), str(row["path"])) for row in raw["findings"])
    except (KeyError, TypeError):
        raise InputError(f"{path}: a finding has no fingerprint or path; write the baseline anew") from None
