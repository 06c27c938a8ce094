"""Who calls: what is kept between the requests of one caller, and what only operators may ask for.

The gate has found out who it is, and whether they may be here at all.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Header

from app.api.dependencies import GatewayIn, ScopeIn
from app.releases.assignment import Assignment
from app.releases.releases import Releases
from app.request.principal import Principal
from app.request.scope import RequestScope
from deployments.access.records import Scope
from deployments.contracts.errors import Forbidden, InvalidRequest, Unauthorized

RELEASE_HEADER = "X-Ragserve-Release"
"""Says in an answer who gave it; an operator may also ask for a release by it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request.

    Args:
        principal: Whoever the gate says it is.
        forced_release: The release that an operator asked for.
    """

    principal: Principal
    forced_release: str | None = None

    def assign(self, releases: Releases, scope: RequestScope) -> Assignment:
        """Returns who answers this caller: by the session or user that the request names, else by
        the API key, and where nothing else is left by the request's id.

        Raises:
            Forbidden: the key may ask none of the releases.
        """
        if self.forced_release is None:
            named = scope.notes.session or scope.notes.user
            assigned = releases.assign(named or self.principal.key_id or scope.request_id)
            return self._allowed(assigned, releases)
        if self.forced_release not in releases.names():
            raise InvalidRequest(f"There is no release '{self.forced_release}'.")
        return Assignment(self.forced_release)

    def _allowed(self, assigned: Assignment, releases: Releases) -> Assignment:
        """Returns the assignment, or another release where the key may not ask this one."""
        if self.principal.may_ask(assigned.release):
            return assigned
        allowed = [name for name in releases.names() if self.principal.may_ask(name)]
        if not allowed:
            raise Forbidden("The key may ask none of the releases of this service.")
        weights = releases.weights()
        return Assignment(max(allowed, key=lambda name: (weights.get(name, 0.0), name)))


async def caller(
    gateway: GatewayIn,
    scope: ScopeIn,
    x_ragserve_release: Annotated[
        str | None,
        Header(max_length=256, description="A release to answer; for operators, by their key."),
    ] = None,
    x_ragserve_trace: Annotated[
        Literal["keep", "none"] | None,
        Header(description="Whether the trace of the request is kept whatever comes, or none is."),
    ] = None,
) -> Caller:
    """Returns the caller of a request.

    Raises:
        Unauthorized, Forbidden: a release was asked for without the operators' key.
        Forbidden: there is to be no trace, and the operators do not allow that.
    """
    if scope.background is not None:
        # Checked when the batch was begun.
        return Caller(scope.principal, scope.background.release)
    if x_ragserve_release is not None:
        require_scope(scope, "operator")
    if x_ragserve_trace == "none" and not gateway.releases.settings().recording.allow_opt_out:
        raise Forbidden(
            "The operators of this service keep traces: X-Ragserve-Trace: none is not allowed."
        )
    return Caller(scope.principal, x_ragserve_release)


def require_scope(scope: RequestScope, needed: Scope) -> None:
    """Makes sure that whoever asks has a scope, for what only a part of a route needs.

    Raises:
        Unauthorized, Forbidden: they have not.
    """
    principal = scope.principal
    if principal.is_operator or needed in principal.scopes:
        return
    if not principal.key_id:
        raise Unauthorized(f"Send a key with the scope '{needed}': Authorization: Bearer <key>.")
    raise Forbidden(f"The key does not open this: it has not the scope '{needed}'.")


def release_header(release: str | None) -> dict[str, str]:
    """Returns the header that names who answered."""
    return {} if release is None else {RELEASE_HEADER: release}


CallerIn = Annotated[Caller, Depends(caller)]
CALLERS = [Depends(caller)]
