"""How many requests somebody waits for, at this moment and lately: what work of the background
stands back for."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Foreground:
    """Counts the requests of one replica that are under way and have somebody waiting.

    Args:
        now: Clock in seconds; monotonic.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._last_s = -float("inf")
        self.open_requests = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Counts a request while the block runs."""
        self.open_requests += 1
        try:
            yield
        finally:
            self.open_requests -= 1
            self._last_s = self._now()

    def quiet_s(self) -> float:
        """Returns for how long there has been none."""
        return 0.0 if self.open_requests else self._now() - self._last_s
