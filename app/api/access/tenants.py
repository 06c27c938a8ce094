"""`/admin/tenants`: for operators."""

import asyncio
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.access.route_scopes import needs
from app.api.access.keeping import AuthorIn, KeysIn, audit
from app.api.requests.dependencies import JSON_BODY, ArgsIn, GatewayIn, ScopeIn
from app.api.wire.access import budgets_of, limits_of, retention_of, tenant_info
from app.operations.erase import erase_tenant
from app.schemas.access import (
    ErasedInfo,
    Erasure,
    TenantChange,
    TenantCreate,
    TenantInfo,
    TenantList,
)
from app.schemas.wire import problem_responses
from deployments.access.records import Tenant
from deployments.contracts.errors import Conflict

router = APIRouter(
    prefix="/admin/tenants",
    tags=["admin"],
    dependencies=[needs("operator")],
    responses=problem_responses(401, 403, 409, 413, 415),
)
TenantIdIn = Annotated[str, Path(min_length=1, max_length=64, examples=["acme"])]


@router.post("", dependencies=JSON_BODY, status_code=201)
async def create_tenant(body: TenantCreate, keys: KeysIn, author: AuthorIn) -> TenantInfo:
    """Makes a tenant, whose documents nobody else sees."""
    wanted = Tenant(
        body.id,
        body.name,
        limits_of(body.limits),
        budgets_of(body.budgets),
        retention=retention_of(body.retention),
    )
    return tenant_info(await asyncio.to_thread(keys.create_tenant, wanted, by=author))


@router.get("")
async def list_tenants(
    keys: KeysIn,
    after: Annotated[str, Query(max_length=64, description="The last id of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> TenantList:
    """Lists tenants by id."""
    found = await asyncio.to_thread(keys.tenants, after=after, limit=limit + 1)
    page = [tenant_info(tenant) for tenant in found[:limit]]
    return TenantList(tenants=page, next=page[-1].id if len(found) > limit else None)


@router.get("/{tenant_id}")
async def get_tenant(tenant_id: TenantIdIn, keys: KeysIn) -> TenantInfo:
    """Returns a tenant, also one that was deleted."""
    return tenant_info(await asyncio.to_thread(keys.tenant, tenant_id))


@router.patch("/{tenant_id}", dependencies=JSON_BODY)
async def change_tenant(
    tenant_id: TenantIdIn, body: TenantChange, keys: KeysIn, author: AuthorIn
) -> TenantInfo:
    """Changes a tenant; what is left out stays as it is."""
    tenant = await asyncio.to_thread(keys.tenant, tenant_id)
    if body.name is not None:
        tenant = replace(tenant, name=body.name)
    if body.limits is not None:
        tenant = replace(tenant, limits=limits_of(body.limits))
    if body.budgets is not None:
        tenant = replace(tenant, budgets=budgets_of(body.budgets))
    if body.retention is not None:
        tenant = replace(tenant, retention=retention_of(body.retention))
    return tenant_info(await asyncio.to_thread(keys.change_tenant, tenant, by=author))


@router.delete("/{tenant_id}")
async def delete_tenant(tenant_id: TenantIdIn, keys: KeysIn, author: AuthorIn) -> TenantInfo:
    """Ends a tenant: none of its keys opens anything any more. Its id stays taken."""
    return tenant_info(await asyncio.to_thread(keys.delete_tenant, tenant_id, by=author))


@router.post("/{tenant_id}/erase")
async def erase(
    tenant_id: TenantIdIn, keys: KeysIn, scope: ScopeIn, gateway: GatewayIn, args: ArgsIn
) -> Erasure:
    """Removes everything of a deleted tenant that holds its text, and says what, place by place.
    Sums of usage and the audit log stay. Ask again for what a place that is away has left."""
    tenant = await asyncio.to_thread(keys.tenant, tenant_id)
    if tenant.deleted_s is None:
        raise Conflict(f"The tenant '{tenant_id}' may still write: delete it first.")
    await audit(gateway, scope, "tenant.erase", tenant_id)
    idempotent, cache, kept = gateway.idempotent, gateway.cache, gateway.conversations
    places = await erase_tenant(
        tenant_id,
        gateway.releases.indexes(),
        gateway.batches,
        scope.within(args.ingest_timeout_s),
        tracker=gateway.tracker,
        answers=None if idempotent is None else lambda: idempotent.erase_tenant(tenant_id),
        cache=None if cache is None else lambda: cache.forget_tenant(tenant_id),
        conversations=None if kept is None else lambda: kept.erase_tenant(tenant_id),
    )
    return Erasure(
        tenant=tenant_id,
        is_done=all(place.is_done for place in places),
        places=[ErasedInfo.model_validate(place, from_attributes=True) for place in places],
    )
