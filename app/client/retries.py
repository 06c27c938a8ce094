"""When a call is repeated, and how long it waits before: the same for calls that block and calls
that do not.

A repetition must not make things worse. So clients wait a random time, or those that were turned
away together would come back together; and a client of which many calls fail stops repeating, or a
service that is down would get several times its usual load.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tenacity import RetryCallState
from tenacity.stop import stop_after_attempt

from app.client.api_errors import ApiConnectionError, ApiStatusError

Repeat = Literal["always", "unsent"]
"""What may be repeated: a call that changes nothing, or the same when it comes twice, `always`; any
other one only where it is known to have been `unsent`."""

PASSING = frozenset({429, 502, 503, 504})
"""Statuses that the next attempt may not have."""


class RetryBudget:
    """How many repetitions the calls of one client have left together.

    A call that fails takes one token away, one that succeeds gives a tenth back, and while no more
    than half of them are left nothing is repeated. Safe in several threads.

    Args:
        tokens: How many there are at the start, and at most.

    Source: gRPC proposal A6, "Throttling Retry Attempts and Hedged RPCs".
    """

    _REGAINED = 0.1

    def __init__(self, tokens: float = 20.0) -> None:
        self._most = self._left = tokens
        self._lock = threading.Lock()

    @property
    def allows_repetition(self) -> bool:
        """Whether a call that failed may be repeated."""
        return self._left > self._most / 2

    def succeeded(self) -> None:
        """Takes note of a call that was answered."""
        with self._lock:
            self._left = min(self._left + self._REGAINED, self._most)

    def failed(self) -> None:
        """Takes note of a call that a repetition may mend."""
        with self._lock:
            self._left = max(self._left - 1.0, 0.0)


@dataclass(frozen=True)
class Retries:
    """How a client repeats calls.

    Attributes:
        attempts: How often a call is tried at most; 1 repeats nothing.
        first_wait_s: The longest wait before the second attempt; each further one may be twice as
            long.
        max_wait_s: The longest wait at all. Where the service says to come back later than that,
            the call fails at once.
        statuses: Those after which a call is repeated.
        on_connection_errors: Whether it is also repeated where nobody answered.
        budget: What the calls of a client have left together.
    """

    attempts: int = 3
    first_wait_s: float = 0.5
    max_wait_s: float = 30.0
    statuses: frozenset[int] = PASSING
    on_connection_errors: bool = True
    budget: RetryBudget = field(default_factory=RetryBudget)

    def allows(self, error: BaseException, repeat: Repeat) -> bool:
        """Returns whether a call that failed so is worth another attempt, and safe."""
        if not self._may_pass(error):
            return False
        self.budget.failed()
        return self._is_safe(error, repeat) and self.budget.allows_repetition

    def wait_s(
        self, error: BaseException | None, attempt: int, draw: Callable[[float], float]
    ) -> float:
        """Returns the seconds before the next attempt: a random time that may be twice as long with
        each attempt. Where the service said when to come back, it is that time, and up to as much
        again.

        Args:
            error: How the latest attempt failed.
            attempt: How many there have been.
            draw: Returns a random number between 0 and its argument.

        Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (the variant
        with full jitter).
        """
        longest_s = min(self.first_wait_s * 2.0 ** (attempt - 1), self.max_wait_s)
        told_s = _told_s(error)
        if told_s is None:
            return draw(longest_s)
        return told_s + draw(min(told_s, longest_s))

    def rules(self, repeat: Repeat) -> dict[str, Any]:
        """Returns what tenacity's `Retrying` and `AsyncRetrying` are to do."""

        def is_worth_it(state: RetryCallState) -> bool:
            error = _error(state)
            return error is not None and self.allows(error, repeat)

        def wait(state: RetryCallState) -> float:
            return self.wait_s(_error(state), state.attempt_number, _draw)

        stop = stop_after_attempt(self.attempts)
        return {"retry": is_worth_it, "wait": wait, "stop": stop, "reraise": True}

    def _may_pass(self, error: BaseException) -> bool:
        if isinstance(error, ApiStatusError):
            return error.status in self.statuses and (_told_s(error) or 0.0) <= self.max_wait_s
        return isinstance(error, ApiConnectionError) and self.on_connection_errors

    def _is_safe(self, error: BaseException, repeat: Repeat) -> bool:
        unsent = isinstance(error, ApiConnectionError) and not error.was_sent
        return repeat == "always" or unsent


def _draw(longest_s: float) -> float:
    return random.uniform(0.0, longest_s)


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _told_s(error: BaseException | None) -> float | None:
    return error.retry_after_s if isinstance(error, ApiStatusError) else None
