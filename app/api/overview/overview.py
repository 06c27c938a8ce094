"""`/admin/overview`: the last minutes and the replicas at a glance; for operators.

It asks two deployments that no question goes through, and needs no metrics server.
"""

import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query

from app.access.route_scopes import needs
from app.api.requests.dependencies import GatewayIn, ScopeIn
from app.api.wire.overview import (
    NOTHING,
    application_infos,
    gateway_infos,
    minute_infos,
    release_infos,
    total_info,
)
from app.schemas.overview import Overview
from app.schemas.wire import problem_responses
from deployments.contracts.errors import NotFound, StageError
from deployments.recent_activity import RecentActivity
from deployments.service_state import ServiceState
from deployments.serving.concurrently import gather_or_cancel

router = APIRouter(
    prefix="/admin",
    tags=["admin"],
    dependencies=[needs("operator")],
    responses=problem_responses(401, 403),
)
Answer = TypeVar("Answer")
_TIMEOUT_S = 5.0


@router.get("/overview")
async def get_overview(
    scope: ScopeIn,
    gateway: GatewayIn,
    minutes: Annotated[int, Query(ge=1, le=120, description="How many, with this one.")] = 15,
) -> Overview:
    """Returns what was asked in the last minutes and how long it took, stage by stage, how busy the
    gateway is, and which replicas run. What ended in the last six seconds may be missing."""
    control, tracker = gateway.control, gateway.tracker
    if control is None or tracker is None:
        raise NotFound("This service has no control application; see docs/console.md.")
    now_s = time.time()
    first_minute = int(now_s // 60) - minutes + 1
    call = scope.within(_TIMEOUT_S).call()
    missing: list[str] = []
    recent, state = await gather_or_cancel(
        _or_none(tracker.recent(first_minute=first_minute, call=call), "tracker", missing),
        _or_none(control.state(call=call), "rollout controller", missing),
    )
    recent = recent or RecentActivity(first_minute, {}, {}, NOTHING)
    state = state or ServiceState({}, [])
    return Overview(
        at=datetime.fromtimestamp(now_s, UTC),
        minutes=minute_infos(recent, now_s=now_s),
        total=total_info(recent, now_s=now_s),
        releases=release_infos(recent, now_s=now_s),
        gateways=gateway_infos(state),
        applications=application_infos(state),
        weights=dict(gateway.releases.weights()),
        missing=missing,
    )


async def _or_none(answer: Awaitable[Answer], who: str, missing: list[str]) -> Answer | None:
    """Returns an answer; where there is none, notes who has not given it."""
    try:
        return await answer
    except StageError:
        missing.append(who)
        return None
