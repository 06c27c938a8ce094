"""How many requests one ingress replica works on at once, found out while it works.

A fixed bound is either too low for short requests or lets long ones wait for seconds. What tells is
how long the stages are waited for: while nobody waits the limit grows, when most wait too long it
shrinks, and whoever comes over it is refused at once, before any work is done.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_ROUND_S = 0.2
_SHRINK = 0.9
_GROW = 1.1
_IN_USE = 0.8
"""From this share of it on, the limit counts as made use of."""
_FEWEST = 16
"""So many are always admitted: their waiting costs little, and finds out when things are better."""


class AdmissionLimit:
    """A bound on concurrent requests between 16 and `max_requests`.

    In rounds: it shrinks by a factor when more than half of the requests in a round waited longer
    than the target, else it grows while it is made use of.

    Args:
        max_requests: The highest limit, and the first one.
        target_wait_s: What a request may wait for its stages, their work excluded.
        now: Clock in seconds; monotonic.

    Source: Chiu and Jain, Analysis of the Increase and Decrease Algorithms for Congestion Avoidance
    in Computer Networks, Computer Networks and ISDN Systems 17, 1989.
    """

    def __init__(
        self,
        *,
        max_requests: int,
        target_wait_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_requests = max_requests
        self._fewest = min(_FEWEST, max_requests)
        self._target_wait_s = target_wait_s
        self._now = now
        self._limit = float(max_requests)
        self._round_ends_s = now() + _ROUND_S
        self._requests = self._late_requests = self._most_running = self._running = 0
        self._waited_s = 0.0

    @property
    def limit(self) -> int:
        """The bound at this moment."""
        return int(self._limit)

    @property
    def open_requests(self) -> int:
        """Requests that are under way."""
        return self._running

    @property
    def is_reached(self) -> bool:
        """Whether one more would be too many."""
        return self._running >= self.limit

    @contextmanager
    def running(self) -> Iterator[None]:
        """Counts a request as running."""
        self._running += 1
        self._most_running = max(self._most_running, self._running)
        try:
            yield
        finally:
            self._running -= 1

    def observe(self, waited_s: float) -> None:
        """Takes note of one request's wait."""
        self._requests += 1
        self._waited_s += waited_s
        self._late_requests += waited_s > self._target_wait_s
        if self._now() >= self._round_ends_s:
            self._end_round()

    def _end_round(self) -> None:
        if self._late_requests * 2 > self._requests:
            in_use = min(self._limit, float(self._most_running))
            self._limit = max(in_use * _SHRINK, self._fewest)
        elif self._most_running >= self._limit * _IN_USE:
            self._limit = min(max(self._limit * _GROW, self._limit + 1), self._max_requests)
        # A change of the limit shows in the waits of those who come after it.
        self._round_ends_s = self._now() + max(_ROUND_S, self._waited_s / self._requests)
        self._requests = self._late_requests = self._most_running = 0
        self._waited_s = 0.0
