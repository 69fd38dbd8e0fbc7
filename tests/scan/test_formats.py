"""Formats: texts as given, and SARIF against the rules of the standard for everything the writer emits.

The OASIS schema itself is not in this repository. `SARIF` below restates, for the objects that are written, which
properties section 3 of the standard knows, which it demands, and what values they may have; every other property fails.
"""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from codewren.core.task import CLONE, VULNERABILITY, Task
from codewren.scan.finding import CloneKind, Finding, FindingExplanation, Location, TellingLine
from codewren.scan.formats import github, sarif, text
from codewren.scan.formats import json as json_format
from codewren.scan.formats.origin import Origin, printable, repository_root
from codewren.scan.result import ScanResult
from codewren.scan.source_files import Note


def one_of(*values: str) -> dict[str, Any]:
    return {"enum": list(values)}


def record(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def listed(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "uniqueItems": True}


STRING = {"type": "string"}
BAG = {"type": "object", "properties": {"tags": listed(STRING)}}
LEVEL = one_of("none", "note", "warning", "error")
MESSAGE = record(("text",), text=STRING)
URI = {
    "type": "string",
    "pattern": r"^(file:///|(?!/)(?![A-Za-z][A-Za-z0-9+.-]*:))([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})+$",
}
ARTIFACT = record(("uri",), uri=URI, uriBaseId=STRING)
LINE = {"type": "integer", "minimum": 1}
PHYSICAL = record(
    ("artifactLocation",), artifactLocation=ARTIFACT, region=record(("startLine",), startLine=LINE, endLine=LINE)
)
LOGICAL = record(fullyQualifiedName=STRING, kind=STRING)
LOCATION = record(
    id={"type": "integer", "minimum": -1}, message=MESSAGE, physicalLocation=PHYSICAL, logicalLocations=listed(LOGICAL)
)
RULE = record(
    ("id",),
    id=STRING,
    name=STRING,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=record(level=LEVEL),
    properties=BAG,
)
RESULT = record(
    ("message", "ruleId", "locations", "partialFingerprints"),
    ruleId=STRING,
    ruleIndex={"type": "integer", "minimum": -1},
    level=LEVEL,
    message=MESSAGE,
    locations={**listed(LOCATION), "minItems": 1},
    partialFingerprints={"type": "object", "additionalProperties": STRING},
    rank={"type": "number", "minimum": -1, "maximum": 100},
    relatedLocations=listed(LOCATION),
    properties=BAG,
)
NOTIFICATION = record(("message",), message=MESSAGE, level=LEVEL, locations=listed(LOCATION))
VERSION = {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"}
DRIVER = record(("name",), name=STRING, semanticVersion=VERSION, rules=listed(RULE), properties=BAG)
RUN = record(
    ("tool", "results"),
    tool=record(("driver",), driver=DRIVER),
    automationDetails=record(id=STRING),
    originalUriBaseIds={"type": "object", "additionalProperties": record(description=MESSAGE)},
    columnKind=one_of("utf16CodeUnits", "unicodeCodePoints"),
    invocations={
        "type": "array",
        "items": record(
            ("executionSuccessful",),
            executionSuccessful={"type": "boolean"},
            toolExecutionNotifications={"type": "array", "items": NOTIFICATION},
        ),
    },
    results={"type": "array", "items": RESULT, "maxItems": 5000},
)
SARIF = record(
    ("version", "runs"), **{"$schema": STRING}, version={"const": "2.1.0"}, runs={"type": "array", "items": RUN}
)


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Origin:
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    return Origin.of("x.wren", "0" * 64)


def function(path: str = "a.c", line: int = 3, probability: float = 0.75, fingerprint: str = "f1") -> Finding:
    return Finding("vulnerable", probability, Location(path, line, line + 4, "S::f"), fingerprint)


def explained() -> Finding:
    lines = (TellingLine(5, 0.25, "gets(x); /* 100%\x1b */"), TellingLine(4, 0.125, "char x[8];", 0.25))
    explanation = FindingExplanation(400, 1213, lines, "memory bounds", "reads without a limit")
    return dataclasses.replace(function(), explanation=explanation, review_first=0.875)


def clones() -> Finding:
    others = (Location("b.java", 7, 9, "B.g", CloneKind.EXACT), Location("../c.java", 1, 3, "C.h", CloneKind.EDITED))
    return Finding("clone", 0.95, Location("a.java", 1, 3, "A.f"), "f2", others, CloneKind.EDITED)


def result(*findings: Finding, task: Task = VULNERABILITY) -> ScanResult:
    return ScanResult(task, 0.5, list(findings), [Note("bad.c", "binary (NUL byte at 0)")], files=2, functions=9)


def checked_sarif(value: ScanResult, origin: Origin) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(sarif.render(value, origin))
    jsonschema.validate(log, SARIF, jsonschema.Draft202012Validator)
    run: dict[str, Any] = log["runs"][0]
    assert all(run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    return run


def test_text_has_one_line_a_function(origin: Origin) -> None:
    shown = text.render(result(function(), function("b.c", 1)), origin)
    assert shown == "a.c:3: vulnerable 0.75 S::f (5 lines)\nb.c:1: vulnerable 0.75 S::f (5 lines)\n"


def test_text_lists_the_places_of_a_class(origin: Origin) -> None:
    assert text.render(result(clones(), task=CLONE), origin) == (
        "clone 0.95: 3 functions, edited, 6 lines to save\n  a.java:1 A.f (3 lines)\n  b.java:7 B.g (3 lines, exact)\n"
        "  ../c.java:1 C.h (3 lines, edited)\n"
    )


def test_nothing_found_is_no_text(origin: Origin) -> None:
    assert text.render(result(), origin) == ""
    assert github.render(result(), origin) == ""


def test_colour_only_adds_escapes(origin: Origin) -> None:
    coloured = text.render(result(function()), Origin.of("x.wren", "", colour=True))
    assert "\x1b[1ma.c\x1b[0m:3" in coloured
    assert "\x1b" not in text.render(result(function()), origin)


def test_names_cannot_steer_the_terminal_or_forge_lines(origin: Origin) -> None:
    shown = text.render(result(function("a\x1b[2J\nb.c:1: fine\u202e.c")), origin)
    assert shown.count("\n") == 1
    assert shown.startswith("a\\x1b[2J\\x0ab.c:1: fine\\x202e.c:3:")
    assert printable("é b") == "é b"


def test_json_is_complete(origin: Origin) -> None:
    value = json.loads(json_format.render(result(function(), task=VULNERABILITY), origin))
    assert value["findings"] == [
        {
            "label": "vulnerable",
            "probability": 0.75,
            "fingerprint": "f1",
            "kind": None,
            "saved_lines": 0,
            "review_first": None,
            "explanation": None,
            "places": [
                {
                    "path": "a.c",
                    "start_line": 3,
                    "end_line": 7,
                    "name": "S::f",
                    "cell": None,
                    "kind": None,
                    "overlap": 1.0,
                    "copies": 0,
                    "differences": None,
                    "correspondence": None,
                }
            ],
        }
    ]
    assert value["skipped"] == [{"path": "bad.c", "reason": "binary (NUL byte at 0)"}]
    assert (value["format"], value["version"], value["threshold"]) == ("codewren-findings", 2, 0.5)
    assert value["model"] == {"name": "x.wren", "sha256": "0" * 64, "task": VULNERABILITY.to_dict()}
    assert (value["complete"], value["foreign"], value["unparsed"]) == (True, {}, [])
    guide = (Path(__file__).parents[2] / "docs/scanning.md").read_text()
    explanation = explained().to_dict()["explanation"]
    fields = [*value, *value["findings"][0], *value["findings"][0]["places"][0], *explanation, *explanation["lines"][0]]
    assert [field for field in fields if f"`{field}`" not in guide] == []
    kinds = json.loads(json_format.render(result(clones(), task=CLONE), origin))["findings"][0]["places"]
    assert [place.get("kind") for place in kinds] == [None, "exact", "edited"]


def test_github_commands_name_files_from_the_root_and_come_most_probable_first(origin: Origin) -> None:
    shown = github.render(
        result(function(), function("b,c:%.c", 1, 0.95), function("d.c", 1, 0.3)), origin
    ).splitlines()
    assert shown[0] == (
        "::error file=sub/b%2Cc%3A%25.c,line=1,endLine=5,title=codewren%3A vulnerable 0.95"
        "::S::f is judged vulnerable (probability 0.95)"
    )
    assert shown[1].startswith("::warning file=sub/a.c,line=3,")
    assert shown[2].startswith("::notice file=sub/d.c,")


def test_a_github_command_is_one_line_whatever_the_name(origin: Origin) -> None:
    assert github.render(result(function("a\n::error::x\r.c")), origin).count("\n") == 1


def test_sarif_of_functions_keeps_the_standard(origin: Origin) -> None:
    run = checked_sarif(result(function(), function("b.c", probability=0.95, fingerprint="f2")), origin)
    location = run["results"][0]["locations"][0]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "sub/a.c", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 3, "endLine": 7},
    }
    assert [one["level"] for one in run["results"]] == ["warning", "error"]
    assert (
        run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == "skipped: binary (NUL byte at 0)"
    )


def test_an_explanation_is_told_in_every_format(origin: Origin) -> None:
    sentences = (
        "kind of weakness: memory bounds",
        "reads without a limit",
        "the model read the first 400 of 1,213 tokens",
    )
    assert text.render(result(explained()), origin).splitlines() == [
        "a.c:3: vulnerable 0.75, review first 0.88 S::f (5 lines)",
        "    5  +0.25    gets(x); /* 100%\\x1b */",
        "    4  25%      char x[8];",
        *(f"    {sentence}" for sentence in sentences),
    ]
    told = "S::f is judged vulnerable (probability 0.75, review first 0.88); " + "; ".join(sentences)
    (annotation,) = github.render(result(explained()), origin).splitlines()
    assert annotation.startswith("::warning file=sub/a.c,line=5,endLine=5,title=")
    assert annotation.endswith(f"::{told}")
    (one,) = checked_sarif(result(explained()), origin)["results"]
    assert one["message"]["text"] == told
    assert one["properties"] == {
        "probability": 0.75,
        "reviewFirst": 0.875,
        "tokensRead": 400,
        "tokensTotal": 1213,
        "weakness": "memory bounds",
    }
    regions = [place["physicalLocation"]["region"] for place in one["relatedLocations"]]
    assert regions == [{"startLine": 5, "endLine": 5}, {"startLine": 4, "endLine": 4}]
    assert one["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "endLine": 7}


def test_sarif_of_clones_keeps_the_standard(origin: Origin) -> None:
    run = checked_sarif(result(clones(), task=CLONE), origin)
    (finding,) = run["results"]
    places = [place["physicalLocation"]["artifactLocation"]["uri"] for place in finding["relatedLocations"]]
    assert (finding["level"], places) == ("warning", ["sub/b.java", "c.java"])


def test_sarif_of_nothing_keeps_the_standard(origin: Origin) -> None:
    assert checked_sarif(ScanResult(VULNERABILITY, 0.5), origin)["results"] == []


@pytest.mark.parametrize(
    "name", ["a b.c", "ü%.c", "a#b?.c", "x\\y.c", "a:b.c", os.fsdecode(b"\xff.c"), "line\nbreak.c"]
)
def test_sarif_paths_are_relative_uris(origin: Origin, name: str) -> None:
    run = checked_sarif(result(function(name)), origin)
    from urllib.parse import unquote_to_bytes

    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote_to_bytes(uri) == b"sub/" + os.fsencode(name)


def test_sarif_files_outside_the_root_keep_their_whole_path(origin: Origin, tmp_path: Path) -> None:
    run = checked_sarif(result(function(str(tmp_path.parent / "else.c"))), origin)
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": f"file://{tmp_path.parent}/else.c"}


def test_sarif_tells_equal_functions_apart_by_a_counter(origin: Origin) -> None:
    run = checked_sarif(result(function("a.c"), function("b.c"), function("a.c", fingerprint="f9")), origin)
    prints = sorted(one["partialFingerprints"]["codewren/v1"] for one in run["results"])
    assert prints == ["f1:1", "f1:2", "f9:1"]


def test_sarif_holds_the_most_probable_and_says_what_was_dropped(origin: Origin) -> None:
    many = [function(f"{number}.c", probability=number / 6000) for number in range(5200)]
    run = checked_sarif(result(*many), origin)
    assert len(run["results"]) == 5000
    assert min(one["properties"]["probability"] for one in run["results"]) == pytest.approx(200 / 6000, abs=1e-6)
    assert (
        "SARIF holds the 5000 most probable findings; 200 are left out"
        in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    )


def test_a_class_of_many_clones_fits_github_and_says_what_does_not(origin: Origin) -> None:
    others = tuple(Location(f"{number}.java", 1, 9, f"B.set{number}", CloneKind.RENAMED) for number in range(1199))
    many = result(Finding("clone", 1.0, Location("a.java", 1, 9, "A.set"), "f", others, CloneKind.RENAMED), task=CLONE)
    run = checked_sarif(many, origin)
    assert len(run["results"][0]["relatedLocations"]) == 100
    message = run["results"][0]["message"]["text"]
    assert message.startswith("A.set has 1199 renamed clones")
    assert message.endswith("; and 1189 more")
    assert len(github.render(many, origin)) < 2_000
    assert "1 findings have more" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_annotations_are_as_many_as_github_shows(origin: Origin) -> None:
    many = result(*(function(f"{number}.c") for number in range(60)))
    assert github.render(many, origin).count("\n") == 50
    assert github.left_out(many) == ["annotations are the 50 most probable findings; 10 are left out"]
    assert github.left_out(result(function())) == []


def test_json_paths_are_unicode_though_names_are_not(origin: Origin) -> None:
    odd = os.fsdecode(b"caf\xe9.c")
    value = ScanResult(
        VULNERABILITY, 0.5, [function(odd)], [Note(odd, "binary")], foreign={"cpp": [odd]}, unparsed=[odd]
    )
    read = json.loads(json_format.render(value, origin))
    places = (read["findings"][0]["places"][0]["path"], read["skipped"][0]["path"], *read["foreign"]["cpp"])
    assert {*places, *read["unparsed"]} == {"caf\\xe9.c"}
    assert text.render(value, origin).startswith("caf\\xe9.c:3")


def test_without_a_repository_paths_count_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if repository_root() != str(tmp_path):
        pytest.skip("the temporary folder is inside a repository")
    assert Origin.of("x", "").relative("a/b.c") == "a/b.c"
    assert Origin.of("x", "").relative("../b.c") is None
