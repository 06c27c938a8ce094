"""`GET /v1/usage`: what was used, and what it cost. Operators see all, a caller its own."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Depends, Header, Query, Response

from app.access.check import UNKNOWN_KEY
from app.access.principals import is_registered
from app.access.route_scopes import needs
from app.api.requests.dependencies import GatewayIn, ScopeIn
from app.api.wire.usage import usage_csv, usage_report
from app.schemas.usage import UsageReport
from app.schemas.wire import problem_responses
from deployments.activity import Dimension, TrackerStage, UsageQuery
from deployments.contracts.errors import Forbidden, InvalidRequest, NotFound, Unauthorized

router = APIRouter(prefix="/v1", tags=["usage"], dependencies=[needs("usage")])
_DEFAULT_DAYS = 30
_CSV = "text/csv"
_DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
_DAY = Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2026-11-01"])
_Name = Annotated[str | None, Query(max_length=256)]


@dataclass(frozen=True, slots=True)
class Readable:
    """Whose usage a caller may see: of one tenant, of one key, or all of it."""

    tenant: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class UsageWish:
    """What the query string asks for."""

    query: UsageQuery
    as_csv: bool


async def usage_wish(
    by: Annotated[
        str,
        Query(
            max_length=64,
            description=f"What the rows are told apart by: of {', '.join(_DIMENSIONS)}, with commas"
            " between.",
            examples=["day,release"],
        ),
    ] = "day",
    first: Annotated[
        str | None, _DAY, Query(alias="from", description="By default 30 days with the last one.")
    ] = None,
    last: Annotated[
        str | None, _DAY, Query(alias="to", description="By default today, in UTC.")
    ] = (None),
    key: Annotated[str | None, Query(max_length=64, description="Only this id of a key.")] = None,
    tenant: Annotated[str | None, Query(max_length=64, description="Only this tenant.")] = None,
    release: _Name = None,
    model: _Name = None,
    format: Annotated[Literal["json", "csv"] | None, Query(description="Or by `Accept`.")] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> UsageWish:
    """Returns the query.

    Raises:
        InvalidRequest: a day is none, or comes after the last one; a dimension is none.
    """
    to_day = datetime.now(UTC).date() if last is None else _day("to", last)
    before = date.fromordinal(max(to_day.toordinal() - _DEFAULT_DAYS + 1, 1))
    from_day = before if first is None else _day("from", first)
    if from_day > to_day:
        raise _invalid("from", f"{from_day} is after {to_day}.")
    query = UsageQuery(
        *(from_day.isoformat(), to_day.isoformat(), _dimensions(by), key, release, model),
        tenant=tenant,
    )
    wants_csv = _CSV in accept.lower() and "json" not in accept.lower()
    return UsageWish(query, format == "csv" or (format is None and wants_csv))


async def readable(scope: ScopeIn) -> Readable:
    """Returns whose usage the caller may see.

    Raises:
        Unauthorized: the request has no key.
        Forbidden: the key has no usage of its own.
    """
    principal = scope.principal
    if principal.is_operator:
        return Readable()
    if not principal.key_id:
        raise Unauthorized("Send an API key to see its usage, or the operators' key to see all.")
    if is_registered(principal.key_id):
        return Readable(tenant=principal.tenant)
    if scope.notes.usage_key == UNKNOWN_KEY:
        raise Forbidden(
            "The usage of this key is not counted apart. Operators add its id "
            f"{scope.notes.key_id} to `recording.known_keys`."
        )
    return Readable(key=scope.notes.usage_key)


@router.get(
    "/usage",
    response_model=UsageReport,
    response_model_exclude_none=True,
    responses={
        200: {"content": {_CSV: {"schema": {"type": "string"}}}},
        **problem_responses(401, 403),
    },
)
async def usage(
    wish: Annotated[UsageWish, Depends(usage_wish)],
    readable: Annotated[Readable, Depends(readable)],
    scope: ScopeIn,
    gateway: GatewayIn,
) -> UsageReport | Response:
    """Returns requests, tokens and cost by day, tenant, key, release, model or version of the
    prices: for a key of a tenant, those of its tenant. What ended in the last two seconds may be
    missing."""
    query = wish.query
    if readable.tenant is not None:
        if query.tenant not in (None, readable.tenant):
            raise Forbidden("Only operators see the usage of other tenants.")
        query = query.of_tenant(readable.tenant)
    if readable.key is not None:
        if query.key_id not in (None, readable.key):
            raise Forbidden("Only operators see the usage of other keys.")
        query = query.of_key(readable.key)
    rows = await _tracker(gateway.tracker).usage(query, call=scope.call())
    if wish.as_csv:
        return Response(usage_csv(query, rows), media_type=_CSV)
    return usage_report(query, rows)


def _tracker(tracker: TrackerStage | None) -> TrackerStage:
    if tracker is None:
        raise NotFound("This service has no control application; see docs/usage.md.")
    return tracker


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _invalid(field, f"'{text}' is no day; send one such as 2026-11-01.") from None


def _dimensions(by: str) -> tuple[Dimension, ...]:
    names = [name.strip() for name in by.split(",") if name.strip()]
    known: dict[str, Dimension] = {name: name for name in _DIMENSIONS}
    unknown = [name for name in names if name not in known]
    if unknown or len(set(names)) < len(names):
        what = ", ".join(unknown) or "a name that comes twice"
        raise _invalid("by", f"Rows cannot be told apart by {what}; use {', '.join(known)}.")
    return tuple(known[name] for name in names)


def _invalid(field: str, message: str) -> InvalidRequest:
    detail = {"field": f"query.{field}", "message": message, "type": "value_error"}
    return InvalidRequest(message, errors=(detail,))
