"""How many requests one ingress replica works on at once, found out while it works.

A fixed bound is either too low for short requests or lets long ones wait for seconds. What tells is
how long the stages are waited for: while nobody waits the limit grows, when most wait too long it
shrinks, and whoever comes over it is refused at once, before any work is done.
"""

import time
from collections.abc import Callable

_ROUND_S = 0.2
"""Long enough for a change of the limit to show in the waits."""
_SHRINK = 0.85
_GROW = 1.05
_FEWEST = 16
"""So many are always admitted: their waiting costs little, and finds out when things are better."""


class AdmissionLimit:
    """A bound on concurrent requests between 16 and `max_requests`.

    In rounds: it shrinks by a factor when more than half of the calls in a round waited longer than
    the target, else it grows while it is made use of.

    Args:
        max_requests: The highest limit, and the first one.
        target_wait_s: What a call may wait for a stage, work excluded.
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
        self._calls = self._late_calls = self._most_running = 0

    @property
    def limit(self) -> int:
        """The bound at this moment."""
        return int(self._limit)

    def admits(self, running: int) -> bool:
        """Returns whether one more may run, beside so many."""
        self._most_running = max(self._most_running, running)
        return running < self.limit

    def observe(self, waited_s: float) -> None:
        """Takes note of one call's wait for a stage."""
        self._calls += 1
        self._late_calls += waited_s > self._target_wait_s
        if self._now() >= self._round_ends_s:
            self._end_round()

    def _end_round(self) -> None:
        if self._late_calls * 2 > self._calls:
            in_use = min(self._limit, float(self._most_running))
            self._limit = max(in_use * _SHRINK, self._fewest)
        elif self._most_running >= self._limit * 0.8:
            self._limit = min(max(self._limit * _GROW, self._limit + 1), self._max_requests)
        self._round_ends_s = self._now() + _ROUND_S
        self._calls = self._late_calls = self._most_running = 0
