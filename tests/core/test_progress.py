"""Progress: lines in a log, one line that is drawn again in a notebook, nothing when quiet."""

import io
import sys

import pytest

from codewren.core import progress
from codewren.core.progress import Bar

NotebookStream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})


def drawn(monkeypatch, stream, **options):
    seconds = iter(range(0, 1000, 10))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(seconds)))
    monkeypatch.setattr(sys, "stderr", stream)
    with Bar("distil", 4, **options) as bar:
        for _ in range(4):
            bar.advance(note="loss 0.1")
    return stream.getvalue()


def test_a_log_gets_a_line_in_half_a_minute_and_one_at_the_end(monkeypatch):
    lines = drawn(monkeypatch, io.StringIO()).splitlines()
    assert [line.split()[1] for line in lines] == ["3/4", "4/4"]
    assert lines[-1].startswith("distil: 4/4 in ") and lines[-1].endswith("s  loss 0.1")


def test_a_notebook_gets_one_line_that_is_drawn_again(monkeypatch):
    text = drawn(monkeypatch, NotebookStream())
    assert text.count("\n") == 1 and text.endswith("\n")
    assert [line.split()[1] for line in text.strip().split("\r")] == ["1/4", "2/4", "3/4", "4/4", "4/4"]


@pytest.mark.parametrize("stream", [io.StringIO, NotebookStream])
def test_quiet_prints_nothing(monkeypatch, stream):
    assert drawn(monkeypatch, stream(), quiet=True) == ""
