"""Damaged bundles, read by the C library and by Python: both refuse, or both answer alike."""

import json
import subprocess
import sys
from pathlib import Path

from c_builds import ROOT, installed_library


def test_damaged_bundles_are_refused_or_answered_alike(tmp_path: Path) -> None:
    library = installed_library("c") / "lib/libcodewren.so"
    command = [sys.executable, ROOT / "scripts/damage/run.py", "c_bundles", tmp_path / "state.json", "--cases", "400"]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"CODEWREN_LIBRARY": str(library), "PATH": ""}
    )
    assert ended.returncode == 0, ended.stderr
    state = json.loads((tmp_path / "state.json").read_text())
    assert state["faults"] == []
    assert sum(count for kind, count in state["counts"].items() if kind.endswith("answered")) > 40
    assert not [kind for kind in state["counts"] if "Python alone" in kind]
