"""Settings of a project in real scans: what holds, and that the command line wins."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from codewren.cli.main import main
from commands import fails
from students import write_student

SOURCE = "int f(void)\n{\n  return w7;\n}\n\nint g(void)\n{\n  int a = w9;\n  return a + w12;\n}\n"


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "tree"
    for folder in ("src", "src/old", "vendor"):
        (root / folder).mkdir(parents=True)
        (root / folder / "a.c").write_text(SOURCE)
    (root / ".git").mkdir()
    (root / "models.d").mkdir()
    write_student(root / "models.d" / "x.wren")
    monkeypatch.chdir(root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return root


@pytest.fixture
def codewren(capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err

    return run


def settle(root: Path, text: str) -> None:
    (root / "codewren.toml").write_text(text)


BASE = 'model = "models.d/x.wren"\nthreshold = 0\npaths = ["src", "vendor"]\n'


def places(out: str) -> list[str]:
    return [line.split(": ")[0] for line in out.splitlines()]


def test_a_scan_without_arguments_does_what_the_settings_say_and_names_them(repository, codewren):
    settle(repository, BASE + 'exclude = ["/vendor"]\nmin-lines = 5\n')
    code, out, err = codewren("scan")
    assert code == 1
    assert places(out) == ["src/a.c:6", "src/old/a.c:6"]
    assert err.splitlines()[0] == "codewren: settings of codewren.toml"


def test_without_settings_nothing_is_said_and_paths_are_wanted(codewren):
    code, _, err = codewren("scan")
    assert code == 2
    assert "Missing argument 'PATH...'" in err
    assert "settings" not in err


def test_the_command_line_wins(repository, codewren):
    settle(repository, BASE + 'exclude = ["/vendor"]\nmin-lines = 5\nformat = "json"\n')
    code, out, _ = codewren("scan", "vendor", "--exclude", "old/", "--min-lines", "1", "--format", "text")
    assert code == 1
    assert places(out) == ["vendor/a.c:1", "vendor/a.c:6"]
    code, out, _ = codewren("scan", "--threshold", "1")
    assert (code, json.loads(out)["findings"]) == (0, [])


def test_no_config_is_as_if_there_were_none_and_config_names_another(repository, codewren, tmp_path):
    settle(repository, BASE + "min-lines = 5\n")
    _, out, err = codewren("scan", "src/a.c", "--no-config", "-m", "models.d/x.wren", "--threshold", "0")
    assert len(places(out)) == 2
    assert "settings" not in err
    (repository / "other.toml").write_text(
        '[tool.codewren]\npaths = ["vendor"]\nmodel = "models.d/x.wren"\nthreshold = 0\n'
    )
    _, out, err = codewren("scan", "--config", "other.toml")
    assert places(out) == ["vendor/a.c:1", "vendor/a.c:6"]
    assert "settings of other.toml" in err
    assert codewren("scan", "--config", "other.toml", "--no-config")[0] == 2


def test_paths_and_patterns_start_at_the_file_from_wherever_the_scan_runs(repository, codewren, monkeypatch):
    settle(repository, BASE + 'exclude = ["src/old/", "/vendor"]\noutput = "found.txt"\n')
    monkeypatch.chdir(repository / "src" / "old")
    code, out, err = codewren("scan")
    assert (code, out) == (1, "")
    assert places((repository / "found.txt").read_text()) == ["../a.c:1", "../a.c:6"]
    assert "settings of ../../codewren.toml" in err


def test_limits_of_a_folder_hold_below_it_and_the_command_line_wins_over_them(repository, codewren):
    settle(
        repository, BASE + '[[folders]]\npath = "src"\nmin-lines = 5\n[[folders]]\npath = "src/old"\nthreshold = 1.0\n'
    )
    assert places(codewren("scan")[1]) == ["src/a.c:6", "vendor/a.c:1", "vendor/a.c:6"]
    assert len(places(codewren("scan", "--threshold", "0", "--min-lines", "1")[1])) == 6


def test_a_named_model_has_its_own_file_and_threshold(repository, codewren):
    table = '[models.{}]\nfile = "models.d/x.wren"\nthreshold = {}\n'
    models = table.format("mine", 0) + table.format("strict", 1)
    settle(repository, 'model = "strict"\npaths = ["src"]\nthreshold = 0.5\n' + models)
    assert codewren("scan")[0] == 0
    assert len(places(codewren("scan", "--model", "mine")[1])) == 4


def test_a_wrong_key_stops_the_scan_in_one_line(repository, codewren):
    settle(repository, BASE + "treshold = 0.5\n")
    code, out, err = codewren("scan")
    assert (code, out) == (2, "")
    assert err.endswith("codewren.toml: unknown key 'treshold'; did you mean 'threshold'?\n")
    assert err.count("\n") == 1


def test_settings_of_a_strangers_repository_write_nothing_outside_it(repository, codewren):
    settle(repository, BASE + 'output = "../stolen.txt"\n')
    code, _, err = codewren("scan")
    assert code == 2
    assert "write inside their folder only" in err
    assert not (repository.parent / "stolen.txt").exists()


def test_config_says_what_holds_and_where_it_stands(repository, codewren):
    settle(repository, BASE + '[models.mine]\nthreshold = 0.25\n[[folders]]\npath = "src/old"\nmin-lines = 7\n')
    code, out, err = codewren("config", "src/old/a.c")
    assert (code, err) == (0, "")
    rows = {line.split("  ")[0]: line.split() for line in out.splitlines()}
    assert rows["paths"][1:] == ["src,", "vendor", "codewren.toml:3"]
    assert rows["format"][1:] == ["text", "default"]
    assert rows["models.mine.threshold"][1:] == ["0.25", "codewren.toml:5"]
    assert rows["folders[src/old].min-lines"][1:] == ["7", "codewren.toml:8"]
    assert rows["src/old/a.c: min-lines"][-2:] == ["7", "folders[src/old]"]


def test_config_for_programs_has_the_same_rows(repository, codewren):
    settle(repository, BASE)
    rows = json.loads(codewren("config", "--json")[1])
    assert {"key": "threshold", "value": 0.0, "source": "codewren.toml:2"} in rows


def test_config_without_settings_says_so(codewren):
    code, out, err = codewren("config")
    assert code == 0
    assert "vulnerability-c" in out
    assert "no settings" in err


def test_settings_that_are_not_there_cost_no_parser():
    code = "import codewren.cli.scan_request as r; r.project_settings(None, no_config=False)"
    code += "; import sys; print('tomllib' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "False\n"


def test_badge_and_history_of_the_settings_are_about_scans_of_all_code(repository, codewren):
    settle(repository, BASE + 'badge = "b.svg"\nhistory = "h.jsonl"\n')
    for _ in range(2):
        assert codewren("scan")[0] == 1
    assert "<svg" in (repository / "b.svg").read_text()
    assert [json.loads(line)["findings"] for line in (repository / "h.jsonl").read_text().splitlines()] == [6, 6]
    page = codewren("scan", "--format", "html")[1]
    assert "Over time" in page
    assert page.count("<circle") == 3
    code, _, err = codewren("scan", "--badge", "b.svg", "--diff", "HEAD")
    assert code == 2
    assert "--badge is about all findings" in err


def test_an_incomplete_scan_leaves_history_and_badge_alone(repository, codewren):
    settle(repository, BASE + 'badge = "b.svg"\nhistory = "h.jsonl"\n')
    (repository / "bad.c").write_bytes(b"\0")
    assert codewren("scan", "bad.c")[0] == 2
    assert not (repository / "b.svg").exists()
    assert not (repository / "h.jsonl").exists()


def test_a_switch_of_the_settings_is_taken_back_by_the_command_line(repository, codewren):
    (repository / "src" / "tests").mkdir()
    (repository / "src" / "tests" / "t.c").write_text(SOURCE)
    settle(repository, BASE + "exit-zero = true\nexclude-tests = true\nexplain = true\n")
    code, out, _ = codewren("scan")
    assert code == 0
    assert "src/tests/t.c" not in out
    code, plain, _ = codewren("scan", "--no-exit-zero", "--no-exclude-tests", "--no-explain")
    assert code == 1
    assert len(places(plain)) == 8 < len(out.splitlines())


def test_a_folder_of_the_name_of_the_settings_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "codewren.toml").mkdir()
    assert "codewren.toml: no file that can hold settings" in fails(capsys, "config")
    (tmp_path / "codewren.toml").rmdir()
    (tmp_path / "codewren.toml").symlink_to("gone.toml")
    assert "codewren.toml: no file that can hold settings" in fails(capsys, "scan", ".")


@pytest.mark.parametrize("path", ["..", "/etc", "out"])
def test_settings_of_a_strangers_repository_scan_nothing_outside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, path: str
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "out").symlink_to(tmp_path)
    (project / "codewren.toml").write_text(f"paths = [{path!r}]\n")
    monkeypatch.chdir(project)
    said = fails(capsys, "scan", "--no-cache")
    assert f"paths: {path!r} is outside" in said and "name it on the command line" in said
