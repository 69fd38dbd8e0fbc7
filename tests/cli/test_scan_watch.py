"""`codewren scan --watch` with real edits of real files."""

import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from codewren.cli.main import main
from students import write_student

pytest.importorskip("watchfiles")

FUNCTION = "int {name}(void)\n{{\n  return w7 + {value};\n}}\n"
LONGEST_S = 60


def _heed_ctrl_c() -> None:
    """A shell lets its background jobs, this suite perhaps, ignore Ctrl-C, and they hand that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Watched:
    """A process whose standard error is read line by line."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "codewren", "scan", ".", "-m", "../x.wren", "--threshold", "0", "--watch"]
        self.process = subprocess.Popen(
            [*command, *options],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_heed_ctrl_c,  # noqa: PLW1509  no threads yet
            env={**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache"), "PYTHONUNBUFFERED": "1"},
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            self._lines.put(line.rstrip("\n"))

    def until(self, text: str) -> list[str]:
        """The lines up to the first that contains a text."""
        lines = [self._lines.get(timeout=LONGEST_S)]
        while text not in lines[-1]:
            lines.append(self._lines.get(timeout=LONGEST_S))
        return lines

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(LONGEST_S)
        self.process.stdout.close()
        self.process.stderr.close()

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; exit code, and all that was printed."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(LONGEST_S)
        return code, self.process.stdout.read()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_student(tmp_path / "x.wren")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.c").write_text(FUNCTION.format(name="first", value=1))
    return tmp_path / "tree"


@pytest.fixture
def watched(tree: Path):
    one = Watched(tree)
    one.until("watching")
    yield one
    one.stop()


def test_an_edit_is_told_and_an_end_is_told_and_ctrl_c_is_code_0(tree: Path, watched: Watched):
    (tree / "b.c").write_text(FUNCTION.format(name="second", value=2))
    assert watched.until("in all")[-1] == "codewren: 1 new, 0 gone, 2 in all"
    (tree / "a.c").write_text(FUNCTION.format(name="third", value=3))
    assert watched.until("in all")[-1] == "codewren: 1 new, 1 gone, 2 in all"
    (tree / "b.c").unlink()
    assert watched.until("in all")[-1] == "codewren: 0 new, 1 gone, 1 in all"
    code, out = watched.interrupt()
    assert code == 0
    assert [line.split()[3] for line in out.splitlines()] == ["first", "second", "third"]
    assert watched.until("no longer watching")


def test_files_that_are_no_source_files_start_no_scan(tree: Path, watched: Watched):
    (tree / "notes.txt").write_text("x")
    (tree / "node_modules").mkdir()
    (tree / "node_modules" / "c.c").write_text(FUNCTION.format(name="third", value=3))
    (tree / "b.c").write_text(FUNCTION.format(name="second", value=2))
    lines = watched.until("in all")
    assert sum("changed" in line for line in lines) == 1
    assert "b.c changed" in lines[0]


def test_a_page_is_written_anew_after_each_edit(tree: Path):
    watched = Watched(tree, "--format", "html", "--output", "page.html")
    try:
        watched.until("watching")
        (tree / "b.c").write_text(FUNCTION.format(name="second", value=2))
        watched.until("in all")
        page = (tree / "page.html").read_text()
        assert "first" in page
        assert "second" in page
    finally:
        watched.stop()


@pytest.mark.parametrize("options", [["--badge", "b.svg"], ["--write-baseline", "b.json"], ["--format", "json"]])
def test_what_is_about_one_scan_does_not_go_with_watching(tree: Path, capsys, monkeypatch, options: list[str]):
    monkeypatch.chdir(tree)
    with pytest.raises(SystemExit) as stopped:
        main(["scan", ".", "-m", "../x.wren", "--watch", *options])
    assert stopped.value.code == 2
    assert "--watch" in capsys.readouterr().err
