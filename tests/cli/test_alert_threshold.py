"""`codewren scan` alerts above the threshold that was chosen for scanning, where a bundle has one."""

import json

import pytest

from codewren.cli.main import main
from codewren.core.task import CLONE, VULNERABILITY
from students import write_student

C = "int f(void)\n{\n  return w7;\n}\n"
JAVA = "class A {\n int f(int a) {\n  int w7 = a;\n  w7++;\n  w8--;\n  w9 *= 2;\n  return w7;\n }\n}\n"


@pytest.fixture
def scanned(tmp_path, capsys, monkeypatch):
    """Threshold reported, and findings, of a scan."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "a.c").write_text(C)
    (tmp_path / "a.java").write_text(JAVA)
    (tmp_path / "b.java").write_text(JAVA.replace("w8--", "if (w40 > 1) w41(w42, w43)"))

    def scan(task, *arguments, **decision):
        write_student(tmp_path / "x.wren", task=task, **decision)
        with pytest.raises(SystemExit):
            main(
                [
                    "scan",
                    "a.c" if task is VULNERABILITY else ".",
                    "--model",
                    "x.wren",
                    "--format",
                    "json",
                    "--all-clones",
                    *arguments,
                ]
            )
        report = json.loads(capsys.readouterr().out)
        return report["threshold"], len(report["findings"])

    return scan


@pytest.mark.parametrize("task", [VULNERABILITY, CLONE], ids=["vulnerability", "clone"])
def test_the_alert_threshold_takes_the_place_of_the_decision(scanned, task):
    assert scanned(task, threshold=0.0) == (0.0, 1)
    assert scanned(task, threshold=0.0, alert_threshold=1.0) == (1.0, 0)
    assert scanned(task, threshold=1.0, alert_threshold=0.0) == (0.0, 1)


def test_a_threshold_that_is_asked_for_overrides_both(scanned):
    assert scanned(VULNERABILITY, "--threshold", "0", threshold=1.0, alert_threshold=1.0) == (0.0, 1)
