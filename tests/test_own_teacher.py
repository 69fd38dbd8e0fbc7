"""The worked example of the makers' guide runs, and the guide shows what it does."""

import re
import sys
from pathlib import Path
from runpy import run_path

import pytest

import codewren

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples/own_teacher.py"


def test_the_guide_shows_the_recipe_of_the_example():
    guide = (ROOT / "docs/making.md").read_text(encoding="utf-8")
    shown = re.findall(r"```toml\n(.*?)```", guide, flags=re.DOTALL)
    assert run_path(str(EXAMPLE))["RECIPE"] in shown


def test_a_foreign_teacher_becomes_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["own_teacher.py", "--out", str(tmp_path / "own"), "--functions", "300"])
    run_path(str(EXAMPLE), run_name="__main__")
    student = codewren.load(tmp_path / "own/student.wren")
    assert student.task.labels == ("quiet", "raises")
    assert (tmp_path / "own/student.wren").stat().st_size < 100_000
    assert student.predict(["def f(x):\n    return x"])[0].name in student.task.labels
