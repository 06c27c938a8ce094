"""A path with a slash at its end is the one without: answered at once, as a redirect would lose the
body on the way in many clients."""

from starlette.types import ASGIApp, Receive, Scope, Send


class NoTrailingSlash:
    """Takes the slashes at the end of a path away, but for the path `/`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application."""
        if scope["type"] == "http" and scope["path"].endswith("/"):
            # A copy: whoever stands outside still sees what was asked.
            scope = {**scope, "path": scope["path"].rstrip("/") or "/"}
            if isinstance(scope.get("raw_path"), bytes):
                scope["raw_path"] = scope["raw_path"].rstrip(b"/") or b"/"
        await self._app(scope, receive, send)
