"""Who keeps the batches of this service, and whose of them a caller sees."""

from typing import Annotated

from fastapi import Depends

from app.api.caller import Caller, CallerIn, is_admin_key
from app.api.dependencies import GatewayIn, ScopeIn
from app.gateway import Gateway
from app.request.scope import RequestScope
from deployments.batches.contract import BatchStage
from deployments.batches.owners import owner_of
from deployments.contracts.errors import NotFound


def keeper_of(gateway: Gateway) -> BatchStage:
    """Returns who keeps batches.

    Raises:
        NotFound: nobody does.
    """
    if gateway.batches is None:
        raise NotFound("This service has no control application, which keeps batches.")
    return gateway.batches


async def keeper(gateway: GatewayIn) -> BatchStage:
    """Returns who keeps batches, or raises NotFound."""
    return keeper_of(gateway)


async def readable_owner(gateway: GatewayIn, caller: CallerIn, scope: ScopeIn) -> str | None:
    """Returns whose batches a caller sees: those of its own key, or those of its tenant's callers
    without one; operators see all, which is None."""
    if is_admin_key(gateway.admin_key, caller.key_digest):
        return None
    return writing_owner(caller, scope)


def writing_owner(caller: Caller, scope: RequestScope) -> str:
    """Returns whose the batches are that a caller makes."""
    return owner_of(scope.principal.tenant, scope.principal.key_id or caller.key_digest)


KeeperIn = Annotated[BatchStage, Depends(keeper)]
OwnerIn = Annotated[str | None, Depends(readable_owner)]
"""Whose batches and files the caller sees."""
