"""A reader never sees half a file."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.core import files
from codewren.core.errors import InputError


def test_a_full_disk_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "x"
    files.write_bytes(path, b"old")
    with pytest.raises(InputError, match="No space left"), files.atomic_write(path) as stream:
        stream.write(b"new")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_the_caller_leaves_the_old_file_too(tmp_path):
    path = tmp_path / "x"
    files.write_bytes(path, b"old")
    with pytest.raises(ZeroDivisionError), files.atomic_write(path) as stream:
        stream.write(b"new")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_round_trip(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "v.json"
    files.write_json(path, value)
    assert files.read_json(path) == value


def test_reading_says_what_is_wrong(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        files.read_json(tmp_path / "none")
    (tmp_path / "bad").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        files.read_json(tmp_path / "bad")
    with pytest.raises(InputError, match="cannot read"):
        files.file_sha256(tmp_path / "none")
    (tmp_path / "deep").write_text("[" * 100_000)
    with pytest.raises(InputError, match="not JSON"):
        files.read_json(tmp_path / "deep")
    with pytest.raises(InputError, match="cannot read"):
        files.read_json(tmp_path)


def test_a_byte_order_mark_before_json_is_no_part_of_it(tmp_path):
    (tmp_path / "v.json").write_bytes(b"\xef\xbb\xbf[1]")
    assert files.read_json(tmp_path / "v.json") == [1]


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    files.write_bytes(path, b"new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert path.is_fifo()


def test_a_device_stays_one():
    files.write_bytes(Path(os.devnull), b"new")
    assert Path(os.devnull).is_char_device()


def test_standard_output_is_appended_to_where_it_is_a_file(tmp_path):
    code = "from pathlib import Path; from codewren.core.files import write_bytes\n"
    code += "print('first', flush=True); write_bytes(Path('/dev/stdout'), b'second\\n')"
    with (tmp_path / "log").open("w") as log:
        subprocess.run([sys.executable, "-c", code], check=True, stdout=log)
    assert (tmp_path / "log").read_text() == "first\nsecond\n"


def test_what_a_link_points_to_is_replaced(tmp_path):
    (tmp_path / "target").write_bytes(b"old")
    for name, target in (("link", "target"), ("dangling", "sub/new")):
        (tmp_path / name).symlink_to(target)
        files.write_bytes(tmp_path / name, b"new")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / target).read_bytes() == b"new"


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077, 0o002])
def test_a_new_file_has_the_mode_of_the_umask_and_a_replaced_one_its_own(tmp_path, umask):
    before = os.umask(umask)
    try:
        files.write_bytes(tmp_path / "x", b"1")
        assert (tmp_path / "x").stat().st_mode & 0o777 == 0o666 & ~umask
        (tmp_path / "x").chmod(0o640)
        files.write_bytes(tmp_path / "x", b"2")
        assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)


def test_the_next_write_sweeps_what_a_killed_one_left_long_ago(tmp_path):
    old, other = (tmp_path / f".{name}.123-0123abcd" for name in ("x.json", "x.jsonl"))
    young = tmp_path / ".x.json.124-0123abcd"
    for path in (old, young, other):
        path.write_bytes(b"half")
    for path in (old, other):
        os.utime(path, (1, 1))
    files.write_bytes(tmp_path / "x.json", b"{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, other.name, "x.json"]
