"""Who calls: what is kept between the requests of one caller, and what only operators may ask for.

Operators show a key, `Authorization: Bearer <RAGSERVE_ADMIN_KEY>`. Where the service has none, its
routes for operators are closed.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Literal

from fastapi import Depends, Header

from app.api.dependencies import GatewayIn, ScopeIn
from app.gateway import Gateway
from app.releases.assignment import Assignment
from app.releases.releases import Releases
from app.request.scope import RequestScope
from deployments.contracts.errors import Forbidden, InvalidRequest, Unauthorized

RELEASE_HEADER = "X-Ragserve-Release"
"""Says in an answer who gave it; an operator may also ask for a release by it."""


Bearer = Annotated[
    str | None, Header(alias="Authorization", max_length=8192, include_in_schema=False)
]

_KEY_ID_DIGITS = 12
UNKNOWN_KEY = "unknown"
"""How usage calls all keys that nobody registered."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request.

    Args:
        key_digest: A digest of the API key, empty without one.
        forced_release: The release that an operator asked for.
    """

    key_digest: str = ""
    forced_release: str | None = None

    def assign(self, releases: Releases, scope: RequestScope) -> Assignment:
        """Returns who answers this caller: by the session or user that the request names, else by
        the API key, and where nothing else is left by the request's id."""
        if self.forced_release is None:
            named = scope.notes.session or scope.notes.user
            return releases.assign(named or self.key_digest or scope.request_id)
        if self.forced_release not in releases.names():
            raise InvalidRequest(f"There is no release '{self.forced_release}'.")
        return Assignment(self.forced_release)


async def caller(
    gateway: GatewayIn,
    scope: ScopeIn,
    authorization: Bearer = None,
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
        _note_key(gateway, scope, scope.background.key_digest)
        return Caller(scope.background.key_digest, scope.background.release)
    key = _key(authorization)
    if x_ragserve_release is not None:
        check_admin_key(gateway.admin_key, key)
    digest = _digest(key)
    _note_key(gateway, scope, digest)
    if x_ragserve_trace == "none" and not gateway.releases.settings().recording.allow_opt_out:
        raise Forbidden(
            "The operators of this service keep traces: X-Ragserve-Trace: none is not allowed."
        )
    return Caller(digest, x_ragserve_release)


async def operator(gateway: GatewayIn, scope: ScopeIn, authorization: Bearer = None) -> None:
    """Lets operators pass, and nobody else.

    Raises:
        Unauthorized, Forbidden: the request has no key, or another one.
    """
    key = _key(authorization)
    _note_key(gateway, scope, _digest(key))
    check_admin_key(gateway.admin_key, key)


def check_admin_key(expected: str, given: str) -> None:
    """Raises Unauthorized or Forbidden unless the key is the right one; takes the same time for
    every wrong one."""
    if not expected:
        raise Forbidden("This is closed: the service has no RAGSERVE_ADMIN_KEY.")
    if not given:
        raise Unauthorized("Send the operators' key: Authorization: Bearer <RAGSERVE_ADMIN_KEY>.")
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass")):
        raise Forbidden("The key does not open this.")


def release_header(release: str | None) -> dict[str, str]:
    """Returns the header that names who answered."""
    return {} if release is None else {RELEASE_HEADER: release}


def _note_key(gateway: Gateway, scope: RequestScope, digest: str) -> None:
    """Notes whose request it is."""
    key_id = scope.notes.key_id = digest[:_KEY_ID_DIGITS]
    is_known = not key_id or is_admin_key(gateway.admin_key, digest)
    if not is_known:
        recording = gateway.releases.settings().recording
        is_known = recording.knows(key_id)
    scope.notes.usage_key = key_id if is_known else UNKNOWN_KEY


def is_admin_key(admin_key: str, digest: str) -> bool:
    """Returns whether a digest is that of the operators' key."""
    return bool(admin_key) and hmac.compare_digest(_digest(admin_key), digest)


def _key(authorization: str | None) -> str:
    scheme, _, key = (authorization or "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _digest(key: str) -> str:
    """Returns what names a key without telling it; empty for none."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest() if key else ""


CallerIn = Annotated[Caller, Depends(caller)]
CALLERS = [Depends(caller)]
OPERATORS = [Depends(operator)]
