"""A header of the protocol promises nothing about memory: what it announces is read within bounds."""

import io
import json
import resource
import subprocess
import sys

import pytest

from codewren.editor import bounded_input
from codewren.editor.bounded_input import LONGEST_HEADER_BYTES, BoundedInput

LIMIT_BYTES = 3_000_000_000  # of address space: a gigantic body could not be made room for


def test_a_message_within_bounds_is_handed_on_as_it_is() -> None:
    stream = BoundedInput(io.BytesIO(b"Content-Length: 2\r\n\r\n{}rest"))
    assert [stream.readline(), stream.readline(), stream.read(2)] == [b"Content-Length: 2\r\n", b"\r\n", b"{}"]


def test_a_message_that_is_too_large_is_skipped_to_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bounded_input, "LARGEST_MESSAGE_BYTES", 10)
    stream = BoundedInput(io.BytesIO(b"x" * 3_000_000 + b"next"))
    assert json.loads(stream.read(3_000_000))["method"].startswith("$/")  # which a server may ignore
    assert stream.read(4) == b"next"
    assert capsys.readouterr().err == "codewren: skipped a message of 3000000 bytes; at most 10 are read\n"


def test_a_header_without_an_end_is_read_in_parts() -> None:
    stream = BoundedInput(io.BytesIO(b"x" * 5_000))
    assert len(stream.readline()) == LONGEST_HEADER_BYTES


def test_the_server_outlives_what_no_memory_could_hold() -> None:
    pytest.importorskip("pygls")
    header = f"Content-Length: {10**15}\r\n\r\n"
    ended = subprocess.run(
        [sys.executable, "-m", "codewren", "lsp"],
        input=(header + "{}").encode(),
        check=False,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES)),
    )
    said = ended.stderr.decode()
    assert (ended.returncode, said.count("\n")) == (0, 1), said
    assert "skipped a message of 1000000000000000 bytes" in said
