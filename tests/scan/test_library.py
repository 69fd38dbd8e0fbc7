import pickle
import subprocess
import sys
import threading
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

import codewren
from codewren.core.errors import InputError
from codewren.scan.library import scan
from codewren.scan.result import ScanOptions
from students import write_student

SOURCE = "int f(void)\n{\n  return w7;\n}\n\nint g(void)\n{\n  return w9 + w12;\n}\n"
ALL = ScanOptions(threshold=0.0, jobs=1)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_student(tmp_path / "x.wren")
    (tmp_path / "a.c").write_text(SOURCE)
    (tmp_path / "b.py").write_text("x = 1\n")
    (tmp_path / "bad.c").write_bytes(b"\0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_package_is_the_function_whatever_was_imported_before():
    import codewren.scan.scan

    assert codewren.scan("a.c", model="x.wren", options=ALL) == scan("a.c", model="x.wren", options=ALL)


def test_a_report_says_what_was_found_and_what_it_stands_for(here: Path):
    report = scan(here, model=here / "x.wren", options=ALL)
    assert [(finding.location.name, finding.location.start_line) for finding in report.findings] == [("f", 1), ("g", 6)]
    assert (report.files, report.functions, report.is_complete) == (1, 2, False)
    assert report.gaps == ("1 of 2 files were skipped, 1 because: binary (NUL byte at 0)",)
    assert [Path(note.path).name for note in report.skipped] == ["bad.c"]
    assert report.foreign == (("python", (str(here / "b.py"),)),)
    assert report.function_lines == ((str(here / "a.c"), 8),)


def test_every_finding_says_how_much_of_the_function_was_read(here: Path):
    (here / "long.c").write_text("int f(void)\n{\n" + "  w7 = w8 + w9;\n" * 99 + "}\n")
    (finding,) = scan("long.c", model="x.wren", options=ALL).findings
    assert finding.explanation is not None and finding.explanation.is_cut and finding.explanation.lines is None
    (row,) = scan("long.c", model="x.wren", options=ALL).to_dict()["findings"]
    assert row["explanation"]["tokens_read"] < row["explanation"]["tokens_total"]


def test_reports_are_frozen_hashable_and_survive_pickling():
    report = scan(["a.c"], model="x.wren", options=ALL)
    assert pickle.loads(pickle.dumps(report)) == report
    assert hash(report.findings) == hash(scan(["a.c"], model="x.wren", options=ALL).findings)
    with pytest.raises(FrozenInstanceError):
        report.files = 3
    with pytest.raises(FrozenInstanceError):
        report.findings[0].location.start_line = 3


def test_a_loaded_model_is_used_as_it_is_from_several_threads():
    model = codewren.load("x.wren")
    expected, reports = scan("a.c", model=model, options=ALL), []
    threads = [threading.Thread(target=lambda: reports.append(scan("a.c", model=model, options=ALL))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reports == [expected] * 8


def test_every_format_is_what_the_command_line_writes():
    command = [sys.executable, "-m", "codewren", "scan", "a.c", "-m", "x.wren", "--threshold", "0", "-q", "--format"]
    report = scan("a.c", model="x.wren", options=ALL)
    for style in ("text", "github", "gitlab"):
        printed = subprocess.run([*command, style], capture_output=True, text=True, check=False).stdout
        assert report.render(style) == printed
    assert report.to_dict()["findings"][0]["places"][0]["name"] == "f"


def test_known_findings_and_unchanged_functions_are_left_out(here: Path):
    base = [sys.executable, "-m", "codewren", "scan", "a.c", "-m", "x.wren", "--threshold", "0"]
    subprocess.run([*base, "--write-baseline", "known.json"], check=True, capture_output=True)
    for command in (["init", "-q"], ["add", "a.c"], ["-c", "user.name=a", "-c", "user.email=b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], check=True)
    (here / "a.c").write_text(SOURCE + "int h(void)\n{\n  return 3;\n}\n")
    report = scan("a.c", model="x.wren", baseline="known.json", options=ALL)
    assert ([finding.location.name for finding in report.findings], report.known) == (["h"], 2)
    report = scan("a.c", model="x.wren", diff="HEAD", options=ALL)
    assert ([finding.location.name for finding in report.findings], report.revision) == (["h"], "HEAD")


@pytest.mark.parametrize(
    "arguments", [{"paths": "nowhere"}, {"model": "nothing.wren"}, {"baseline": "none.json"}, {"diff": "HEAD"}]
)
def test_what_cannot_be_done_is_one_error_of_codewren(arguments: dict[str, str]):
    with pytest.raises(codewren.CodewrenError) as refused:
        scan(**{"paths": "a.c", "model": "x.wren", **arguments})
    assert isinstance(refused.value, codewren.InputError | codewren.BundleError)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("style", ["xml", "htm", "origin", "..os", ""])
def test_a_format_that_is_none_is_told_in_one_line(style: str):
    report = scan("a.c", model="x.wren", options=ALL)
    with pytest.raises(InputError, match="no format"):
        report.render(style)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["languages", "exclude"])
def test_a_string_is_not_taken_for_the_list_of_its_letters(name: str):
    with pytest.raises(InputError, match=rf"{name}: 'c' is a string; give a tuple"):
        ScanOptions(**{name: "c"})
