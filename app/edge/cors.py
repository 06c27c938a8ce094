"""Which pages of other sites may read the answers, open in a browser."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

_READABLE = (
    *("X-Request-ID", "Retry-After", "Server-Timing", "X-Ragserve-Release", "X-Ragserve-Ignored"),
    *("traceparent", "retry-after-ms", "x-should-retry", "RateLimit", "RateLimit-Policy"),
    *(
        f"x-ratelimit-{part}-{what}"
        for part in ("limit", "remaining", "reset")
        for what in ("requests", "tokens")
    ),
    "x-ragserve-degraded",
)
"""Headers of an answer that a page may read beside its body."""
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
_REMEMBERED_S = 600


def cors_middlewares(origins: Sequence[str]) -> list[Middleware]:
    """Returns what answers the questions of browsers: none where no page may ask.

    Any header may be sent, as clients of OpenAI's kind send many of their own; cookies may not, as
    nothing here reads them.
    """
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=list(_METHODS),
            allow_headers=["*"],
            expose_headers=list(_READABLE),
            max_age=_REMEMBERED_S,
        )
    ]


def readable_by(origins: Sequence[str], app: ASGIApp) -> ASGIApp:
    """Returns an application whose answers pages from these origins may read."""
    for middleware in cors_middlewares(origins):
        app = middleware.cls(app, *middleware.args, **middleware.kwargs)
    return app
