"""Results of earlier scans, by hash of the content and of the bundle.

One SQLite file that several scans may use at once. It holds nothing executable, every entry carries a checksum, and a
damaged file is thrown away. Losing it costs time only.
"""

import hashlib
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")

MAX_CACHE_BYTES = 256_000_000
KEY_BYTES = 20
_FILE = "scan-1.sqlite"
_CHECKSUM_BYTES = 4
_SECONDS_A_DAY = 86_400
_WAIT_S = 2.0


def content_key(content: bytes, *context: str) -> bytes:
    """Key of a file's results; `context` is whatever else they depend on, beginning with the hash of the bundle."""
    digest = hashlib.sha256(content)
    for part in context:
        digest.update(len(part).to_bytes(4, "big") + part.encode())
    return digest.digest()[:KEY_BYTES]


class Cache:
    """Bytes by key, in a folder; every trouble is told through `note` and costs only what was cached."""

    def __init__(self, folder: Path, note: Callable[[str], None], *, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self.path = folder / _FILE
        self._note = note
        self._max_bytes = max_bytes
        self._today = int(time.time()) // _SECONDS_A_DAY
        self._used: list[bytes] = []
        self._database: sqlite3.Connection | None = None
        self._started_afresh = False

    def __enter__(self) -> Self:
        self._attempt(self._open)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._used:
            self._attempt(self._mark_used)
        self._close()

    def get(self, key: bytes) -> bytes | None:
        """The bytes put under a key, or None."""
        row = self._attempt(lambda: self._select(key))
        if row is None:
            return None
        used, value = row
        if not isinstance(value, bytes) or value[:_CHECKSUM_BYTES] != _checksum(value[_CHECKSUM_BYTES:]):
            self._discard("an entry does not match its checksum")
            return None
        if used != self._today:
            self._used.append(key)
        return value[_CHECKSUM_BYTES:]

    def put(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep entries, and drop those unused for longest when the file grows past its limit."""
        rows = [(key, self._today, _checksum(value) + value) for key, value in entries]
        self._attempt(lambda: self._insert(rows))

    def _attempt(self, action: Callable[[], T]) -> T | None:
        """Run an action on the database; when it fails, go on without."""
        try:
            return action()
        except sqlite3.OperationalError as error:  # locked, read-only, disk full
            self._note(f"the cache {self.path} is not used: {error}")
            self._close()
        except (sqlite3.DatabaseError, OverflowError) as error:
            self._discard(str(error))
        except OSError as error:
            self._note(f"the cache {self.path} is not used: {error.strerror or error}")
            self._close()
        return None

    def _open(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._database = sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)
        self._database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS results (key BLOB PRIMARY KEY, used INTEGER NOT NULL, value BLOB NOT NULL)"
        )

    def _select(self, key: bytes) -> tuple[int, bytes] | None:
        if self._database is None:
            return None
        row: tuple[int, bytes] | None = self._database.execute(
            "SELECT used, value FROM results WHERE key = ?", (key,)
        ).fetchone()
        return row

    def _insert(self, rows: list[tuple[bytes, int, bytes]]) -> None:
        if self._database is None or not rows:
            return
        with _transaction(self._database):
            self._database.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", rows)
        while _size_bytes(self._database) > self._max_bytes:
            (count,) = self._database.execute("SELECT count(*) FROM results").fetchone()
            if not count:
                break
            self._database.execute(
                "DELETE FROM results WHERE key IN (SELECT key FROM results ORDER BY used LIMIT ?)", (count // 4 + 1,)
            )
            self._database.execute("PRAGMA incremental_vacuum").fetchall()

    def _mark_used(self) -> None:
        if self._database is not None:
            with _transaction(self._database):
                rows = [(self._today, key) for key in self._used]
                self._database.executemany("UPDATE results SET used = ? WHERE key = ?", rows)

    def _discard(self, reason: str) -> None:
        """Throw the file away and begin a new one, once."""
        self._note(f"the cache {self.path} was damaged ({reason}) and is started afresh")
        self._close()
        if self._started_afresh:
            return
        self._started_afresh = True
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                self.path.with_name(self.path.name + suffix).unlink()
        self._attempt(self._open)

    def _close(self) -> None:
        self._used.clear()
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None


def _checksum(value: bytes) -> bytes:
    return zlib.crc32(value).to_bytes(_CHECKSUM_BYTES, "big")


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _size_bytes(database: sqlite3.Connection) -> int:
    pages, page_bytes = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * page_bytes)
