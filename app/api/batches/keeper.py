"""Who keeps the batches of this service, and whose of them a caller sees."""

from typing import Annotated

from fastapi import Depends

from app.api.requests.caller import Caller
from app.api.requests.dependencies import GatewayIn, ScopeIn
from app.gateway import Gateway
from app.request.principal import Principal
from app.request.scope import RequestScope
from deployments.batches.contract import BatchStage, Submitter
from deployments.batches.owners import owner_text
from deployments.contracts.errors import NotFound


def keeper_of(gateway: Gateway) -> BatchStage:
    """Returns who keeps batches.

    Raises:
        NotFound: nobody does.
    """
    if gateway.batches is None:
        raise NotFound("This service has no control application, which keeps batches.")
    return gateway.batches


def owner_of(principal: Principal) -> str:
    """Returns how a caller's batches and files are told from others'."""
    return owner_text(principal.tenant, principal.key_id)


def submitter_of(caller: Caller, scope: RequestScope) -> Submitter:
    """Returns for whom lines run that a caller hands in now."""
    groups = caller.principal.groups
    return Submitter(
        owner_of(caller.principal),
        caller.forced_release,
        scope.notes.trace_wish,
        None if groups is None else tuple(sorted(groups)),
    )


async def keeper(gateway: GatewayIn) -> BatchStage:
    """Returns who keeps batches, or raises NotFound."""
    return keeper_of(gateway)


async def readable_owner(scope: ScopeIn) -> str | None:
    """Returns whose batches a caller sees: those of its own key, or those of callers without one;
    operators see all, which is None."""
    return None if scope.principal.is_operator else owner_of(scope.principal)


KeeperIn = Annotated[BatchStage, Depends(keeper)]
OwnerIn = Annotated[str | None, Depends(readable_owner)]
"""Whose batches and files the caller sees."""
