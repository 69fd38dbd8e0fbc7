"""The command line starts light and teaches."""

import errno
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from codewren.cli.main import RESUMED, VERBS, cli, main
from codewren.core.errors import InputError

HEAVY = ("torch", "transformers", "tokenizers", "sklearn", "z3", "numpy", "pymoo", "onnxruntime")


@pytest.mark.parametrize("verb", ["scan", "predict", "info"])
def test_the_light_half_loads_nothing_heavy(verb):
    code = (
        "import sys\nfrom codewren.cli.main import cli\n"
        f"try: cli.main([{verb!r}, '--help'], standalone_mode=True)\nexcept SystemExit: pass\n"
        f"import codewren, codewren.predict.predictor, codewren.scan.scan\n"
        f"bad = [m for m in {HEAVY!r} if m in sys.modules]\nassert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_that_says_what_it_does(verb):
    result = CliRunner().invoke(cli, [verb, "--help"])
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) > 5
    assert "\\b" not in result.output  # click's mark of examples to leave as they are


def test_help_lists_every_verb_without_importing_any():
    code = (
        "import sys\nfrom codewren.cli.main import cli\n"
        "try: cli.main(['--help'], standalone_mode=True)\nexcept SystemExit: pass\n"
        "assert not [m for m in sys.modules if m.startswith('codewren.cli.') and m != 'codewren.cli.main']\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert all(verb in done.stdout for verb in VERBS)


def ends(verb, action, monkeypatch, capsys, *options):
    """Exit code and standard error of a verb that does nothing but `action`."""
    command = cli.get_command(None, verb)
    monkeypatch.setattr(command, "params", [])
    monkeypatch.setattr(command, "callback", action)
    with pytest.raises(SystemExit) as stopped:
        main([*options, verb])
    return stopped.value.code, capsys.readouterr().err


def raising(error):
    def action():
        raise error

    return action


FAULTS = {
    "clean": (lambda: None, 0, ""),
    "findings": (lambda: click.get_current_context().exit(1), 1, ""),
    "known error": (raising(InputError("a wrong value")), 2, "codewren: a wrong value"),
    "bug": (raising(ValueError("two\nlines")), 2, "codewren: crashed: ValueError: two lines (codewren --debug"),
    "deep": (raising(RecursionError("too deep")), 2, "codewren: crashed: RecursionError"),
    "memory": (raising(MemoryError()), 2, "codewren: crashed: MemoryError"),
    "full disk": (raising(OSError(errno.ENOSPC, "No space left on device")), 2, "No space left on device"),
    "cut file": (raising(EOFError("ran out of input")), 2, "codewren: crashed: RuntimeError: EOFError: ran out"),
    "reader gone": (raising(BrokenPipeError(errno.EPIPE, "Broken pipe")), 0, ""),
    "interrupted": (raising(KeyboardInterrupt()), 130, "codewren: stopped"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("verb", VERBS)
def test_exit_codes_mean_the_same_for_every_verb(verb, fault, monkeypatch, capfd):
    monkeypatch.delenv("CODEWREN_DEBUG", raising=False)
    action, wanted_code, message = FAULTS[fault]
    code, err = ends(verb, action, monkeypatch, capfd)
    assert (code, "Traceback" in err) == (wanted_code, False)
    assert message in err
    assert len(err.strip().splitlines()) == (1 if message else 0)


@pytest.mark.parametrize("way", ["option", "environment"])
def test_a_traceback_is_shown_on_request(way, monkeypatch, capfd):
    monkeypatch.setenv("CODEWREN_DEBUG", "1" if way == "environment" else "")
    options = ["--debug"] if way == "option" else []
    code, err = ends("scan", raising(ValueError("why")), monkeypatch, capfd, *options)
    assert code == 2
    assert "Traceback (most recent call last)" in err
    assert err.splitlines()[-1].startswith("codewren: crashed: ValueError: why")


@pytest.mark.parametrize("verb", VERBS)
def test_only_verbs_that_resume_promise_it(verb, monkeypatch, capfd):
    _, err = ends(verb, raising(KeyboardInterrupt()), monkeypatch, capfd)
    assert ("goes on from there" in err) == (verb in RESUMED)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_or_closed_standard_output_is_code_2(tmp_path):
    (tmp_path / "a.c").write_text("int f(void) { return 1; }\n")
    for redirect in (">/dev/full", ">&-"):
        for verb in ("info vulnerability-c", f"scan -q --threshold 0 {tmp_path}"):
            command = f"{sys.executable} -m codewren {verb} {redirect}"
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr.count("\n")) == (2, 1), (command, done.stderr)
            assert "crashed" not in done.stderr


def test_a_working_folder_that_was_deleted_is_code_2(tmp_path):
    script = f"mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir ../gone; {sys.executable} -m codewren scan ."
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "codewren: the current folder was deleted; change to another one\n"


def test_ctrl_c_while_the_command_loads_is_an_interruption():
    script = """
import sys
class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == "click":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
from codewren.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "codewren: stopped\n")
