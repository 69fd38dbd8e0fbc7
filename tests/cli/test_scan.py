import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codewren.cli.main import main
from codewren.core.task import CLONE
from students import CONFIG, write_student

SOURCE = "int f(void)\n{\n  return w7;\n}\n\nint g(void)\n{\n  return w9 + w12;\n}\n"
JAVA = (
    "class A {{\n int {name}(int a) {{\n  int b = a;\n  b++; b += 2; b += 3; b += 4; b += 5;\n  b--;\n"
    "  b *= 2; b *= 3; b *= 4;\n  return b;\n }}\n}}\n"
)

Run = tuple[int, str, str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one C file of two functions, and a model beside it."""
    write_student(tmp_path / "x.wren")
    root = tmp_path / "tree"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.c").write_text(SOURCE)
    monkeypatch.chdir(root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return root


@pytest.fixture
def scan(capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str, model: str = "../x.wren", threshold: str | None = "0") -> Run:
        options = ["--model", model] + (["--threshold", threshold] if threshold else [])
        with pytest.raises(SystemExit) as stopped:
            main(["scan", *arguments, *options])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(stopped.value.code or 0), out, err

    return run


def test_findings_are_data_and_the_rest_is_talk(scan):
    code, out, err = scan("src")
    assert code == 1
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["src/a.c:1:", "vulnerable"],
        ["src/a.c:6:", "vulnerable"],
    ]
    assert err == "codewren: 2 findings in 2 functions of 1 file\n"


def test_a_clean_tree_is_code_0_and_no_output(scan):
    assert scan("src", threshold="1") == (0, "", "codewren: 0 findings in 2 functions of 1 file\n")


def test_quiet_prints_findings_only(scan):
    code, out, err = scan("src", "-q")
    assert (code, out.count("\n"), err) == (1, 2, "")
    assert scan("src", "-q", threshold="1") == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone"], "codewren: gone: no such file or folder"),
        (["src", "--language", "cobol"], "language 'cobol' cannot be scanned"),
        (["src", "--baseline", "gone.json"], "codewren: gone.json: no such file"),
        (["src", "--output", "src/a.c/x"], "codewren: cannot write"),
        (["src", "--threshold", "2"], "2.0 is not in the range"),
        (["src", "--threshold", "nan"], "nan is not in the range"),
        (["src", "--baseline", "."], "cannot read .: Is a directory"),
        (["src", "--format", "xml"], "'xml' is not one of"),
        ([], "Missing argument 'PATH...'"),
    ],
)
def test_what_cannot_run_is_code_2_and_one_message(scan, arguments, message):
    code, out, err = scan(*arguments, threshold=None)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("content", [None, b"", b"PK not a bundle", b"\0" * 5000])
def test_a_bad_model_is_code_2(scan, tmp_path, content):
    if content is not None:
        (tmp_path / "bad.wren").write_bytes(content)
    code, out, err = scan("src", model="../bad.wren")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "bad.wren" in err


def test_without_a_model_the_error_says_what_to_give(capsys, monkeypatch):
    monkeypatch.setattr("codewren.predict.predictor.shipped_bundles", dict)
    with pytest.raises(SystemExit) as stopped:
        main(["scan", "src"])
    assert stopped.value.code == 2
    assert "wanted --model" in capsys.readouterr().err


def test_the_shipped_vulnerability_model_is_the_default(capsys, monkeypatch, tmp_path):
    shipped = {"a": tmp_path / "absent.wren", "vulnerability-c": tmp_path / "x.wren"}
    monkeypatch.setattr("codewren.predict.predictor.shipped_bundles", lambda: shipped)
    with pytest.raises(SystemExit) as stopped:
        main(["scan", "src", "--threshold", "0"])
    assert stopped.value.code == 1


@pytest.mark.parametrize("style", ["json", "sarif"])
def test_formats_for_programs_are_json_even_without_findings(scan, style):
    code, out, _ = scan("src", "--format", style)
    assert code == 1
    assert json.loads(out)
    code, out, _ = scan("src", "--format", style, threshold="1")
    assert code == 0
    assert json.loads(out)


def test_output_goes_to_a_file(scan, here):
    code, out, err = scan("src", "--output", "report.txt")
    assert (code, out) == (1, "")
    assert (here / "report.txt").read_text().startswith("src/a.c:1: vulnerable")
    assert "2 findings" in err


def test_skipped_files_are_told(scan, here):
    (here / "src" / "b.c").write_bytes(b"\0")
    for number in range(9):
        (here / "src" / f"{number}.c").write_text("")
    (here / "notes").write_text("")
    code, _, err = scan("src", "notes")
    assert code == 1
    assert "codewren: skipped src/b.c: binary (NUL byte at 0)\n" in err
    assert "codewren: skipped notes: not a file of a known language by its name\n" in err


@pytest.mark.parametrize("named", ["src", "src/b.c"])
def test_an_incomplete_scan_is_code_2_and_says_so_last_even_when_quiet(scan, here, named):
    (here / "src" / "b.c").write_bytes(b"\0")
    code, out, err = scan("src/a.c", named, "-q")
    assert (code, out.count("\n"), err.count("\n")) == (2, 2, 1)
    assert "INCOMPLETE SCAN, no verdict: " in err
    assert "binary (NUL byte at 0)" in err
    code, out, _ = scan("src/a.c", named, "-q", "--format", "sarif")
    assert json.loads(out)["runs"][0]["invocations"][0]["executionSuccessful"] is False
    assert scan("src/a.c", named, "--write-baseline", "known.json")[0] == 2
    assert not (here / "known.json").exists()


def test_files_of_other_languages_are_told(scan, here):
    (here / "src" / "b.cc").write_text("int h() { return 1; }\n")
    (here / "src" / "c.java").write_text("class A {}\n")
    _, _, err = scan("src")
    assert (
        "not scanned, because the model was trained for c: 1 cpp, 1 java files (--language scans them, untested)" in err
    )
    assert scan("src/b.cc", "--language", "cpp")[1].startswith("src/b.cc:1: vulnerable")


def test_a_folder_with_nothing_to_scan_has_not_passed(scan, here):
    (here / "empty").mkdir()
    code, out, err = scan("empty")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("codewren: INCOMPLETE SCAN, no verdict: empty: nothing to scan")
    assert scan("src", "--exclude", "*.c")[0] == 2


def test_a_gitignore_that_leaves_nothing_is_no_green_check(scan, here):
    (here / ".git").mkdir()
    (here / ".gitignore").write_text("/*\n")
    code, _, err = scan(".")
    assert code == 2
    assert ".: nothing to scan" in err


def test_a_named_file_that_is_no_source_passes_as_hooks_name_any(scan, here):
    (here / "README").write_text("x\n")
    assert scan("README")[0] == 0


def test_text_the_parser_cannot_follow_is_told(scan, here):
    (here / "src" / "a.c").write_text("int f(void) { return 1; }\n@@@ {\n")
    assert "1 file with text the parser could not follow" in scan("src")[2]


def test_gitignore_and_exclude_leave_files_out(scan, here):
    (here / ".gitignore").write_text("generated/\n")
    for name in ("generated", "vendor"):
        (here / name).mkdir()
        (here / name / "b.c").write_text(SOURCE)
    _, out, _ = scan(".", "--exclude", "vendor/")
    assert {line.split(":")[0] for line in out.splitlines()} == {"src/a.c"}


def test_a_baseline_hides_what_is_known_until_it_changes(scan, here):
    code, out, err = scan("src", "--write-baseline", "known.json")
    assert (code, out) == (0, "")
    assert "2 findings are known from now on (known.json)" in err
    assert scan("src", "--baseline", "known.json")[0] == 0
    (here / "src" / "a.c").write_text("\n\n" + SOURCE.replace("w9 + w12", "w9 + w13"))
    code, out, err = scan("src", "--baseline", "known.json")
    assert (code, out.split(":")[1]) == (1, "8")
    assert "1 finding in 2 functions of 1 file (1 known)" in err


def test_a_baseline_can_be_renewed_from_itself(scan):
    scan("src", "--write-baseline", "known.json")
    before = Path("known.json").read_text()
    assert scan("src", "--baseline", "known.json", "--write-baseline", "known.json")[0] == 0
    assert Path("known.json").read_text() == before


def test_a_baseline_renewed_from_a_few_files_forgets_no_others(scan, here):
    (here / "src" / "b.c").write_text(SOURCE.replace("w7", "w8"))
    scan("src", "--write-baseline", "known.json")
    before = Path("known.json").read_text()
    assert scan("src/a.c", "--write-baseline", "known.json")[0] == 0
    assert Path("known.json").read_text() == before
    assert scan("src", "--baseline", "known.json")[0] == 0


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_diff_reports_changed_functions_only(scan, here):
    def git(*arguments):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True, capture_output=True
        )

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    code, out, err = scan(".", "--diff", "HEAD")
    assert (code, out) == (0, "")
    assert "no source file changed since HEAD" in err
    (here / "src" / "a.c").write_text(SOURCE.replace("w9", "w10"))
    (here / "new.c").write_text("int h(void) { return 1; }\n")
    code, out, _ = scan(".", "--diff", "HEAD")
    assert code == 1
    assert [line.split()[3] for line in out.splitlines()] == ["h", "g"]
    assert scan(".", "--diff", "HEAD", "--write-baseline", "known.json")[0] == 2
    code, _, err = scan(".", "--diff", "nonsense")
    assert code == 2
    assert "nonsense" in err


def test_clones_are_found_with_a_pair_bundle(scan, here, tmp_path):
    write_student(tmp_path / "pair.wren", CONFIG, CLONE)
    for name in ("one", "two"):
        (here / "src" / f"{name}.java").write_text(JAVA.format(name=name))
    code, out, _ = scan("src", model="../pair.wren", threshold="1")
    assert code == 1
    assert out.splitlines() == [
        "clone 1.00: 2 functions, renamed, 7 lines to save",
        "  src/one.java:2 A.one (7 lines)",
        "  src/two.java:2 A.two (7 lines, renamed)",
        "    - int one(int a) {",
        "    + int two(int a) {",
    ]
    assert scan("src", "--min-lines", "8", model="../pair.wren", threshold="1")[0] == 0
    for style in ("json", "sarif", "github"):
        assert scan("src", "--format", style, model="../pair.wren", threshold="1")[0] == 1


def test_the_cache_is_where_it_is_asked_to_be(scan, here, tmp_path):
    (here / "src" / "big.c").write_text("".join(f"int f{index}(void) {{ return w7; }}\n" for index in range(8000)))
    scan("src", "--cache-dir", "../elsewhere")
    assert list((tmp_path / "elsewhere").iterdir())
    assert "2 files from the cache" in scan("src", "--cache-dir", "../elsewhere")[2]
    assert "from the cache" not in scan("src", "--no-cache")[2]
    assert not (tmp_path / "cache").exists()
    scan("src")
    assert (tmp_path / "cache" / "codewren").is_dir()


def test_a_reader_that_stops_early_is_no_error(here):
    (here / "src" / "big.c").write_text("".join(f"int f{index}(void) {{ return w7; }}\n" for index in range(9000)))
    command = f"{sys.executable} -m codewren scan -q -m ../x.wren --threshold 0 --no-cache src"
    script = f"{command} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (1, 1, "")


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What the command prints when its standard output is a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "codewren", "scan", "-q", "-m", "../x.wren", "--threshold", "0", *arguments]
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(command, stdout=theirs, env={**clean, **environment})
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 4096):
            shown += block
    except OSError:  # how Linux reports the end of a terminal
        pass
    process.wait()
    os.close(ours)
    return shown.decode()


def test_colour_is_for_terminals_that_want_it():
    assert "\x1b[1m" in on_a_terminal("src")
    assert "\x1b" not in on_a_terminal("src", NO_COLOR="1")
    assert "\x1b" not in on_a_terminal("src", "--format", "github")


def test_a_scan_of_one_file_loads_neither_rich_nor_processes_nor_the_cache():
    code = (
        "import sys\nfrom codewren.cli.main import main\n"
        "try: main(['scan', '-q', '-m', '../x.wren', 'src/a.c'])\nexcept SystemExit: pass\n"
        "unwanted = ('rich', 'sqlite3', 'multiprocessing', 'subprocess', 'zipfile', 'importlib.resources',\n"
        "            'tempfile', 'tree_sitter_java', 'codewren.scan.workers', 'numpy', 'torch')\n"
        "bad = [name for name in unwanted if name in sys.modules]\nassert not bad, bad\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_reader_can_ask_for_few_findings_in_an_order_and_the_exit_code_counts_all(scan):
    code, out, err = scan("src", "--top", "1", "--sort", "probability")
    assert (code, len(out.splitlines())) == (1, 1)
    assert "2 findings in 2 functions of 1 file (1 shown)" in err
    probabilities = [float(line.split()[2]) for line in scan("src", "--sort", "probability")[1].splitlines()]
    assert probabilities == sorted(probabilities, reverse=True)


def test_exit_zero_and_fail_on_say_what_counts(scan, here, tmp_path):
    assert scan("src", "--exit-zero")[0] == 0
    write_student(tmp_path / "pair.wren", CONFIG, CLONE)
    for name in ("one", "two"):
        (here / "src" / f"{name}.java").write_text(JAVA.format(name=name))
    assert scan("src", "--fail-on", "exact", model="../pair.wren", threshold="1")[0] == 0
    assert scan("src", "--fail-on", "renamed", model="../pair.wren", threshold="1")[0] == 1
    assert scan("src", "--fail-on", "exact")[0] == 1  # a function found vulnerable has no kind, and is no pass


def test_an_empty_name_of_a_model_is_not_the_default(scan):
    code, out, err = scan("src", model="")
    assert (code, out) == (2, "") and err.startswith("codewren: ")


def test_help_tells_the_defaults_that_hold():
    from click.testing import CliRunner

    from codewren.cli.main import cli
    from codewren.scan.clones import SMALLEST_CLONE_LINES, SMALLEST_CLONE_TOKENS

    text = " ".join(CliRunner().invoke(cli, ["scan", "--help"]).stdout.split())
    assert f"Smallest clones in tokens: {SMALLEST_CLONE_TOKENS} by default." in text
    assert f"1 by default, {SMALLEST_CLONE_LINES} for clones." in text


def test_tests_can_be_left_out_by_their_names(scan, here):
    (here / "src" / "test").mkdir()
    (here / "src" / "test" / "b.c").write_text(SOURCE)
    (here / "src" / "b_test.c").write_text(SOURCE)
    assert "of 3 files" in scan("src")[2]
    assert "of 1 file" in scan("src", "--exclude-tests")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sort", "saved"), "--sort saved is an order that clones alone have; by path instead"),
        (("--sort", "review"), "--sort review is an order that models alone have that rank functions by it; by path"),
        (("--min-tokens", "9"), "--min-tokens is about clones alone"),
    ],
)
def test_an_option_that_does_nothing_for_a_model_says_so(scan, arguments: tuple[str, ...], said: str) -> None:
    assert said in scan("src", *arguments)[2]
    assert "--sort" not in scan("src", "--sort", "path")[2]
