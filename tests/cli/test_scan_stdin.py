"""`codewren scan --stdin-filename FILE -`: an editor's buffer under the name of its file."""

import io
import json
import sys
from pathlib import Path

import pytest

from codewren.cli.main import main
from encoders import write_encoder
from students import write_student

SAVED = "int f(void)\n{\n  return w7;\n}\n"
BUFFER = "int g(void)\n{\n  return w9;\n}\n"
BODY = "(int a)\n{\n  int b = a;\n  b++; b += 2; b += 3; b += 4;\n  b -= a * 2;\n  b *= 2; b *= 3;\n  return b;\n}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one saved file, and bundles beside it."""
    write_student(tmp_path / "x.wren")
    write_encoder(tmp_path / "pairs.wren")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.c").write_text(SAVED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def scan(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def run(text: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        with pytest.raises(SystemExit) as stopped:
            main(["scan", "--no-cache", *arguments])
        return int(stopped.value.code or 0), *capsys.readouterr()

    return run


@pytest.mark.parametrize("name", ["src/a.c", "src/new.c", "nowhere/new.c"])
def test_the_buffer_is_scanned_under_the_name_of_its_file(scan, name: str):
    code, out, _ = scan(BUFFER, "--model", "x.wren", "--threshold", "0", "--stdin-filename", name, "-")
    assert code == 1
    assert out.split()[0] == f"{name}:1:"
    assert " g " in out


def test_the_buffer_stands_for_its_file_in_a_scan_of_the_folder(scan):
    arguments = ["--model", "x.wren", "--threshold", "0", "--stdin-filename", "src/a.c", "-", "src"]
    _, out, err = scan(BUFFER, *arguments)
    assert [line.split()[0] for line in out.splitlines()] == ["src/a.c:1:"]
    assert " g " in out
    assert "1 function of 1 file" in err


def test_a_copy_of_a_saved_function_is_found_in_the_buffer(scan, here: Path):
    (here / "src/a.c").write_text(f"int first{BODY}")
    arguments = ["--model", "pairs.wren", "--format", "json", "--stdin-filename", "src/new.c", "-", "src"]
    code, out, _ = scan(f"\n\nint second{BODY}", *arguments)
    (found,) = json.loads(out)["findings"]
    assert code == 1
    assert {(place["path"], place["start_line"]) for place in found["places"]} == {("src/a.c", 1), ("src/new.c", 3)}


def test_nothing_is_left_behind(scan, here: Path):
    scan(BUFFER, "--model", "x.wren", "--stdin-filename", "src/a.c", "-")
    assert (here / "src/a.c").read_text() == SAVED
    _, out, _ = scan("", "--model", "x.wren", "--threshold", "0", "src")
    assert " f " in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-"], "--stdin-filename"),
        (["--stdin-filename", "a.c", "src"], "both or neither"),
        (["--stdin-filename", "a.c", "-", "--diff", "HEAD"], "leave one out"),
    ],
)
def test_what_does_not_go_together_is_refused(scan, arguments: list[str], words: str):
    code, _, err = scan(BUFFER, "--model", "x.wren", *arguments)
    assert code == 2
    assert words in err


def test_a_buffer_over_the_limit_is_no_verdict(scan):
    arguments = ["--model", "x.wren", "--max-file-bytes", "5", "--stdin-filename", "src/a.c", "-"]
    code, _, err = scan(BUFFER, *arguments)
    assert code == 2
    assert "larger than 5 bytes" in err


def test_the_name_of_a_folder_is_refused_rather_than_scanned_in_place_of_the_text(scan):
    code, out, err = scan(BUFFER, "-", "--stdin-filename", "src", "--model", "x.wren")
    assert (code, out) == (2, "") and "'src' is a folder" in err
