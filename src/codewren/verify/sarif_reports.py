"""Reports in SARIF 2.1.0, of whatever tool.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", sections 3.14, 3.19, 3.27, 3.49.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from codewren.core.errors import InputError
from codewren.verify.reported import Place, Report, Reported, check_count, place_of, text_of

_WEIGHTS = {"error": 1.0, "warning": 0.6, "note": 0.3, "none": 0.0}
_NO_FINGERPRINTS = frozenset({"requires login"})  # what semgrep writes into all of them without an account


def read_sarif(log: Mapping[str, Any]) -> Report:
    """Read a SARIF log.

    Raises:
        InputError: its runs are no list, or hold too many results.
    """
    findings, left_out = list[Reported](), 0
    for run_number, run in enumerate(_objects(log, "runs")):
        rules = _Rules(run)
        for number, result in enumerate(_objects(run, "results")):
            check_count(len(findings))
            finding = _finding(rules, result, (run_number, number))
            if finding:
                findings.append(finding)
            else:
                left_out += 1
    return Report("sarif", tuple(findings), left_out, log)


def _objects(value: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a list; what is none is passed over.

    Raises:
        InputError: no list.
    """
    items = value.get(key, [])
    if items is None:
        return
    if not isinstance(items, list):
        raise InputError(f"the report's {key!r} is no list; it is no SARIF log")
    for item in items:
        yield item if isinstance(item, dict) else {}


class _Rules:
    """What a run says of its rules."""

    def __init__(self, run: Mapping[str, Any]) -> None:
        driver = _object(_object(run, "tool"), "driver")
        self.tool = text_of(driver.get("name")) or "unknown"
        self.list = list(_objects(driver, "rules"))
        self.levels = {
            text_of(rule.get("id")): _object(rule, "defaultConfiguration").get("level") for rule in self.list
        }

    def id_of(self, result: Mapping[str, Any]) -> str:
        rule = _object(result, "rule")
        named = text_of(result.get("ruleId")) or text_of(rule.get("id"))
        index = result.get("ruleIndex", rule.get("index"))
        if not named and isinstance(index, int) and 0 <= index < len(self.list):
            named = text_of(self.list[index].get("id"))
        return named or "unknown"


def _finding(rules: _Rules, result: Mapping[str, Any], index: tuple[int, int]) -> Reported | None:
    places = [place for place in map(_place, _objects(result, "locations")) if place]
    if not places:
        return None
    related = [place for place in map(_place, _objects(result, "relatedLocations")) if place]
    rule = rules.id_of(result)
    is_duplicate = bool(related) and ("duplicat" in rule.lower() or "cpd" in rules.tool.lower())
    level = text_of(result.get("level")) or text_of(rules.levels.get(rule)) or "warning"
    rank = result.get("rank")
    tie = rank / 1000 if isinstance(rank, int | float) and not isinstance(rank, bool) and 0 <= rank <= 100 else 0.0
    return Reported(
        rules.tool,
        rule,
        level,
        min(1.0, _WEIGHTS.get(level, 0.6) + tie),
        text_of(_object(result, "message").get("text")),
        _fingerprint(result),
        (places[0], *related) if is_duplicate else (places[0],),
        is_duplicate,
        index,
    )


def _object(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    item = value.get(key)
    return item if isinstance(item, dict) else {}


def _place(location: Mapping[str, Any]) -> Place | None:
    physical = _object(location, "physicalLocation")
    region = _object(physical, "region")
    uri = _object(physical, "artifactLocation").get("uri")
    return place_of(_path(uri), region.get("startLine"), region.get("endLine")) if isinstance(uri, str) else None


def _path(uri: str) -> str:
    """The path in a URI: relative, or of a local file."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    if parts.scheme not in {"", "file"}:
        return unquote(uri) if len(parts.scheme) == 1 else ""  # a Windows drive
    return unquote(parts.path)


def _fingerprint(result: Mapping[str, Any]) -> str:
    """The first of the fingerprints, by name."""
    for key in ("fingerprints", "partialFingerprints"):
        values = _object(result, key)
        for name in sorted(values):
            text = text_of(values[name])
            if text and text not in _NO_FINGERPRINTS:
                return text
    return ""
