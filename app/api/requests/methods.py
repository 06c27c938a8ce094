"""Which methods a path takes: the answer to OPTIONS, and to a method that it does not take."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

_ORDER = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")


def allowed_methods(request: Request) -> str:
    """Returns the methods of a path, as the header `Allow` lists them."""
    app: FastAPI = request.app
    found = {"OPTIONS"}
    for route in app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    if "GET" in found:
        found.add("HEAD")
    return ", ".join(method for method in _ORDER if method in found)


def options_of(request: Request) -> Response:
    """Returns the answer to OPTIONS (RFC 9110, section 9.3.7)."""
    return Response(status_code=204, headers={"Allow": allowed_methods(request)})
