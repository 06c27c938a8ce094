"""Where tenants and keys of this service are kept, and who changes them."""

import asyncio
from typing import Annotated

from fastapi import Depends

from app.api.requests.dependencies import GatewayIn, ScopeIn
from app.gateway import Gateway
from app.request.scope import RequestScope
from deployments.access.audit import AuditEntry
from deployments.access.records import Key
from deployments.access.secrets import PEPPER_VARIABLE
from deployments.access.store import AccessStore, Author
from deployments.contracts.errors import NotFound


async def kept_keys(gateway: GatewayIn) -> AccessStore:
    """Returns where tenants and keys are kept.

    Raises:
        NotFound: the service keeps none.
    """
    if gateway.keys is None:
        raise NotFound(f"This service keeps no keys: {PEPPER_VARIABLE} is not set.")
    return gateway.keys


async def author(scope: ScopeIn) -> Author:
    """Returns who asks, for the record."""
    return Author(scope.principal.key_id, scope.request_id)


def maker_of(scope: RequestScope) -> Key:
    """Returns whoever asks as the key whose bounds hold for those that it makes."""
    principal = scope.principal
    return Key(
        id=principal.key_id,
        tenant=principal.tenant,
        name="",
        scopes=principal.scopes,
        groups=principal.groups,
        releases=principal.releases,
        limits=principal.limits,
        budgets=principal.budgets,
        expires_s=principal.expires_s,
    )


def readable_tenant(scope: RequestScope) -> str | None:
    """Returns whose keys and changes a caller may see: of its tenant, or of all, which is None."""
    return None if scope.principal.is_operator else scope.principal.tenant


async def audit(
    gateway: Gateway, scope: RequestScope, action: str, target: str, **changes: object
) -> None:
    """Writes down what is about to be asked of another part of the service. Where it cannot be
    written, nothing is asked: the error goes to the caller. A service that keeps no keys has no
    log."""
    if gateway.keys is None:
        return
    entry = AuditEntry(
        actor=scope.principal.key_id,
        tenant=scope.principal.tenant,
        action=action,
        target=target,
        outcome="asked",
        request_id=scope.request_id,
        changes=changes,
    )
    await asyncio.to_thread(gateway.keys.note, [entry])


KeysIn = Annotated[AccessStore, Depends(kept_keys)]
AuthorIn = Annotated[Author, Depends(author)]
