"""Reports in the JSON of semgrep and of jscpd."""

from collections.abc import Mapping
from typing import Any

from codewren.verify.reported import Report, Reported, check_count, place_of, text_of

_SEMGREP_WEIGHTS = {"CRITICAL": 1.0, "ERROR": 1.0, "HIGH": 1.0, "WARNING": 0.6, "MEDIUM": 0.6, "INFO": 0.3, "LOW": 0.3}
_NO_FINGERPRINT = "requires login"  # what semgrep writes into every finding without an account
_ALL_TOKENS = 1_000  # a copy of so many counts in full


def is_semgrep(value: Mapping[str, Any]) -> bool:
    """Whether this is what `semgrep scan --json` writes."""
    results = value.get("results")
    return isinstance(results, list) and "paths" in value and "errors" in value


def is_jscpd(value: Mapping[str, Any]) -> bool:
    """Whether this is what jscpd's reporter `json` writes."""
    return isinstance(value.get("duplicates"), list)


def read_semgrep(value: Mapping[str, Any]) -> Report:
    """Read what `semgrep scan --json` writes."""
    findings, left_out = list[Reported](), 0
    for result in map(_object, value["results"]):
        check_count(len(findings))
        extra = _object(result.get("extra"))
        lines = (_object(result.get(key)).get("line") for key in ("start", "end"))
        place = place_of(result.get("path"), *lines)
        if place is None:
            left_out += 1
            continue
        severity, fingerprint = text_of(extra.get("severity")), text_of(extra.get("fingerprint"))
        findings.append(
            Reported(
                "semgrep",
                text_of(result.get("check_id")) or "unknown",
                severity,
                _SEMGREP_WEIGHTS.get(severity.upper(), 0.5),
                text_of(extra.get("message")),
                "" if fingerprint == _NO_FINGERPRINT else fingerprint,
                (place,),
            )
        )
    return Report("semgrep JSON", tuple(findings), left_out)


def read_jscpd(value: Mapping[str, Any]) -> Report:
    """Read what jscpd's reporter `json` writes."""
    findings, left_out = list[Reported](), 0
    for pair in map(_object, value["duplicates"]):
        check_count(len(findings))
        files = [_object(pair.get(key)) for key in ("firstFile", "secondFile")]
        places = [place_of(file.get("name"), file.get("start"), file.get("end")) for file in files]
        if places[0] is None or places[1] is None:
            left_out += 1
            continue
        tokens = pair.get("tokens")
        size = tokens if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0 else 0
        kind = text_of(pair.get("kind")) or "duplicate"
        findings.append(
            Reported(
                "jscpd",
                kind,
                f"{size} tokens",
                min(1.0, size / _ALL_TOKENS),
                f"{size} tokens are there twice",
                "",
                (places[0], places[1]),
                is_duplicate=True,
            )
        )
    return Report("jscpd JSON", tuple(findings), left_out)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
