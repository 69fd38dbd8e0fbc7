"""Builds of the C library for tests: made in `build/`, and only what changed is made again."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def tool(name: str) -> str:
    """A program beside this Python or on the path; the test skips where there is none."""
    beside = Path(sys.executable).parent / name
    path = str(beside) if beside.exists() else shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name}, which is not installed")
    return path


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path = ROOT) -> str:
    """What a program prints; its complaints are the test's."""
    ended = subprocess.run(
        list(map(str, command)), cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, (
        f"{command[0]}: exit {ended.returncode}\n{ended.stdout[-2000:]}\n{ended.stderr[-3000:]}"
    )
    return ended.stdout


def installed_library(name: str, *options: str) -> Path:
    """The folder where a C library was built with these options of CMake, and installed."""
    cmake, ninja = tool("cmake"), tool("ninja")
    folder = ROOT / "build" / name
    folder.mkdir(parents=True, exist_ok=True)
    launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run(
            *(cmake, "-S", ROOT, "-B", folder, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}"),
            *("-DCODEWREN_PYTHON=OFF", "-DCODEWREN_C=ON", *launcher, *options),
        )
        run(cmake, "--build", folder, "-j2")
        run(cmake, "--install", folder, "--prefix", folder / "installed")
    return folder / "installed"
