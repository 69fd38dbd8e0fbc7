"""`codewren verify` as a user runs it."""

import json
from pathlib import Path
from typing import Any

import pytest

from codewren.cli.main import main
from commands import fails

HERE = Path(__file__).parents[1] / "verify"
GUIDE = Path(__file__).parents[2] / "docs/verify.md"


def verified(capsys: pytest.CaptureFixture[str], name: str, *options: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(HERE / "reports" / name), str(HERE / "source"), *options])
    out, err = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, out, err


def test_text_orders_findings_and_says_what_it_would_drop(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = verified(capsys, "semgrep.json", "--order", "model")
    lines = [line for line in out.splitlines() if not line.startswith(("  strcpy: ", "  system: "))]
    assert code == 1
    assert lines[0].endswith("parse.c:19: 0.76 in parse_setting, line +0.26")
    assert lines[1] == "  semgrep unbounded-copy (WARNING): strcpy does not know how large its target is"
    assert lines[6] == "would be dropped (1):"
    assert lines[9].startswith("    run is judged safe (vulnerable 0.2")
    assert err == "codewren: 4 findings: 1 would be dropped, 0 could not be judged\n"


def test_what_a_call_shows_is_said_below_it_and_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = verified(capsys, "semgrep.json")
    lines = out.splitlines()
    assert code == 1
    assert "parse.c:51: 0.25 in run" in lines[0]
    assert lines[2] == "  system: the command program is a parameter"
    assert lines[5] == "  strcpy: line is a parameter of any length, setting->name has 32 bytes"
    assert err == "codewren: 4 findings: 0 would be dropped, 0 could not be judged\n"


def test_dropping_and_limits_leave_findings_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(verified(capsys, "semgrep.json", "--order", "model", "--drop")[1].splitlines()) == 6
    assert len(verified(capsys, "semgrep.json", "--top", "2", "--quiet")[1].splitlines()) == 6
    assert verified(capsys, "semgrep.json", "--threshold", "1")[0] == 0
    assert verified(capsys, "semgrep.json", "--exit-zero")[0] == 0


def test_json_has_the_fields_that_the_guide_describes(capsys: pytest.CaptureFixture[str]) -> None:
    value = json.loads(verified(capsys, "flawfinder.csv", "--format", "json")[1])
    first = value["findings"][0]
    fields = [*value, *value["report"], *first, *first["places"][0]]
    guide = GUIDE.read_text()
    assert [field for field in fields if f"`{field}`" not in guide] == []
    assert (value["format"], value["version"], value["report"]["form"]) == ("codewren-verified", 1, "flawfinder CSV")
    assert [one["rank"] for one in value["findings"]] == list(range(1, 1 + value["report"]["findings"]))


@pytest.mark.parametrize("name", ["flawfinder.sarif", "cppcheck.sarif", "semgrep.sarif", "jscpd.sarif"])
def test_a_sarif_log_keeps_everything_and_gains_our_scores(capsys: pytest.CaptureFixture[str], name: str) -> None:
    before = json.loads((HERE / "reports" / name).read_text())
    after = json.loads(verified(capsys, name, "--format", "sarif")[1])

    def without_ours(log: dict[str, Any]) -> dict[str, Any]:
        for run in log["runs"]:
            for result in run["results"]:
                result.get("properties", {}).pop("codewren", None)
                if not result.get("properties"):
                    result.pop("properties", None)
            run["results"].sort(key=json.dumps)
        return log

    bags = [result["properties"]["codewren"] for run in after["runs"] for result in run["results"]]
    assert [bag["rank"] for bag in bags] == sorted(bag["rank"] for bag in bags)
    assert all(0 <= bag.get("probability", 0) <= 1 for bag in bags)
    assert without_ours(after) == without_ours(before)


@pytest.mark.parametrize("name", ["flawfinder.csv", "cppcheck.xml", "semgrep.json", "jscpd.json", "cpd.xml"])
def test_other_reports_become_sarif_that_can_be_verified_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    first = verified(capsys, name, "--format", "sarif")[1]
    log = json.loads(first)
    (run,) = log["runs"]
    known = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} == known
    plain = json.loads(verified(capsys, name, "--format", "json")[1])["findings"]
    assert [result["ruleId"] for result in run["results"]] == [one["rule"] for one in plain]
    prints = [next(iter(result.get("partialFingerprints", {"": None}).values())) for result in run["results"]]
    assert prints == [one["fingerprint"] for one in plain]
    (tmp_path / "again.sarif").write_text(first)
    again = json.loads(verified(capsys, str(tmp_path / "again.sarif"), "--format", "json")[1])["findings"]
    assert [(one["rule"], one["places"], one["probability"]) for one in again] == [
        (one["rule"], one["places"], one["probability"]) for one in plain
    ]


def test_copies_are_judged_by_a_bundle_of_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = verified(capsys, "cpd.xml")
    assert code == 1
    assert "Forest.java:4 = " in out
    assert "lines 4-14 = 2-12 exact" in out


def test_errors_are_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "x").write_text("nothing")
    assert "neither SARIF, nor" in fails(capsys, "verify", tmp_path / "x")
    assert "cannot read" in fails(capsys, "verify", tmp_path / "gone")
    assert "no such file or folder" in fails(capsys, "verify", HERE / "reports/cpd.csv", tmp_path / "gone")
    assert "give --model vulnerability-c" in fails(capsys, "verify", HERE / "reports/semgrep.json", "-m", "clones")


def test_a_report_that_names_no_line_is_no_pass(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "cut.csv").write_text("File,Line,Level,Name,Warning\nparse.c,x,4,strcpy,unbounded\n")
    said = fails(capsys, "verify", tmp_path / "cut.csv", HERE / "source")
    assert "none of its 1 findings names a line" in said


def test_one_finding_is_one_finding(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = tmp_path / "one.csv"
    report.write_text("File,Line,Level,Name,Warning\nparse.c,19,4,strcpy,unbounded\nparse.c,x,4,strcpy,unbounded\n")
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(report), str(HERE / "source")])
    said = "1 finding: 0 would be dropped, 0 could not be judged; left out of the report, naming no line: 1"
    assert (ended.value.code, capsys.readouterr().err) == (1, f"codewren: {said}\n")


def test_code_in_another_language_than_the_models_is_judged_with_a_warning(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("def run(command):\n    return os.system(command)\n")
    report = tmp_path / "one.csv"
    report.write_text("File,Line,Level,Name,Warning\na.py,2,4,system,shell\n")
    with pytest.raises(SystemExit):
        main(["verify", str(report), str(tmp_path), "-m", "vulnerability-c", "--format", "json"])
    out, err = capsys.readouterr()
    warning = "WARNING: the model was trained for c alone; what it says of python is a guess that no test has measured"
    assert err.splitlines()[0] == f"codewren: {warning}"
    assert json.loads(out)["remarks"] == [warning]
    assert json.loads(verified(capsys, "semgrep.json", "--format", "json")[1])["remarks"] == []
