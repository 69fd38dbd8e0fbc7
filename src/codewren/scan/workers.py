"""Work in forked processes: on all cores, and a crash costs one piece of work instead of the whole run.

Parsers written in C can be driven out of memory by a hostile file. `concurrent.futures` starts slower than a scan of
one file may take, sends arguments through pipes that a fork inherits for nothing, and loses all work when one process
dies.
"""

import os
import select
import struct
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple, NoReturn

from codewren.core.errors import CodewrenError

MEMORY_LIMIT_BYTES = 4 << 30
_REQUEST = struct.Struct("=I")
_REPLY = struct.Struct("=B3xIQ")  # failed, index, length of what follows


class _Worker(NamedTuple):
    pid: int
    requests: int
    replies: BinaryIO


def run_forked(work: Callable[[int], bytes], count: int, jobs: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield (index, `work(index)`) for all indices below `count`, as they are done; None where the process died.

    `work` and what it refers to is inherited, so no thread may be running when the iteration starts.

    Raises:
        CodewrenError: `work` raised; it says what.
    """
    waiting = iter(range(count))
    workers: dict[int, _Worker] = {}
    busy: dict[int, int] = {}
    try:
        for _ in range(min(jobs, count)):
            _start(work, workers, busy, next(waiting))
        while busy:
            for descriptor in select.select(list(busy), [], [])[0]:
                index = busy.pop(descriptor)
                reply = _receive(workers[descriptor].replies)
                following = next(waiting, None)
                if reply is None:
                    _reap(workers.pop(descriptor))
                    if following is not None:
                        _start(work, workers, busy, following)
                elif following is not None and _ask(workers[descriptor], following):
                    busy[descriptor] = following
                elif following is not None:
                    _reap(workers.pop(descriptor))
                    _start(work, workers, busy, following)
                yield index, reply
    finally:
        for worker in workers.values():
            os.close(worker.requests)
        for worker in workers.values():
            _reap(worker, kill=bool(busy), close=False)


def _start(work: Callable[[int], bytes], workers: dict[int, _Worker], busy: dict[int, int], first: int) -> None:
    request_end, requests = os.pipe()
    reply_end, replies = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        for worker in workers.values():
            os.close(worker.requests)  # or the others would outlive the parent
        os.close(requests)
        os.close(reply_end)
        _serve(work, request_end, replies)
    os.close(request_end)
    os.close(replies)
    worker = _Worker(pid, requests, os.fdopen(reply_end, "rb"))
    workers[reply_end], busy[reply_end] = worker, first
    _ask(worker, first)  # one that is dead already closes its replies


def _ask(worker: _Worker, index: int) -> bool:
    """Hand over a piece of work; False when the process has died since its last reply."""
    try:
        os.write(worker.requests, _REQUEST.pack(index))
    except BrokenPipeError:
        return False
    return True


def _serve(work: Callable[[int], bytes], requests: int, replies: int) -> NoReturn:
    status = 1
    try:
        _limit_memory()
        with os.fdopen(replies, "wb") as stream:
            while request := os.read(requests, _REQUEST.size):
                (index,) = _REQUEST.unpack(request)
                try:
                    failed, content = False, work(index)
                except Exception as error:  # reported by the parent
                    name = "" if isinstance(error, CodewrenError) else f"{type(error).__name__}: "
                    failed, content = True, f"{name}{error}".encode("utf-8", "backslashreplace")
                stream.write(_REPLY.pack(failed, index, len(content)))
                stream.write(content)
                stream.flush()
        status = 0
    finally:
        os._exit(status)


def _limit_memory() -> None:
    """Let a parser that runs wild fail to allocate before the machine runs out of memory."""
    try:
        import resource

        with open("/proc/self/statm", "rb") as stream:  # noqa: PTH123  pathlib is not loaded yet
            size = int(stream.read().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or size + MEMORY_LIMIT_BYTES <= hard:
            resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY_LIMIT_BYTES, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        return  # not Linux: no limit


def _receive(replies: BinaryIO) -> bytes | None:
    head = replies.read(_REPLY.size)
    if len(head) < _REPLY.size:
        return None
    failed, _, length = _REPLY.unpack(head)
    content = replies.read(length)
    if len(content) < length:
        return None
    if failed:
        raise CodewrenError(f"a worker process failed: {content.decode('utf-8', 'replace')}")
    return content


def _reap(worker: _Worker, *, kill: bool = False, close: bool = True) -> None:
    import signal

    if kill:
        os.kill(worker.pid, signal.SIGKILL)
    if close:
        os.close(worker.requests)
    worker.replies.close()
    os.waitpid(worker.pid, 0)
