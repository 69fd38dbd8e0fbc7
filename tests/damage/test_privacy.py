"""The light half opens no socket and writes nowhere but where it was told to, whatever verb is called."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codewren.core.task import CLONE
from students import write_student

WATCHED = """
import os, sys
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn")

def watch(event, arguments):
    if event.startswith("socket.") and event != "socket.__new__":
        os.write(log, f"socket {event}\\n".encode())
        raise PermissionError(f"{event} is forbidden")
    if event == "socket.__new__" and arguments[1] != 1:  # AF_UNIX stays on the machine
        os.write(log, b"socket new\\n")
        raise PermissionError("sockets are forbidden")
    if event in STARTS:
        os.write(log, f"start {arguments[0]}\\n".encode())
    written = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
    if written or event in CHANGES or event == "sqlite3.connect":
        os.write(log, f"write {os.path.abspath(os.fspath(arguments[0]))}\\n".encode())

sys.addaudithook(watch)
from codewren.cli.main import main
main(sys.argv[2:])
"""
PLACES = ("/dev/", "/proc/")  # streams, not files


class Here:
    """Sources, bundles and folders of one test, and what the verbs did there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources, self.told, self.home = folder / "sources", folder / "told", folder / "home"
        for path in (self.sources, self.told, self.home):
            path.mkdir()
        body = "int w5(int w6) {\n  int w7 = w6;\n  while (w7) w7 = w7 - 1;\n  return w7;\n}\n"
        (self.sources / "a.c").write_text(body + "\n// as much as is worth a cache\n" * 7_000)
        (self.sources / "b.c").write_text(body.replace("w7", "w8"))
        (self.sources / "A.java").write_text("class A {\n" + body.replace("while (w7)", "while (w7 > 0)") + "}\n")
        write_student(folder / "function.wren", threshold=0.4)
        write_student(folder / "pair.wren", task=CLONE, threshold=0.4)

    def call(self, *arguments: object) -> list[str]:
        """Run a verb; what it wrote, started and asked of the network."""
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        home = {name: str(self.home) for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR")}
        command = [sys.executable, "-B", "-c", WATCHED, str(log), *map(str, arguments)]
        ended = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=self.sources, env={**os.environ, **home}
        )
        assert ended.returncode in (0, 1), ended.stderr
        return sorted(set(log.read_text().splitlines()) if log.exists() else [])

    def listing(self) -> dict[str, tuple[int, int]]:
        """Every file with its size and time."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and path.name != "log")
        return {str(path.relative_to(self.folder)): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


VERBS = {
    "scan": ("scan", "--no-cache", "-m", "{folder}/function.wren", "."),
    "scan in processes": ("scan", "--no-cache", "-j", "2", "-m", "{folder}/function.wren", "."),
    "scan for clones": ("scan", "--no-cache", "-m", "{folder}/pair.wren", "."),
    "scan into a file": ("scan", "--no-cache", "-m", "{folder}/function.wren", ".", "-o", "{told}/found.json"),
    "scan with a cache": ("scan", "--cache-dir", "{told}", "-m", "{folder}/function.wren", "."),
    "scan with a baseline": (
        "scan", "--no-cache", "-m", "{folder}/function.wren", ".", "--write-baseline", "{told}/known.json",
    ),
    "scan as sarif": ("scan", "--no-cache", "--format", "sarif", "-m", "{folder}/function.wren", "."),
    "predict": ("predict", "{folder}/function.wren", "a.c"),
    "info": ("info", "{folder}/function.wren"),
    "info of one that ships": ("info", "vulnerability-c"),
    "graph": ("graph", "a.c"),
    "graph as a drawing": ("graph", "a.c", "--format", "svg", "--out", "{told}/graph.svg"),
    "bench": (
        "bench", "-m", "{folder}/function.wren", ".", "--items", "1", "--seconds", "0.1", "--cold-starts", "0",
        "--threads", "1", "--json", "{told}/bench.json", "--quiet", "--no-energy",
    ),
    "help": ("scan", "--help"),
}  # fmt: skip


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_asks_no_network_and_writes_only_where_it_was_told(here: Here, name: str) -> None:
    before = here.listing()
    arguments = [word.format(folder=here.folder, told=here.told) for word in VERBS[name]]
    done = here.call(*arguments)
    assert not [line for line in done if line.startswith("socket")]
    written = [line.removeprefix("write ") for line in done if line.startswith("write ")]
    strange = [path for path in written if not path.startswith((str(here.told), *PLACES))]
    assert not strange
    changed = {path for path, state in here.listing().items() if before.get(path) != state}
    assert all(path.startswith("told/") for path in changed)


def test_without_a_word_only_the_users_cache_is_written(here: Here) -> None:
    before = here.listing()
    done = here.call("scan", "-m", here.folder / "function.wren", ".")
    written = [line.removeprefix("write ") for line in done if line.startswith("write ")]
    assert written
    assert all(path.startswith((str(here.home), *PLACES)) for path in written)
    changed = {path for path, state in here.listing().items() if before.get(path) != state}
    assert changed
    assert all(path.startswith("home/codewren/") for path in changed)


def test_the_watch_itself_sees_sockets_and_writes(tmp_path: Path) -> None:
    script = WATCHED.split("from codewren", maxsplit=1)[0] + "import socket\nopen(sys.argv[2], 'w').close()\n"
    script += "try:\n    socket.create_connection(('127.0.0.1', 9))\nexcept PermissionError:\n    sys.exit(7)\n"
    log, other = tmp_path / "log", tmp_path / "other"
    assert subprocess.run([sys.executable, "-c", script, log, other], check=False).returncode == 7
    lines = log.read_text().splitlines()
    assert f"write {other}" in lines
    assert any(line.startswith("socket") for line in lines)


def test_names_in_a_manifest_are_shown_and_never_opened(here: Here) -> None:
    path = here.folder / "named.wren"
    write_student(path, provenance={"recipe": {"folder": "/etc/passwd", "out": "../../x"}}, card="# ../../y")
    assert here.call("info", path) == []
    assert here.call("info", "--json", path) == []
