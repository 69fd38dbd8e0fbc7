"""Reports that the tools really wrote, and reports that nobody should trust."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.core.errors import InputError
from codewren.verify import read_report as module
from codewren.verify.read_report import read_report
from codewren.verify.reported import LARGEST_LINE, Report

REPORTS = Path(__file__).parent / "reports"
FLAWFINDER = {("FF1001", 19), ("FF1022", 20), ("FF1001", 21), ("FF1004", 31), ("FF1022", 33), ("FF1001", 37)}
FLAWFINDER |= {("FF1013", 9), ("FF1013", 43), ("FF1015", 44), ("FF1016", 45), ("FF1044", 51)}
CPPCHECK = {("constVariablePointer", 50), ("uninitvar", 52), ("unassignedVariable", 50)}
SEMGREP = {("unbounded-copy", 19), ("unbounded-copy", 21), ("unbounded-copy", 37), ("command", 51)}


def rules_and_lines(report: Report) -> set[tuple[str, int]]:
    return {(finding.rule, finding.places[0].line) for finding in report.findings}


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "report"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "form", "wanted"),
    [
        ("flawfinder.csv", "flawfinder CSV", FLAWFINDER),
        ("flawfinder.sarif", "sarif", FLAWFINDER),
        ("cppcheck.xml", "cppcheck XML", CPPCHECK),
        ("cppcheck.sarif", "sarif", CPPCHECK),
        ("semgrep.json", "semgrep JSON", SEMGREP),
        ("semgrep.sarif", "sarif", SEMGREP),
    ],
)
def test_findings_keep_their_rule_and_line(name: str, form: str, wanted: set[tuple[str, int]]) -> None:
    report = read_report(REPORTS / name)
    assert (report.form, report.left_out) == (form, 0)
    assert wanted <= rules_and_lines(report)
    assert {finding.places[0].path.removeprefix("./") for finding in report.findings} == {"parse.c"}
    assert not any(finding.is_duplicate for finding in report.findings)
    assert all(finding.message and 0 <= finding.weight <= 1 for finding in report.findings)


@pytest.mark.parametrize("tool", ["flawfinder", "cppcheck"])
def test_a_tool_names_a_finding_alike_in_both_of_its_forms(tool: str) -> None:
    plain = next(REPORTS.glob(f"{tool}.[cx]*"))
    forms = [
        {(*finding.places, finding.rule): finding.fingerprint for finding in read_report(path).findings}
        for path in (plain, REPORTS / f"{tool}.sarif")
    ]
    shared = forms[0].keys() & forms[1].keys()
    assert len(shared) >= 3
    assert all(forms[0][key] == forms[1][key] != "" for key in shared)


def test_what_semgrep_writes_without_an_account_is_no_fingerprint() -> None:
    for name in ("semgrep.json", "semgrep.sarif"):
        assert "requires login" in (REPORTS / name).read_text()
        assert {finding.fingerprint for finding in read_report(REPORTS / name).findings} == {""}


def test_worse_findings_weigh_more_in_every_report() -> None:
    pairs = {"flawfinder.csv": ("FF1016", "FF1022"), "flawfinder.sarif": ("FF1016", "FF1022")}
    pairs |= dict.fromkeys(("cppcheck.xml", "cppcheck.sarif"), ("uninitvar", "unassignedVariable"))
    pairs |= dict.fromkeys(("semgrep.json", "semgrep.sarif"), ("command", "unbounded-copy"))
    for name, (worse, better) in pairs.items():
        weights = {finding.rule: finding.weight for finding in read_report(REPORTS / name).findings}
        assert weights[worse] > weights[better], name


@pytest.mark.parametrize("name", ["jscpd.json", "jscpd.sarif", "cpd.xml", "cpd.csv"])
def test_copies_have_all_their_places(name: str) -> None:
    (finding,) = read_report(REPORTS / name).findings
    assert finding.is_duplicate
    ends = sorted((Path(place.path).name, place.line, place.end_line) for place in finding.places)
    assert ends == [("Forest.java", 4, 14), ("Tree.java", 2, 12)]


def test_a_byte_order_mark_and_white_space_do_not_matter(tmp_path: Path) -> None:
    for name in ("flawfinder.csv", "semgrep.json", "cppcheck.xml"):
        content = (REPORTS / name).read_bytes()
        marked = read_report(written(tmp_path, b"\xef\xbb\xbf" + content))
        assert marked.findings == read_report(REPORTS / name).findings


BOMB = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{BOMB}]><results>&j;</results>", "declares a document type"),
        ('<!DOCTYPE r SYSTEM "file:///etc/passwd"><results/>', "declares a document type"),
        ("<results>" + "<a>" * 60, "nested more than 50 deep"),
        ("<results><error>", "no XML"),
        ("<html></html>", "outermost element is <html>"),
        ("[" * 100_000, "no JSON"),
        ('{"runs": ' + "9" * 5_000 + "}", "no JSON"),
        ('{"runs": 3}', "is no list"),
        ('{"a": 1}', "neither SARIF nor"),
        ("[]", "neither SARIF nor"),
        ("a,b\n1,2\n", "neither SARIF, nor"),
        ("", "neither SARIF, nor"),
        ('File,Line,Level,Name,Warning\n"' + "x" * 200_000, "no CSV"),
        (b"File\xff", "byte 4 is not UTF-8"),
    ],
)
def test_bad_reports_are_refused_in_one_line_and_at_once(tmp_path: Path, content: str | bytes, message: str) -> None:
    before = time.process_time()
    with pytest.raises(InputError, match=message) as refused:
        read_report(written(tmp_path, content))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 1_000
    assert time.process_time() - before < 30  # a bomb would take for ever


@pytest.mark.parametrize("header", ["File,Line,Column,DefaultLevel,Level,Category,Name,Warning\n", ""])
def test_a_report_in_which_flawfinder_gave_up_is_none(tmp_path: Path, header: str) -> None:
    message = "Error: encoding error in src/b.c\n'utf-8' codec can't decode byte 0xe9 in position 45\n\nHere are some\n"
    with pytest.raises(InputError, match=r"stopped at 'src/b.c'.* no findings of any file; .* LC_ALL=C.ISO-8859-1"):
        read_report(written(tmp_path, header + message))


def test_reports_without_bounds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_report(tmp_path / "gone")
    monkeypatch.setattr(module, "LARGEST_REPORT_BYTES", 10)
    with pytest.raises(InputError, match="larger than 10 bytes"):
        read_report(REPORTS / "cpd.csv")
    monkeypatch.undo()
    monkeypatch.setattr("codewren.verify.reported.MOST_FINDINGS", 3)
    for name in ("flawfinder.csv", "flawfinder.sarif", "semgrep.json"):
        with pytest.raises(InputError, match="more than 3 findings"):
            read_report(REPORTS / name)


@pytest.mark.parametrize("line", [0, -1, LARGEST_LINE + 1, 10**30, True, 1.5, "1", None, [], "x"])
def test_entries_that_name_no_line_are_counted(tmp_path: Path, line: object) -> None:
    region = {"physicalLocation": {"artifactLocation": {"uri": "a.c"}, "region": {"startLine": line}}}
    log = {"runs": [{"results": [{"message": {"text": "m"}, "locations": [region]}]}]}
    report = read_report(written(tmp_path, json.dumps(log)))
    assert (len(report.findings), report.left_out) == ((1, 0) if line == "1" else (0, 1))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_any_value_in_any_field_of_a_log_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(["cppcheck.sarif", "semgrep.json", "jscpd.json", "jscpd.sarif"]))
    log = json.loads((REPORTS / name).read_text())
    holders = []

    def walk(value: object) -> None:
        if isinstance(value, dict | list):
            holders.append(value)
            for item in value.values() if isinstance(value, dict) else value:
                walk(item)

    walk(log)
    holder = data.draw(st.sampled_from([one for one in holders if one]))
    key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
    holder[key] = data.draw(values)
    try:
        report = module._parsed(json.dumps(log).encode())
    except InputError:
        return
    assert all(place.line > 0 for finding in report.findings for place in finding.places)
