"""`/v1/audit`: who changed what."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from app.access.route_scopes import needs
from app.api.access.keeping import KeysIn, readable_tenant
from app.api.requests.dependencies import ScopeIn
from app.api.wire.access import audit_info
from app.schemas.access import AuditPage, AuditVerification
from app.schemas.wire import problem_responses
from deployments.access.audit import AuditQuery
from deployments.contracts.errors import InvalidRequest

router = APIRouter(
    prefix="/v1/audit",
    tags=["admin"],
    dependencies=[needs("admin")],
    responses=problem_responses(401, 403),
)


@router.get("")
async def list_audit(
    keys: KeysIn,
    scope: ScopeIn,
    after: Annotated[int, Query(ge=0, description="The last number of the page before.")] = 0,
    before: Annotated[
        int | None,
        Query(
            ge=1,
            le=2**62,
            description="Lists the newest first, from the one with this number on; as `after` but "
            "the other way round.",
        ),
    ] = None,
    newest: Annotated[bool, Query(description="Lists the newest first, from the last on.")] = False,
    actor: Annotated[
        str, Query(max_length=256, description="Only what this one changed, by its id or name.")
    ] = "",
    action: Annotated[
        str, Query(max_length=64, description="Only this action, or those that begin like it.")
    ] = "",
    object: Annotated[str, Query(max_length=256, description="Only what was changed of it.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> AuditPage:
    """Lists what was changed, oldest first or newest first: of the key's tenant, and for operators
    of all."""
    if before is not None and after:
        raise InvalidRequest("Send `after` or `before`, not both.")
    wanted = AuditQuery(
        readable_tenant(scope),
        after=after,
        before=before,
        is_newest_first=newest or before is not None,
        actor=actor,
        action=action,
        target=object,
        limit=limit + 1,
    )
    found = await asyncio.to_thread(keys.audit, wanted)
    page = [audit_info(entry) for entry in found[:limit]]
    return AuditPage(entries=page, next=page[-1].number if len(found) > limit else None)


@router.get("/verification", dependencies=[needs("operator")])
async def verify_audit(keys: KeysIn) -> AuditVerification:
    """Reads the whole log, and says whether it is as it was written."""
    found = await asyncio.to_thread(keys.verify_audit)
    return AuditVerification(
        intact=found.broken_at is None,
        entries=found.rows,
        broken_at=found.broken_at,
        reason=found.reason,
    )
