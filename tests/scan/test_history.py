import json
import subprocess
import threading
import xml.etree.ElementTree as ET
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from codewren.core.errors import InputError
from codewren.core.task import CLONE, Unit
from codewren.scan.finding import CloneKind, Finding, Location
from codewren.scan.formats.drawings import badge, history_chart
from codewren.scan.history import Run, append
from codewren.scan.result import ScanResult

RUN = Run("2026-01-02T03:04:05+00:00", "", "clones-mini.wren", "clone", 3, 20, 400, 5, 2, 40)


def clone(kind: CloneKind) -> Finding:
    return Finding("clone", 0.9, Location("a.c", 1, 10, "f"), "x", (Location("b.c", 1, 10, "g", kind),), kind)


def test_figures_are_of_all_findings_and_lines_that_could_go_of_copies_alone(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result = ScanResult(CLONE, 0.5, [clone(CloneKind.EXACT), clone(CloneKind.SEMANTIC)], files=2, functions=4)
    result.function_lines = {"a.c": 30, "b.c": 20}
    run = Run.of(result, "m.wren")
    assert (run.findings, run.copies, run.saved_lines, run.share) == (2, 1, 10, 0.2)
    assert run.commit == ""


def test_a_run_names_the_commit_that_is_checked_out(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert Run.of(ScanResult(CLONE, 0.5), "m.wren").commit == head


def test_each_run_is_one_line_and_all_come_back_in_order(tmp_path: Path):
    path = tmp_path / "deep" / "history.jsonl"
    runs = [replace(RUN, findings=number) for number in range(3)]
    for number, run in enumerate(runs, 1):
        assert append(path, run) == runs[:number]
    assert [json.loads(line) for line in path.read_text().splitlines()] == [asdict(run) for run in runs]


def test_runs_of_another_model_are_kept_and_not_drawn_beside(tmp_path: Path):
    other = replace(RUN, model="other.wren")
    append(tmp_path / "h", other)
    assert append(tmp_path / "h", RUN) == [RUN]
    assert append(tmp_path / "h", other) == [other, other]


def test_a_line_that_a_killed_scan_left_is_passed_over(tmp_path: Path):
    path = tmp_path / "h"
    append(path, RUN)
    path.write_bytes(path.read_bytes() + b'{"time": "2026')
    assert append(path, RUN) == [RUN] * 2
    assert append(path, RUN) == [RUN] * 3


def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path):
    path = tmp_path / "h"
    for content in (b"hello\nworld\n", b'{"when": 3}\n', b"[" * 100_000 + b"\n", b"null\n", b"\xff\n"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="no line of a history"):
            append(path, RUN)
        assert path.read_bytes() == content


def test_scans_at_the_same_time_do_not_mix_their_lines(tmp_path: Path):
    path = tmp_path / "h"
    workers = [
        threading.Thread(target=lambda: [append(path, replace(RUN, model="m" * 2_000)) for _ in range(20)])
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    lines = filter(None, path.read_text().splitlines())  # a line that is half written looks like a killed scan's
    assert len([json.loads(line) for line in lines]) == 80


@pytest.mark.parametrize(
    ("run", "unit", "texts"),
    [
        (RUN, Unit.PAIR, ["duplicated: 10.0%", "duplicated", "10.0%"]),
        (replace(RUN, task="vulnerability"), Unit.FUNCTION, ["vulnerability: 5", "vulnerability", "5"]),
        (replace(RUN, task="<a>&\x00", findings=9_999), Unit.FUNCTION, ["<a>&\ufffd: 9,999", "<a>&\ufffd", "9,999"]),
    ],
)
def test_a_badge_is_svg_with_its_figure(run: Run, unit: Unit, texts: list[str]):
    tree = ET.fromstring(badge(run, unit))
    assert [text for text in tree.itertext() if text.strip()] == texts
    assert tree.get("aria-label") == texts[0]


def test_a_badge_is_greener_with_less():
    fills = [ET.fromstring(badge(replace(RUN, saved_lines=lines), Unit.PAIR))[2].get("fill") for lines in (0, 400)]
    assert fills == ["#1d6b3c", "#b3261e"]


def test_a_chart_has_a_point_for_each_run_at_the_height_of_its_figure():
    runs = [replace(RUN, saved_lines=lines) for lines in (40, 20, 0)]
    tree = ET.fromstring(history_chart(runs, is_pair=True))
    heights = [float(point.get("cy")) for point in tree.iter("circle")]
    assert heights[0] < heights[1] < heights[2]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1])
    assert tree.get("aria-label") == "Share of lines in functions that could go: 10.0% at first, 0.0% now"


def test_a_chart_of_runs_without_findings_is_flat():
    tree = ET.fromstring(history_chart([replace(RUN, findings=0)] * 2, is_pair=False))
    assert len({point.get("cy") for point in tree.iter("circle")}) == 1
