"""How long a client that waits for something bears a service that is away."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.client.api_errors import ApiConnectionError, ApiError, ApiStatusError
from app.client.retries import PASSING

T = TypeVar("T")
POLL_S = 2.0
PATIENCE_S = 300.0
"""A gateway that was killed is back by then, or somebody has to look."""


class _Patience:
    """Decides whether a service that was there and is away is worth the wait.

    Args:
        patience_s: For how long it may be away.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._until_s = 0.0

    def answered(self) -> None:
        """Takes note of an answer."""
        self._until_s = time.monotonic() + self._patience_s

    def bear(self, error: ApiError) -> None:
        """Raises an error that no waiting mends, or that has lasted too long."""
        passes = isinstance(error, ApiConnectionError) or (
            isinstance(error, ApiStatusError) and error.status in PASSING
        )
        if not passes or time.monotonic() > self._until_s:
            raise error


def wait_until(
    look: Callable[[], T],
    has_ended: Callable[[T], bool],
    *,
    on_progress: Callable[[T], object],
    poll_s: float,
    patience_s: float,
) -> T:
    """Returns what `look` does once that has ended, and tells of it until then; once the service
    has answered, it may be away for as long as `patience_s`.

    Raises:
        ApiError: what no waiting mends, or what has lasted too long.
    """
    patience = _Patience(patience_s)
    while True:
        try:
            now = look()
        except ApiError as error:
            patience.bear(error)
        else:
            patience.answered()
            on_progress(now)
            if has_ended(now):
                return now
        time.sleep(poll_s)


async def await_until(
    look: Callable[[], Awaitable[T]],
    has_ended: Callable[[T], bool],
    *,
    on_progress: Callable[[T], object],
    poll_s: float,
    patience_s: float,
) -> T:
    """`wait_until` with `await`."""
    patience = _Patience(patience_s)
    while True:
        try:
            now = await look()
        except ApiError as error:
            patience.bear(error)
        else:
            patience.answered()
            on_progress(now)
            if has_ended(now):
                return now
        await asyncio.sleep(poll_s)
