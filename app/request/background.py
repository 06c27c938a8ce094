"""Requests that nobody waits for: lines of a batch, which the service asks of itself."""

from dataclasses import dataclass

from app.request.notes import TraceWish

BACKGROUND_KEY = "ragserve.background"
"""Where the ASGI scope of such a request says so. Servers make scopes themselves, and nothing that
a client sends comes to stand there."""


@dataclass(frozen=True, slots=True)
class Background:
    """For whom the service asks itself.

    Attributes:
        key_digest: A digest of the caller's API key, empty without one.
        release: The release that an operator asked for.
        trace_wish: What the caller wants of the trace.
    """

    key_digest: str = ""
    release: str | None = None
    trace_wish: TraceWish = ""
