"""One writer at a time: a lock on a file, which the system releases when the process ends however it ends."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codewren.core.errors import InputError

_POLL_S = 0.05


@contextmanager
def locked(path: Path, wait_s: float) -> Iterator[bool]:
    """Hold the lock on a file; False when another process still has it after `wait_s` seconds.

    Raises:
        InputError: the file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another folder for the index") from error
    try:
        deadline = time.monotonic() + wait_s
        has_it = _try_lock(descriptor)
        while not has_it and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            has_it = _try_lock(descriptor)
        yield has_it
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return _try_lock_on_windows(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try_lock_on_windows(descriptor: int) -> bool:
    import importlib

    windows = importlib.import_module("msvcrt")
    try:
        windows.locking(descriptor, windows.LK_NBLCK, 1)
    except OSError:
        return False
    return True
