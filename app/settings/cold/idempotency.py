"""Settings of requests that may be sent again."""

from pydantic import Field

from deployments.settings import Settings


class IdempotencyArgs(Settings):
    """What becomes of requests that have an `Idempotency-Key`."""

    kept_s: float = Field(default=86_400.0, ge=60, le=30 * 86_400)
    """An answer is given again for so long."""

    max_detached: int = Field(default=32, ge=0, le=1024)
    """Requests whose client has left, and whose work goes on all the same, in one ingress replica.
    Over it, work ends as its client leaves."""
