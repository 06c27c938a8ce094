"""Whether a store that failed is asked: after some failures in a row it is left alone for a while,
so that requests do not wait for it one after the other; then one call finds out whether it is
back."""

import logging
import time
from collections.abc import Callable

_log = logging.getLogger("ray.serve")
_FAILURES = 3
_REST_S = 1.0
"""Time the store is left alone: it costs one late call each, and coming back is noticed soon."""


class StoreAway(Exception):
    """A store does not answer, or not in time. It never leaves the room that asked."""


class Circuit:
    """Counts what became of the calls of one store; used by one thread.

    Args:
        store: What the log calls it.
        meanwhile: What the log says is done as long as it is away.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self, store: str, meanwhile: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._meanwhile = meanwhile
        self._now = now
        self._failures = 0
        self._rests_until_s = 0.0
        self.failed_calls = 0
        """Calls that failed, since the start."""

    @property
    def is_away(self) -> bool:
        """Whether the store is left alone at this moment, or was when it was last asked."""
        return self._failures >= _FAILURES

    @property
    def may_ask(self) -> bool:
        """Whether the store is to be asked."""
        return not self.is_away or self._now() >= self._rests_until_s

    def failed(self, error: StoreAway) -> None:
        """Notes that a call failed."""
        self.failed_calls += 1
        self._failures += 1
        self._rests_until_s = self._now() + _REST_S
        if self._failures == _FAILURES:
            _log.error("%s is away (%s): %s", self._store, error, self._meanwhile)

    def succeeded(self) -> None:
        """Notes that a call came back."""
        if self.is_away:
            _log.warning("%s is back", self._store)
        self._failures = 0
