"""Which scope a route asks for: declared at the route, looked up before a body is read.

What declares nothing is closed to all but operators, so that a route that somebody forgets is no
hole.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from fastapi.dependencies.models import Dependant
from fastapi.params import Depends
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match

from deployments.access.records import Scope

Need = frozenset[Scope] | Literal["public", "any"]
"""What a request must have: one of some scopes, nothing at all, or any key."""
_OPERATORS: frozenset[Scope] = frozenset({"operator"})
_NEED = "ragserve_need"
"""Attribute of a route whose declaration was read."""


class ScopeNeeded:
    """A dependency of a route that says who may use it, and does nothing else.

    Args:
        need: What a request must have.
    """

    def __init__(self, need: Need) -> None:
        self.need = need

    async def __call__(self) -> None:
        """Does nothing: the gate has checked it."""


def needs(*scopes: Scope) -> Any:
    """Returns the dependency of a route or a router that asks for one of some scopes."""
    return Depends(ScopeNeeded(frozenset(scopes)))


PUBLIC: Any = Depends(ScopeNeeded("public"))
"""The dependency of what anybody may read: health, and the description of the API."""


class RouteScopes:
    """Finds what a request must have.

    Args:
        routes: All routes of the application; see `read_declarations`.
        public: Paths beside them that anybody may read.
    """

    def __init__(self, routes: Sequence[BaseRoute], public: Sequence[str] = ()) -> None:
        self._fixed: dict[tuple[str, str], Need] = {("GET", path): "public" for path in public}
        self._patterns: list[tuple[APIRoute, Need]] = []
        for route in routes:
            if not isinstance(route, APIRoute):
                continue
            need = need_of(route)
            if "{" in route.path:
                self._patterns.append((route, need))
                continue
            for method in route.methods:
                self._fixed.setdefault((method, route.path), need)

    def with_calls(self, needs: Mapping[str, Need]) -> "RouteScopes":
        """Returns the same, which also knows what calls ask for that are no routes, by their
        path."""
        known = RouteScopes(())
        known._fixed = self._fixed | {("POST", path): need for path, need in needs.items()}
        known._patterns = self._patterns
        return known

    def of(self, method: str, path: str) -> Need:
        """Returns what a request must have. Where there is nothing, any key: nobody else is told
        what there is."""
        method = "GET" if method == "HEAD" else method
        if (method, path) in self._fixed:
            return self._fixed[method, path]
        asked = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
        for route, need in self._patterns:
            if route.matches(asked)[0] is Match.FULL:
                return need
        return "any"


def read_declarations(routes: Sequence[BaseRoute]) -> None:
    """Notes with each route what it declares, itself before its router, and takes the declaration
    out of what FastAPI goes through for each request, where it costs 50 us and does nothing. Must
    come before all that asks what a route needs: one that was not read is for operators."""
    for route in routes:
        if isinstance(route, APIRoute) and (declared := list(_declared(route.dependant))):
            setattr(route, _NEED, declared[-1].need)
            route.dependant.dependencies[:] = [
                dependency
                for dependency in route.dependant.dependencies
                if not isinstance(dependency.call, ScopeNeeded)
            ]


def need_of(route: APIRoute) -> Need:
    """Returns what a route declares; operators' scope where it declares nothing."""
    need: Need = getattr(route, _NEED, _OPERATORS)
    return need


def is_declared(route: APIRoute) -> bool:
    """Returns whether a route says who may use it."""
    return hasattr(route, _NEED)


def _declared(dependant: Dependant) -> Iterator[ScopeNeeded]:
    for dependency in dependant.dependencies:
        call: Callable[..., Any] | None = dependency.call
        if isinstance(call, ScopeNeeded):
            yield call
