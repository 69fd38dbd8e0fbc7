"""The long checks of scripts/damage in short: they find nothing, count the same when killed, and see a fault."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts/damage"


def command(script: str, *arguments: object) -> list[str]:
    return [sys.executable, str(SCRIPTS / script), *map(str, arguments)]


def state_of(path: Path) -> dict:
    return json.loads(path.read_text())


@pytest.mark.parametrize(("kind", "cases"), [("bundles", 400), ("similarity", 200), ("sources", 60)])
def test_damaged_input_is_refused_or_answered(tmp_path: Path, kind: str, cases: int) -> None:
    state = tmp_path / "state.json"
    ended = subprocess.run(
        command("run.py", kind, state, "--cases", cases), check=False, capture_output=True, text=True
    )
    found = state_of(state)
    assert found["faults"] == []
    assert ended.returncode == 0, ended.stderr
    assert found["done"] == sum(found["counts"].values()) == cases
    assert len(found["counts"]) >= 5


def test_a_check_that_is_killed_counts_what_an_uninterrupted_one_counts(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole.json", tmp_path / "parts.json"
    arguments = ("--cases", 120, "--chunk", 40)
    subprocess.run(command("run.py", "bundles", whole, *arguments), check=True)
    with subprocess.Popen(command("run.py", "bundles", parts, *arguments)) as running:
        while not parts.exists():
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
    assert 0 < state_of(parts)["done"] <= 120
    subprocess.run(command("run.py", "bundles", parts, *arguments), check=True)
    assert state_of(parts)["counts"] == state_of(whole)["counts"]


CRASHING = """
import os
class Cases:
    def run(self, rng):
        drawn = rng.random()
        if drawn < 0.1:
            os.abort()
        if drawn < 0.2:
            raise KeyError("missing")
        return "fine"
    def close(self):
        pass
"""


def test_cases_that_fail_or_end_the_process_are_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    for name in ("run.py", "state.py"):
        (tmp_path / name).write_text((SCRIPTS / name).read_text())
    (tmp_path / "sources.py").write_text(CRASHING)
    state = tmp_path / "state.json"
    words = [sys.executable, tmp_path / "run.py", "sources", state, "--cases", "50", "--chunk", "25"]
    assert subprocess.run(words, check=False, capture_output=True).returncode == 1
    found = state_of(state)
    assert found["done"] == sum(found["counts"].values()) == 50
    assert {"fine", "fault", "ended the process"} == set(found["counts"])
    said = [fault["said"] for fault in found["faults"]]
    assert sum("KeyError" in text for text in said) == found["counts"]["fault"]
    assert sum(f"exit {-signal.SIGABRT}" in text for text in said) == found["counts"]["ended the process"]


def test_real_files_are_counted_once_and_by_language(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    for name, text in {
        "a.c": "int f(int a) { return a; }\n",
        "same.c": "int f(int a) { return a; }\n",
        "b.py": "def g(a):\n    return a\n",
        "deep.c": "int h() { return " + "(" * 600 + ")" * 600 + "; }\n",
    }.items():
        (sources / name).write_text(text)
    subprocess.run(command("real_files.py", tmp_path / "state.json", sources), check=True)
    counts = state_of(tmp_path / "state.json")["counts"]
    assert (counts["files asked for"], counts["files judged"], counts["functions"]) == (3, 2, 2)
    assert counts["refused: brackets are nested more than N deep: not ordinary source text"] == 1
    assert counts["python: functions"] == 1


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL") or sys.platform != "linux", reason="kills with signals, and forks")
def test_verbs_that_are_killed_leave_what_uninterrupted_ones_leave(tmp_path: Path) -> None:
    state = tmp_path / "kills.json"
    ended = subprocess.run(command("kills.py", state, "--kills", 20), check=False, capture_output=True, text=True)
    assert state_of(state)["faults"] == []
    assert ended.returncode == 0, ended.stderr
