"""When a deployment that fails is left alone."""

from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import Field

from deployments.settings import Settings

BreakerState = Literal["closed", "half_open", "open"]
"""Calls pass; one call finds out; calls are refused."""

BreakerStates = Callable[[], Mapping[tuple[str, str], BreakerState]]
"""Returns the state of each breaker, by application and stage."""


class BreakerArgs(Settings):
    """A circuit breaker for each deployment that a gateway replica asks: after some failures in a
    row it is not asked for a while, and callers are told at once."""

    failures: int = Field(default=5, ge=1)
    """Calls that fail in a row until the deployment is left alone. What a caller did wrong, a full
    queue and a client that left are no failures."""

    least_timeout_s: float = Field(default=1.0, ge=0)
    """A call that was late is a failure if it had so much time; that less was not enough says
    nothing of the deployment."""

    rest_s: float = Field(default=5.0, gt=0, le=600)
    """Time it is left alone; then one call finds out whether it works again. Less than an engine
    needs to come back finds it soon after."""
