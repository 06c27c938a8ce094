"""Who calls: what is kept between the requests of one caller, and what only operators may ask for.

The gate has found out who it is, and whether they may be here at all.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Header, Request

from app.access.principals import require
from app.api.requests.dependencies import gateway_of, scope_of
from app.gateway import Gateway
from app.releases.assignment import Assignment
from app.releases.releases import Releases
from app.request.principal import Principal
from app.request.scope import RequestScope
from app.schemas.wire import RELEASE_HEADER
from deployments.contracts.errors import Forbidden, InvalidRequest


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
        return Assignment(self.forced_release, is_forced=scope.background is None)

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
    request: Request,
    x_ragserve_release: Annotated[
        str | None,
        Header(max_length=256, description="A release to answer; for operators, by their key."),
    ] = None,
    _trace: Annotated[
        Literal["keep", "none"] | None,
        Header(
            alias="x-ragserve-trace",
            description="Whether the trace of the request is kept whatever comes, or none is.",
        ),
    ] = None,
) -> Caller:
    """Returns the caller of a request; raises as `caller_of`."""
    return caller_of(scope_of(request), gateway_of(request), x_ragserve_release)


def caller_of(scope: RequestScope, gateway: Gateway, forced_release: str | None = None) -> Caller:
    """Returns the caller of a request that may ask for a release by its name.

    Raises:
        Unauthorized, Forbidden: a release was asked for without the operators' key.
        Forbidden: there is to be no trace, and the operators do not allow that.
    """
    if scope.background is not None:
        # Checked when the batch was begun.
        return Caller(scope.principal, scope.background.release)
    if forced_release is not None:
        has_operators = gateway.authenticator.has_operators
        require(scope.principal, frozenset({"operator"}), has_operators=has_operators)
    wants_none = scope.notes.trace_wish == "none"
    if wants_none and not gateway.releases.settings().recording.allow_opt_out:
        raise Forbidden(
            "The operators of this service keep traces: X-Ragserve-Trace: none is not allowed."
        )
    return Caller(scope.principal, forced_release)


def release_header(release: str | None) -> dict[str, str]:
    """Returns the header that names who answered."""
    return {} if release is None else {RELEASE_HEADER: release}


CallerIn = Annotated[Caller, Depends(caller)]
CALLERS = [Depends(caller)]
