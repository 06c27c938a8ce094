"""Whether a deployment has a replica at all: where it has none, nobody should wait for one.

A handle of Serve queues calls until a replica is there, however long that takes. While one is
replaced in place that is minutes, of which the deadline of a request is a part.
"""

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from deployments.contracts.errors import Unavailable

PATIENCE_S = 1.0
"""For so long a deployment may be without a replica before calls to it fail: one that is replaced
while others go on is not, and one that starts may come at any moment."""
_LOOK_EVERY_S = 0.25
_RETRY_AFTER_S = 2.0


class Cancellable(Protocol):
    """A call on its way."""

    def cancel(self) -> object:
        """Ends it."""
        ...


Response = TypeVar("Response", bound=Cancellable)


class ReplicaWatch:
    """Ends calls to one deployment that no replica is there for.

    Args:
        stage: What errors call it.
    """

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._none_since_s = math.inf

    @contextmanager
    def over(self, handle: object, send: Callable[[], Response]) -> Iterator[Response]:
        """Sends a call, and cancels it when there is no replica to take it; what awaits it is then
        told that it was stopped. A call that a replica has taken is left to it: replicas that stop
        end what they have begun.

        Args:
            handle: That of the deployment.
            send: Makes the call with it.

        Raises:
            Unavailable: there has been no replica for `PATIENCE_S`.
        """
        if self._is_given_up(handle):
            raise Unavailable(
                f"The {self._stage} has no replica at the moment: it starts, or is being replaced.",
                self._stage,
                _RETRY_AFTER_S,
            )
        response = send()
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def look() -> None:
            nonlocal timer
            if is_taken(response):
                return
            if self._is_given_up(handle):
                response.cancel()
            else:
                timer = loop.call_later(_LOOK_EVERY_S, look)

        timer = loop.call_later(_LOOK_EVERY_S, look)
        try:
            yield response
        finally:
            timer.cancel()

    def _is_given_up(self, handle: object) -> bool:
        if has_replicas(handle):
            self._none_since_s = math.inf
            return False
        now_s = asyncio.get_running_loop().time()
        self._none_since_s = min(self._none_since_s, now_s)
        return now_s - self._none_since_s >= PATIENCE_S


def has_replicas(handle: Any) -> bool:
    """Returns whether a handle knows of a replica; True where that cannot be told."""
    return replica_count(handle) != 0


def replica_count(handle: Any) -> int:
    """Returns how many replicas a handle knows of; 1 where that cannot be told, as before its first
    call. Serve has no public way to ask."""
    try:
        router = handle._router._asyncio_router.request_router
        return 1 if router is None else len(router.curr_replicas)
    except AttributeError:
        return 1


def is_taken(response: Any) -> bool:
    """Returns whether a replica has been found for a call; True where that cannot be told."""
    future = getattr(response, "_replica_result_future", None)
    return future is None or future.done()
