"""A circuit breaker: whether a deployment is asked, decided from what became of earlier calls.

Own code, because the libraries at hand raise one shared error object, whose traceback grows with
every refusal, let any number of calls through when half open, and take a client that leaves for a
success.
Source: Nygard, Release It!, chapter "Stability Patterns", 2007.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.settings.cold.breaker import BreakerArgs, BreakerState
from deployments.contracts.errors import (
    DeadlineExceeded,
    Overloaded,
    RateLimited,
    RequestError,
    Unavailable,
)

_NO_VERDICT = (RequestError, Overloaded, RateLimited, asyncio.CancelledError, GeneratorExit)
"""The caller's fault, a full queue and the caller's leaving say nothing of a stage's health."""


class Guarded:
    """One call under a breaker."""

    def __init__(self, breaker: "Breaker", timeout_s: float) -> None:
        self._breaker = breaker
        self.timeout_s = timeout_s

    def began(self) -> None:
        """Notes that a stream has begun: that is enough to find out that the stage is back, and
        says nothing of how the stream will end."""
        self._breaker.close_for(self)


class Breaker:
    """The breaker of one deployment in one gateway replica.

    Args:
        stage: What errors call the deployment.
        settings: When it opens, and for how long.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self, stage: str, settings: BreakerArgs, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._now = now
        self._failures_in_a_row = 0
        self._rests_until_s: float | None = None
        self._probe: Guarded | None = None
        self._probe_until_s = 0.0

    @property
    def state(self) -> BreakerState:
        """What becomes of the next call."""
        if self._rests_until_s is None:
            return "closed"
        return "open" if self._now() < self._rests_until_s else "half_open"

    @contextmanager
    def guard(self, timeout_s: float) -> Iterator[Guarded]:
        """Runs a call, and learns from how it ends.

        Args:
            timeout_s: Time that the call has.

        Raises:
            Unavailable: the deployment is left alone.
        """
        call = Guarded(self, timeout_s)
        self._admit(call)
        try:
            yield call
        except _NO_VERDICT:
            self._release(call)
            raise
        except Exception as error:
            self._failed(call, error)
            raise
        if self._rests_until_s is None:
            self._failures_in_a_row = 0
        self.close_for(call)

    def close_for(self, call: Guarded) -> None:
        """Lets calls pass again, if this one was to find out whether they may."""
        if call is self._probe:
            self._failures_in_a_row, self._rests_until_s, self._probe = 0, None, None

    def _admit(self, call: Guarded) -> None:
        if self._rests_until_s is None:
            return
        now_s = self._now()
        left_s = self._rests_until_s - now_s
        if self._probe is not None:
            left_s = max(left_s, self._probe_until_s - now_s)
        if left_s > 0:
            raise Unavailable(
                f"The {self._stage} failed several times and is left alone for a moment.",
                self._stage,
                left_s,
            )
        # A probe that does not come back within a rest makes room for the next one.
        self._probe, self._probe_until_s = call, now_s + self._settings.rest_s

    def _release(self, call: Guarded) -> None:
        if call is self._probe:
            self._probe = None

    def _failed(self, call: Guarded, error: Exception) -> None:
        late = isinstance(error, DeadlineExceeded)
        if late and call.timeout_s < self._settings.least_timeout_s:
            self._release(call)
        elif self._rests_until_s is None:
            self._failures_in_a_row += 1
            if self._failures_in_a_row >= self._settings.failures:
                self._rests_until_s = self._now() + self._settings.rest_s
        elif call is self._probe:
            self._rests_until_s, self._probe = self._now() + self._settings.rest_s, None


class Breakers:
    """All breakers of one gateway replica, made when a stage is first asked.

    Args:
        settings: Of each of them.
    """

    def __init__(self, settings: BreakerArgs) -> None:
        self._settings = settings
        self._breakers: dict[tuple[str, str], Breaker] = {}

    def of(self, application: str, stage: str) -> Breaker:
        """Returns the breaker of a stage of an application."""
        place = (application, stage)
        if place not in self._breakers:
            self._breakers[place] = Breaker(stage, self._settings)
        return self._breakers[place]

    def states(self) -> dict[tuple[str, str], BreakerState]:
        """Returns the state of each, by application and stage."""
        return {place: breaker.state for place, breaker in self._breakers.items()}
