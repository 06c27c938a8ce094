"""How long a client that waits for something bears a service that is away."""

import time

from app.client.api_errors import ApiConnectionError, ApiError, ApiStatusError
from app.client.retries import PASSING

POLL_S = 2.0
PATIENCE_S = 300.0
"""A gateway that was killed is back by then, or somebody has to look."""


class Patience:
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
