"""How much work one ingress replica takes on at once, found out while it works.

A fixed bound is either too low for short requests or lets long ones wait for seconds. What tells is
how long the stages are waited for: while nobody waits the limit grows, when most wait too long for
a while it shrinks, and whoever comes over it is refused at once, before any work is done.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.edge.fair_share import FairShare
from deployments.contracts.errors import Overloaded
from deployments.contracts.tenants import DEFAULT_TENANT

_ROUND_S = 0.2
_SHRINK = 0.9
_GROW = 1.1
_IN_USE = 0.8
"""From this share of it on, the limit counts as made use of."""
_FEWEST = 16
"""So many are always admitted: their waiting costs little, and finds out when things are better."""
_FEWEST_JUDGED = 8
"""Fewer requests say nothing: one that waited long may have waited for itself."""
_STALE_S = 10.0
"""A round that does not come to so many requests by then is forgotten."""
_LATE_ROUNDS = 2
"""A burst makes one late round; what makes two in a row is load that lasts."""
_DOUBLES_S = 20.0
"""Time in which the limit doubles by itself: what was true of a load that has gone must not be held
against the next one. Slow beside a round, in which it loses a tenth."""


class Permit:
    """One request's place among those under way.

    Attributes:
        weight: How many requests it counts as.
        tenant: Whose it is.
    """

    def __init__(self, limit: "AdmissionLimit", tenant: str) -> None:
        self._limit = limit
        self.tenant = tenant
        self.weight = 1

    def weigh(self, weight: int) -> None:
        """Has the request count as so many, once it is known how much work it is.

        Raises:
            Overloaded: there is no room for that beside the others, or the tenant has its share.
                What is more than the whole limit is let in alone.
        """
        self._limit.enlarge(self, weight - self.weight)
        self.weight = weight


class AdmissionLimit:
    """A bound on concurrent requests between 16 and `max_requests`.

    In rounds of at least eight requests: it shrinks by a factor when more than half of the requests
    waited longer than the target in two rounds in a row, else it grows while it is made use of. And
    it grows with time.

    Args:
        max_requests: The highest limit, and the first one.
        target_wait_s: What a request may wait for its stages, their work excluded.
        now: Clock in seconds; monotonic.

    Source: Chiu and Jain, Analysis of the Increase and Decrease Algorithms for Congestion Avoidance
    in Computer Networks, Computer Networks and ISDN Systems 17, 1989. That only a standing queue
    counts: Nichols and Jacobson, Controlling Queue Delay, ACM Queue 10, 2012.
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
        self._set_limit = float(max_requests)
        self._set_at_s = now()
        self._running = 0
        self._shares = FairShare()
        self._most_running = 0
        self._late_rounds = 0
        self._begin_round(_ROUND_S)

    @property
    def limit(self) -> int:
        """The bound at this moment."""
        return int(self._limit())

    @property
    def open_requests(self) -> int:
        """Requests that are under way, by their weight."""
        return self._running

    @property
    def is_reached(self) -> bool:
        """Whether one more would be too many."""
        return self._running >= self.limit

    @contextmanager
    def running(self, tenant: str = DEFAULT_TENANT) -> Iterator[Permit]:
        """Counts a request as running.

        Raises:
            Overloaded: there is no room for it, or none for its tenant beside the others.
        """
        if self.is_reached or not self._shares.allows(tenant, 1, limit=self.limit):
            raise too_many_requests()
        permit = Permit(self, tenant)
        self._add(tenant, 1)
        try:
            yield permit
        finally:
            self._running -= permit.weight
            self._shares.add(tenant, -permit.weight)

    def enlarge(self, permit: Permit, extra: int) -> None:
        """Adds to what a running request counts as; see `Permit.weigh`."""
        others = self._running - permit.weight
        if others and self._running + extra > self.limit:
            raise too_many_requests()
        # What is large is let in alone, and beside others only within its tenant's share.
        has_more = self._shares.running(permit.tenant) > permit.weight
        if has_more and not self._shares.allows(permit.tenant, extra, limit=self.limit):
            raise too_many_requests()
        self._add(permit.tenant, extra)

    def observe(self, waited_s: float) -> None:
        """Takes note of one request's wait."""
        now_s = self._now()
        if now_s - self._round_began_s > _STALE_S:
            self._late_rounds = 0
            self._begin_round(_ROUND_S)
        self._requests += 1
        self._waited_s += waited_s
        self._late_requests += waited_s > self._target_wait_s
        if now_s >= self._round_ends_s and self._requests >= min(_FEWEST_JUDGED, self._fewest):
            self._end_round()

    def _add(self, tenant: str, weight: int) -> None:
        self._running += weight
        self._shares.add(tenant, weight)
        self._most_running = max(self._most_running, self._running)

    def _limit(self) -> float:
        if self._set_limit >= self._max_requests:
            return float(self._max_requests)
        passed_s = self._now() - self._set_at_s
        grown = self._set_limit * math.pow(2.0, passed_s / _DOUBLES_S)
        return min(grown, float(self._max_requests))

    def _end_round(self) -> None:
        late = self._late_requests * 2 > self._requests
        self._late_rounds = self._late_rounds + 1 if late else 0
        limit = self._limit()
        if late:
            # What it grew by with time was too much.
            limit = self._set_limit
            if self._late_rounds >= _LATE_ROUNDS:
                limit = max(min(limit, float(self._most_running)) * _SHRINK, self._fewest)
            self._set(limit)
        elif self._most_running >= limit * _IN_USE:
            self._set(min(max(limit * _GROW, limit + 1), self._max_requests))
        # A change of the limit shows in the waits of those who come after it.
        self._begin_round(max(_ROUND_S, self._waited_s / self._requests))

    def _set(self, limit: float) -> None:
        self._set_limit, self._set_at_s = limit, self._now()

    def _begin_round(self, length_s: float) -> None:
        self._round_began_s = self._now()
        self._round_ends_s = self._round_began_s + length_s
        self._requests = self._late_requests = 0
        self._most_running = self._running
        self._waited_s = 0.0


def too_many_requests() -> Overloaded:
    """Returns what a request is told for which there is no room."""
    return Overloaded("The gateway has all it can work on; retry shortly.", "gateway", 1.0)
