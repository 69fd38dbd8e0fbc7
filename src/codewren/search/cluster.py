"""Trials, and any other work in pieces, on a `dask.distributed` cluster given by the address of its scheduler."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codewren.core.errors import InputError, MissingExtraError
from codewren.search.runner import Outcome, attempt
from codewren.search.trial import Evaluate, Request


@dataclass(frozen=True, slots=True)
class DaskCluster:
    """Workers anywhere.

    A trial whose worker is killed is given to another one; a trial that kills every worker it meets is given up by
    the scheduler (after its setting `distributed.scheduler.allowed-failures`) and recorded as failed.

    Attributes:
        address: of the scheduler, such as `tcp://10.0.0.1:8786`.
        timeout_s: how long to wait for it.
    """

    address: str
    timeout_s: float = 30.0

    def run(self, evaluate: Evaluate, requests: Sequence[Request]) -> Iterator[tuple[int, Outcome]]:
        """Yield the place and outcome of every request, in the order they end.

        Raises:
            InputError: no scheduler answers at the address.
            MissingExtraError: `distributed` is not installed.
        """
        for place, outcome in self.calls(attempt, [(evaluate, request) for request in requests]):
            yield place, _given_up(outcome) if isinstance(outcome, BaseException) else outcome

    def calls(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """Yield the place and result of a call for each tuple of arguments, or the error it was given up with.

        Raises:
            InputError: no scheduler answers at the address.
            MissingExtraError: `distributed` is not installed.
        """
        if not arguments:
            return
        client = self._client()
        try:
            yield from _gathered(client, function, arguments)
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


def _gathered(
    client: Any, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[int, Any]]:
    """Results as they come; a call that was lost is tried once more with the cluster to itself.

    The scheduler blames every call on a worker for its death, so a call may be given up for what its neighbour did;
    alone, the blame is certain.
    """
    from distributed import KilledWorker

    lost = []
    for place, future in _finished(client, function, dict(enumerate(arguments))):
        if future.status == "finished":
            yield place, future.result()
        elif isinstance(future.exception(), KilledWorker):
            lost.append(place)
        else:
            yield place, future.exception()
    for suspect in sorted(lost):
        for place, future in _finished(client, function, {suspect: arguments[suspect]}):
            yield place, future.result() if future.status == "finished" else future.exception()


def _finished(
    client: Any, function: Callable[..., Any], arguments: Mapping[int, tuple[Any, ...]]
) -> Iterator[tuple[int, Any]]:
    from distributed import as_completed

    places = {client.submit(function, *given, pure=False): place for place, given in arguments.items()}
    for future in as_completed(places):
        yield places[future], future


def _given_up(error: BaseException) -> Outcome:
    return Outcome(0.0, error=f"{type(error).__name__}: {' '.join(str(error).split())}"[:500])
