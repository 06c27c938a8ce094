"""Requests that nobody waits for: lines of a batch, which the service asks of itself."""

from dataclasses import dataclass

from app.request.notes import TraceWish
from app.request.principal import ANONYMOUS, Principal

BACKGROUND_KEY = "ragserve.background"
"""Where the ASGI scope of such a request says so. Servers make scopes themselves, and nothing that
a client sends comes to stand there."""


@dataclass(frozen=True, slots=True)
class Background:
    """For whom the service asks itself.

    Attributes:
        principal: Who had it asked.
        release: The release that an operator asked for.
        trace_wish: What the caller wants of the trace.
    """

    principal: Principal = ANONYMOUS
    release: str | None = None
    trace_wish: TraceWish = ""
