"""`/admin/keys`: make keys, look at them, rotate and revoke them. A key with the scope `admin` does
so for its tenant, an operator for all."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.access.route_scopes import needs
from app.api.access.keeping import AuthorIn, KeysIn, maker_of, readable_tenant
from app.api.requests.dependencies import JSON_BODY, ScopeIn
from app.api.wire.access import budgets_of, key_fields, key_info, limits_of
from app.request.scope import RequestScope
from app.schemas.access import KeyChange, KeyCreate, KeyInfo, KeyList, KeyRotate, NewKey
from app.schemas.wire import problem_responses
from deployments.access.records import Key
from deployments.access.store import AccessStore
from deployments.access.subset import require_subset
from deployments.contracts.errors import InvalidRequest, NotFound

router = APIRouter(
    prefix="/admin/keys",
    tags=["admin"],
    dependencies=[needs("admin")],
    responses=problem_responses(401, 403, 409, 413, 415),
)
KeyIdIn = Annotated[str, Path(min_length=1, max_length=64, examples=["key_3fJk2LmNp0Qr"])]


@router.post("", dependencies=JSON_BODY, status_code=201)
async def create_key(body: KeyCreate, keys: KeysIn, author: AuthorIn, scope: ScopeIn) -> NewKey:
    """Makes a key. Its secret is in the answer, and nowhere else. It opens no more than the key
    that makes it."""
    wanted = Key(
        id="",
        tenant=body.tenant or scope.principal.tenant,
        name=body.name,
        scopes=frozenset(body.scopes),
        groups=_names(body.groups),
        releases=_names(body.releases),
        limits=limits_of(body.limits),
        budgets=budgets_of(body.budgets),
        expires_s=_future(body.expires_at),
    )
    require_subset(wanted, maker_of(scope))
    made, secret = await asyncio.to_thread(keys.create_key, wanted, by=author)
    return NewKey.model_validate({**key_fields(made), "secret": secret})


@router.get("")
async def list_keys(
    keys: KeysIn,
    scope: ScopeIn,
    tenant: Annotated[
        str | None, Query(max_length=64, description="Only its keys; for operators.")
    ] = None,
    after: Annotated[str, Query(max_length=64, description="The last id of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> KeyList:
    """Lists keys by id, revoked ones included."""
    own = readable_tenant(scope)
    if own is not None and tenant not in (None, own):
        return KeyList(keys=[])
    found = await asyncio.to_thread(keys.keys, own or tenant, after=after, limit=limit + 1)
    page = [key_info(key) for key in found[:limit]]
    return KeyList(keys=page, next=page[-1].id if len(found) > limit else None)


@router.get("/{key_id}")
async def get_key(key_id: KeyIdIn, keys: KeysIn, scope: ScopeIn) -> KeyInfo:
    """Returns a key, without its secret."""
    return key_info(await _readable(key_id, keys, scope))


@router.patch("/{key_id}", dependencies=JSON_BODY)
async def change_key(
    key_id: KeyIdIn, body: KeyChange, keys: KeysIn, author: AuthorIn, scope: ScopeIn
) -> KeyInfo:
    """Changes a key; its secret stays, and so does what is left out."""
    key = await _readable(key_id, keys, scope)
    if body.name is not None:
        key = replace(key, name=body.name)
    if body.scopes is not None:
        key = replace(key, scopes=frozenset(body.scopes))
    if body.groups is not None or "groups" in body.unset:
        key = replace(key, groups=_names(body.groups))
    if body.releases is not None or "releases" in body.unset:
        key = replace(key, releases=_names(body.releases))
    if body.limits is not None:
        key = replace(key, limits=limits_of(body.limits))
    if body.budgets is not None:
        key = replace(key, budgets=budgets_of(body.budgets))
    if body.expires_at is not None or "expires_at" in body.unset:
        key = replace(key, expires_s=_future(body.expires_at))
    require_subset(key, maker_of(scope))
    return key_info(await asyncio.to_thread(keys.change_key, key, by=author))


@router.post("/{key_id}/rotate", dependencies=JSON_BODY, status_code=201)
async def rotate_key(
    key_id: KeyIdIn, body: KeyRotate, keys: KeysIn, author: AuthorIn, scope: ScopeIn
) -> NewKey:
    """Makes a further secret for a key; the one before it still holds for some time."""
    await _readable(key_id, keys, scope)
    key, secret = await asyncio.to_thread(keys.rotate_key, key_id, keeps_s=body.keeps_s, by=author)
    return NewKey.model_validate({**key_fields(key), "secret": secret})


@router.delete("/{key_id}")
async def revoke_key(key_id: KeyIdIn, keys: KeysIn, author: AuthorIn, scope: ScopeIn) -> KeyInfo:
    """Revokes a key: within two seconds it opens nothing any more, on no replica."""
    await _readable(key_id, keys, scope)
    return key_info(await asyncio.to_thread(keys.revoke_key, key_id, by=author))


async def _readable(key_id: str, keys: AccessStore, scope: RequestScope) -> Key:
    """Returns a key that the caller may see; others are not there for it."""
    key = await asyncio.to_thread(keys.key, key_id)
    if readable_tenant(scope) not in (None, key.tenant):
        raise NotFound(f"There is no key '{key_id}'.")
    return key


def _names(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _future(at: datetime | None) -> float | None:
    if at is None:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    if at <= datetime.now(UTC):
        detail = {"field": "expires_at", "message": "is over", "type": "value_error"}
        raise InvalidRequest("`expires_at` is over already.", errors=(detail,))
    return at.timestamp()
