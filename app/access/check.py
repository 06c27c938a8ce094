"""The first thing that the gate asks of a request: who sends it, and whether they may."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers

from app.access.principals import OPERATOR_ID, Authenticator, is_registered, require
from app.access.route_scopes import RouteScopes
from app.request.principal import ANONYMOUS, Principal

UNKNOWN_KEY = "unknown"
"""How usage calls all keys that nobody registered."""


@dataclass(frozen=True, slots=True)
class AccessCheck:
    """Tells who asks, and refuses what they may not.

    Args:
        authenticator: Tells who asks.
        routes: Knows what each route asks for.
        knows: Returns whether the settings name a key's id that is none of the service's own.
    """

    authenticator: Authenticator
    routes: RouteScopes
    knows: Callable[[str], bool]

    async def admit(self, method: str, path: str, headers: Headers) -> Principal:
        """Returns who asks.

        Raises:
            Unauthorized: they must say so, or their key holds no more.
            Forbidden: their key does not open this.
            Unavailable: it cannot be told at this moment.
        """
        need = self.routes.of(method, path)
        if need == "public":
            return ANONYMOUS
        principal = await self.authenticator.identify(headers)
        if need != "any":
            require(principal, need, has_operators=self.authenticator.has_operators)
        return principal

    def usage_key(self, principal: Principal) -> str:
        """Returns how usage calls a principal's key: strings that callers make up are one."""
        key_id = principal.key_id
        known = not key_id or key_id == OPERATOR_ID or is_registered(key_id)
        return key_id if known or self.knows(key_id) else UNKNOWN_KEY
