"""Trials on a `dask.distributed` cluster, given by the address of its scheduler."""

from collections.abc import Iterator, Sequence
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
        if not requests:
            return
        client = self._client()
        try:
            yield from _gathered(client, evaluate, requests)
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


def _gathered(client: Any, evaluate: Evaluate, requests: Sequence[Request]) -> Iterator[tuple[int, Outcome]]:
    """Outcomes as they come; a trial that was lost is tried once more with the cluster to itself.

    The scheduler blames every trial on a worker for its death, so a trial may be given up for what its neighbour did;
    alone, the blame is certain.
    """
    lost = []
    for place, future in _finished(client, evaluate, list(enumerate(requests))):
        if future.status == "finished":
            yield place, future.result()
        else:
            lost.append(place)
    for suspect in sorted(lost):
        for place, future in _finished(client, evaluate, [(suspect, requests[suspect])]):
            yield place, future.result() if future.status == "finished" else _given_up(future.exception())


def _finished(client: Any, evaluate: Evaluate, requests: Sequence[tuple[int, Request]]) -> Iterator[tuple[int, Any]]:
    from distributed import as_completed

    places = {client.submit(attempt, evaluate, request, pure=False): place for place, request in requests}
    for future in as_completed(places):
        yield places[future], future


def _given_up(error: BaseException) -> Outcome:
    return Outcome(0.0, error=f"{type(error).__name__}: {' '.join(str(error).split())}"[:500])
