import os
import sqlite3
from pathlib import Path

import pytest

from codewren.scan.cache import Cache, content_key
from codewren.scan.schedule import default_cache_folder


@pytest.fixture
def notes() -> list[str]:
    return []


def filled(folder: Path, notes: list[str]) -> bytes:
    key = content_key(b"text", "model")
    with Cache(folder, notes.append) as cache:
        cache.put([(key, b"value")])
    return key


def test_what_is_put_is_got_by_a_later_run(tmp_path: Path, notes: list[str]) -> None:
    key = filled(tmp_path / "new" / "folder", notes)
    with Cache(tmp_path / "new" / "folder", notes.append) as cache:
        assert cache.get(key) == b"value"
        assert cache.get(content_key(b"other text", "model")) is None
    assert notes == []


def test_the_key_depends_on_the_text_and_on_every_part_of_the_context() -> None:
    cases = [(b"a", "m"), (b"b", "m"), (b"a", "n"), (b"a", "m", "c"), (b"a", "mc"), (b"a", "c", "m"), (b"a", "", "m")]
    keys = {content_key(content, *context) for content, *context in cases}
    assert len(keys) == len(cases)


@pytest.mark.parametrize(
    "damage", [b"not a database, but long enough to be read as one" * 40, b"SQLite format 3\0junk"]
)
def test_a_damaged_file_is_thrown_away_with_a_note(tmp_path: Path, notes: list[str], damage: bytes) -> None:
    filled(tmp_path, notes)
    path = Cache(tmp_path, notes.append).path
    path.write_bytes(damage)
    key = filled(tmp_path, notes)
    assert len(notes) == 1
    assert "damaged" in notes[0]
    with Cache(tmp_path, notes.append) as cache:
        assert cache.get(key) == b"value"
    assert len(notes) == 1


def test_a_flipped_bit_in_an_entry_is_never_believed(tmp_path: Path, notes: list[str]) -> None:
    key = filled(tmp_path, notes)
    path = Cache(tmp_path, notes.append).path
    with sqlite3.connect(path) as database:
        (value,) = database.execute("SELECT value FROM results").fetchone()
        database.execute("UPDATE results SET value = ?", (value[:-1] + bytes([value[-1] ^ 1]),))
    database.close()
    with Cache(tmp_path, notes.append) as cache:
        assert cache.get(key) is None
        cache.put([(key, b"new")])
        assert cache.get(key) == b"new"
    assert "checksum" in notes[0]


def test_an_entry_of_another_type_is_never_believed(tmp_path: Path, notes: list[str]) -> None:
    key = filled(tmp_path, notes)
    with sqlite3.connect(Cache(tmp_path, notes.append).path) as database:
        database.execute("UPDATE results SET value = 7")
    database.close()
    with Cache(tmp_path, notes.append) as cache:
        assert cache.get(key) is None


def test_a_folder_that_cannot_be_made_costs_only_the_cache(tmp_path: Path, notes: list[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    key = filled(tmp_path / "file" / "cache", notes)
    with Cache(tmp_path / "file" / "cache", notes.append) as cache:
        assert cache.get(key) is None
    assert all("not used" in note for note in notes)
    assert len(notes) == 2


def test_a_locked_cache_costs_only_the_cache(tmp_path: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codewren.scan.cache._WAIT_S", 0.01)
    filled(tmp_path, notes)
    other = sqlite3.connect(Cache(tmp_path, notes.append).path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    key = filled(tmp_path, notes)
    other.execute("ROLLBACK")
    other.close()
    assert "locked" in notes[0]
    with Cache(tmp_path, notes.append) as cache:
        assert cache.get(key) == b"value"


def test_the_file_stays_below_its_limit_and_keeps_what_was_used_last(tmp_path: Path, notes: list[str]) -> None:
    limit = 400_000
    first, second = content_key(b"first"), content_key(b"second")
    with Cache(tmp_path, notes.append, max_bytes=limit) as cache:
        cache.put([(first, b"1" * 1000), (second, b"2" * 1000)])
    with sqlite3.connect(Cache(tmp_path, notes.append).path) as database:
        database.execute("UPDATE results SET used = 5")
    database.close()
    with Cache(tmp_path, notes.append, max_bytes=limit) as cache:
        assert cache.get(first) == b"1" * 1000
    for batch in range(10):
        with Cache(tmp_path, notes.append, max_bytes=limit) as cache:
            cache.put([(content_key(f"{batch}/{index}".encode()), os.urandom(1000)) for index in range(100)])
    assert Cache(tmp_path, notes.append).path.stat().st_size <= limit
    with Cache(tmp_path, notes.append) as cache:
        assert cache.get(second) is None
        kept = [cache.get(content_key(f"{batch}/0".encode())) is not None for batch in range(10)]
    assert 0 < sum(kept) < 10
    assert notes == []


def test_two_scans_may_write_at_once(tmp_path: Path, notes: list[str]) -> None:
    with Cache(tmp_path, notes.append) as one, Cache(tmp_path, notes.append) as two:
        one.put([(b"a", b"1")])
        two.put([(b"b", b"2")])
        assert one.get(b"b") == b"2"
        assert two.get(b"a") == b"1"
    assert notes == []


def test_the_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / "codewren"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative is to be ignored")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_cache_folder() == tmp_path / "home" / ".cache" / "codewren"
