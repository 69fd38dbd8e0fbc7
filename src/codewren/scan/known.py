"""Findings that are known already, so that a scan shows only new ones."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from codewren.core.errors import InputError
from codewren.core.files import read_json, unicode_path, write_json
from codewren.scan.finding import Finding

_FORMAT = "codewren-baseline"
_VERSION = 2
_OLDEST_VERSION = 1  # has neither model nor members


class Model(NamedTuple):
    """What made the findings of a baseline: name and hash of a bundle, and the name of its task."""

    name: str
    sha256: str
    task: str


@dataclass(frozen=True, slots=True)
class Known:
    """One entry.

    Attributes:
        fingerprint: of the finding.
        path: of its first place.
        name: of the function there.
        members: fingerprints of the functions of a class of clones; empty for a finding on one function.
    """

    fingerprint: str
    path: str
    name: str
    members: tuple[str, ...] = ()

    @classmethod
    def of(cls, finding: Finding) -> Self:
        """The entry that makes a finding known."""
        return cls(finding.fingerprint, unicode_path(finding.location.path), finding.location.name, finding.members)

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Self:
        """Read the JSON form."""
        members = tuple(str(member) for member in row.get("members", ()))
        return cls(str(row["fingerprint"]), str(row["path"]), str(row.get("name", "")), members)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        head = {"fingerprint": self.fingerprint, "path": self.path, "name": self.name}
        return {**head, "members": sorted(self.members)} if self.members else head


def write_baseline(
    path: Path,
    findings: Sequence[Finding],
    model: Model | None = None,
    *,
    is_scanned: Callable[[str], bool] = lambda _: True,
) -> None:
    """Write the findings that are to be known from now on; what an old file knows of paths not scanned stays known.

    Raises:
        InputError: the file cannot be written, or holds something else.
    """
    entries = [Known.of(one) for one in findings]
    if os.path.lexists(path) and path.is_file():
        entries += [entry for entry in _read(path, model, _ignore) if not is_scanned(entry.path)]
    entries.sort(key=lambda entry: (entry.path, entry.name, entry.fingerprint))
    made_by = {"model": model._asdict()} if model else {}
    rows = [entry.to_dict() for entry in entries]
    write_json(path, {"format": _FORMAT, "version": _VERSION, **made_by, "findings": rows})


def new_findings(
    path: Path, findings: Sequence[Finding], model: Model | None = None, remark: Callable[[str], None] | None = None
) -> list[Finding]:
    """The findings that a baseline does not hold.

    Each entry makes one finding of its fingerprint known, in its own file before any other: a function that moved to
    another file stays known, and a second copy of it is new. A class of clones is known too when a known class holds
    all its members: one that was edited or deleted does not make the others news.

    Raises:
        InputError: the file is missing, is not a baseline, or belongs to another task.
    """
    entries = _read(path, model, remark or _ignore)
    known = Counter((entry.fingerprint, entry.path) for entry in entries)
    unmatched = []
    for finding in findings:
        entry = (finding.fingerprint, unicode_path(finding.location.path))
        if known[entry] > 0:
            known[entry] -= 1
        else:
            unmatched.append(finding)
    elsewhere = Counter[str]()
    for (fingerprint, _), count in known.items():
        elsewhere[fingerprint] += count
    classes = _classes(entries)
    new = []
    for finding in unmatched:
        if elsewhere[finding.fingerprint] > 0:
            elsewhere[finding.fingerprint] -= 1
        elif not _is_inside(finding, classes):
            new.append(finding)
    return new


def _classes(entries: Sequence[Known]) -> dict[str, list[Counter[str]]]:
    """The known classes of clones that hold a member."""
    holding: defaultdict[str, list[Counter[str]]] = defaultdict(list)
    for entry in entries:
        members = Counter(entry.members)
        for member in members:
            holding[member].append(members)
    return holding


def _is_inside(finding: Finding, classes: dict[str, list[Counter[str]]]) -> bool:
    members = Counter(finding.members)
    return bool(members) and any(members <= known for known in classes.get(finding.members[0], ()))


def _ignore(_: str) -> None:
    return


def _read(path: Path, model: Model | None, remark: Callable[[str], None]) -> list[Known]:
    raw = read_json(path)
    if not isinstance(raw, dict) or raw.get("format") != _FORMAT:
        raise InputError(f"{path}: not a baseline; name another file, or write one with --write-baseline")
    version = raw.get("version")
    if not isinstance(version, int) or not _OLDEST_VERSION <= version <= _VERSION:
        raise InputError(f"{path}: baseline version {version!r}, this program reads up to {_VERSION}; write it anew")
    try:
        entries = [Known.from_dict(row) for row in raw["findings"]]
        made_by = Model(**raw["model"]) if "model" in raw else None
    except (AttributeError, KeyError, TypeError):
        raise InputError(f"{path}: a finding has no fingerprint or path; write the baseline anew") from None
    _compare(path, made_by, model, remark)
    return entries


def _compare(path: Path, made_by: Model | None, model: Model | None, remark: Callable[[str], None]) -> None:
    """Refuse findings of another task; those of another model for the same task may fit."""
    if made_by is None or model is None:
        return
    if made_by.task != model.task:
        raise InputError(f"{path}: a baseline of the task {made_by.task!r}, not {model.task!r}; name another file")
    if made_by.sha256 != model.sha256:
        remark(f"{path} was written with another model ({made_by.name}); what only this one finds is new")
