"""Trials, and any other work in pieces, on a `dask.distributed` cluster given by the address of its scheduler."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codewren.core.errors import CodewrenError, InputError, MissingExtraError
from codewren.search.trials.runner import Attempt, attempt
from codewren.search.trials.trial import Evaluate, Request


@dataclass(frozen=True, slots=True)
class DaskCluster:
    """Workers anywhere.

    A trial whose worker is killed is given to another one; a trial that kills every worker it meets is given up by
    the scheduler (after its setting `distributed.scheduler.allowed-failures`) and recorded as failed.

    Attributes:
        address: of the scheduler, such as `tcp://10.0.0.1:8786`.
        timeout_s: how long to wait for it.
        no_worker_s: how long a cluster may have no worker; after a tenth of it, that is said.
    """

    address: str
    timeout_s: float = 30.0
    no_worker_s: float = 300.0

    def run(self, evaluate: Evaluate, requests: Sequence[Request]) -> Iterator[tuple[int, Attempt]]:
        """Yield the place and outcome of every request, in the order they end.

        Raises:
            CodewrenError: the cluster has had no worker for `no_worker_s`.
            InputError: no scheduler answers at the address.
            MissingExtraError: `distributed` is not installed.
        """
        for index, outcome in self.calls(attempt, [(evaluate, request) for request in requests]):
            yield index, _given_up(outcome) if isinstance(outcome, BaseException) else outcome

    def calls(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """Yield the place and result of a call for each tuple of arguments, or the error it was given up with.

        Raises:
            CodewrenError: the cluster has had no worker for `no_worker_s`.
            InputError: no scheduler answers at the address.
            MissingExtraError: `distributed` is not installed.
        """
        if not arguments:
            return
        client = self._client()
        try:
            yield from _gathered(_Watch(client, self.address, self.no_worker_s), function, arguments)
        finally:
            client.close()

    def _client(self) -> Any:
        try:
            from distributed import Client
        except ImportError:
            raise MissingExtraError("distributed", "distributed") from None
        try:
            return Client(self.address, timeout=self.timeout_s)
        except (OSError, ValueError) as error:
            raise InputError(
                f"no dask scheduler answers at {self.address} ({error}); start one with: dask scheduler"
            ) from None


class _Watch:
    """A cluster that may lose its last worker: a worker that dies while it starts is not started again."""

    def __init__(self, client: Any, address: str, no_worker_s: float) -> None:
        self.client, self.address, self.no_worker_s = client, address, no_worker_s
        self._alone_since: float | None = None
        self._told = False

    def check(self) -> None:
        """Say that there is no worker, and give up in the end."""
        if self.client.nthreads():
            self._alone_since, self._told = None, False
            return
        now = time.monotonic()
        self._alone_since = now if self._alone_since is None else self._alone_since
        alone_s = now - self._alone_since
        if alone_s >= self.no_worker_s:
            raise CodewrenError(
                f"the dask cluster at {self.address} has had no worker for {alone_s:.0f} s; "
                f"start some with: dask worker {self.address}; then run again"
            )
        if alone_s >= self.no_worker_s / 10 and not self._told:
            self._told = True
            print(f"codewren: no worker at {self.address}; waiting for one", file=sys.stderr)


def _gathered(
    watch: _Watch, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[int, Any]]:
    """Results as they come; a call that was lost is tried once more with the cluster to itself.

    The scheduler blames every call on a worker for its death, so a call may be given up for what its neighbour did;
    alone, the blame is certain.
    """
    from distributed import KilledWorker

    lost = []
    for index, outcome in _finished(watch, function, dict(enumerate(arguments))):
        if isinstance(outcome, KilledWorker):
            lost.append(index)
        else:
            yield index, outcome
    for suspect in sorted(lost):
        yield from _finished(watch, function, {suspect: arguments[suspect]})


def _finished(
    watch: _Watch, function: Callable[..., Any], arguments: Mapping[int, tuple[Any, ...]]
) -> Iterator[tuple[int, Any]]:
    """Place and result, or error, of every call as it ends."""
    from distributed import wait

    waiting = {watch.client.submit(function, *values, pure=False): index for index, values in arguments.items()}
    poll_s = min(5.0, watch.no_worker_s / 20)
    while waiting:
        try:
            done = wait(list(waiting), timeout=poll_s, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            watch.check()
            continue
        for future in done:
            try:
                outcome = _outcome(future, watch.no_worker_s)
            except TimeoutError:
                watch.check()
            else:
                yield waiting.pop(future), outcome


def _outcome(future: Any, timeout_s: float) -> Any:
    """The result of a call, or its error.

    The state of a future is no answer: a result that lay on a worker which has died since is computed again, and the
    future is pending once more.

    Raises:
        TimeoutError: it is not there yet.
    """
    try:
        return future.result(timeout=timeout_s)
    except TimeoutError as error:
        if future.status == "error":  # the call's own
            return error
        raise
    except Exception as error:
        return error


def _given_up(error: BaseException) -> Attempt:
    return Attempt(0.0, error=f"{type(error).__name__}: {' '.join(str(error).split())}"[:500])
