"""A reader never sees half a file."""

import errno

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
