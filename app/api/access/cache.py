"""`/admin/cache`: deletes answers that would be given again; for operators."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.access.route_scopes import needs
from app.api.access.keeping import audit
from app.api.requests.dependencies import GatewayIn, ScopeIn
from app.schemas.access import ForgottenAnswers
from app.schemas.wire import problem_responses
from deployments.contracts.errors import InvalidRequest, NotFound
from deployments.contracts.tenants import DEFAULT_TENANT

router = APIRouter(
    prefix="/admin/cache",
    tags=["admin"],
    dependencies=[needs("operator")],
    responses=problem_responses(401, 403),
)


@router.delete("")
async def forget_answers(
    scope: ScopeIn,
    gateway: GatewayIn,
    tenant: Annotated[str, Query(min_length=1, max_length=64)] = DEFAULT_TENANT,
    user: Annotated[
        str | None, Query(min_length=1, max_length=256, description="As requests named them.")
    ] = None,
    document_id: Annotated[str | None, Query(min_length=1, max_length=256)] = None,
) -> ForgottenAnswers:
    """Deletes the kept answers to a user of a tenant, or those made from a document, or all of the
    tenant's. None of them is given again after that, nor one that was being written meanwhile."""
    cache = gateway.cache
    if cache is None:
        raise NotFound("This service has no response cache: RAGSERVE_CACHE_URL is not set.")
    if user is not None and document_id is not None:
        raise InvalidRequest("Name a user or a document, not both.")
    await audit(gateway, scope, "cache.forget", tenant)
    if user is not None:
        count = await cache.forget_user(tenant, user)
    elif document_id is not None:
        count = await cache.forget_documents(tenant, [document_id])
    else:
        count = await cache.forget_tenant(tenant)
    return ForgottenAnswers(tenant=tenant, answers=count)
