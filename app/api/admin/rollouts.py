"""`/admin`: rollouts and traffic, for operators with the key."""

from collections import Counter
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from app.access.route_scopes import needs
from app.api.access.keeping import audit
from app.api.admin.calibrations import require_indexes
from app.api.requests.dependencies import JSON_BODY, ArgsIn, GatewayIn, ReleasesIn, ScopeIn
from app.api.wire.rollouts import look_info, rollout_details, rollout_info
from app.gateway import Gateway
from app.operations.reindex import reindex_page
from app.releases.releases import Releases
from app.schemas.admin import (
    LookList,
    ReindexRequest,
    ReindexResponse,
    ReleaseInfo,
    ReleaseList,
    RolloutCommand,
    RolloutDetails,
    RolloutInfo,
    RolloutList,
    RolloutStart,
    TrafficChange,
    TrafficInfo,
)
from app.schemas.documents import Outcome
from app.schemas.wire import problem_responses
from deployments.canary.commands import Command
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.rollouts import ControlStage, RolloutRequest, TrafficOverride

router = APIRouter(
    prefix="/admin",
    tags=["admin"],
    dependencies=[needs("operator")],
    responses=problem_responses(401, 403, 409, 413, 415),
)
RolloutId = Annotated[str, Path(max_length=64, examples=["20260102-150405-3f2a"])]
_COMMANDS: dict[str, Command] = {
    "promote": "promote",
    "abort": "roll_back",
    "pause": "pause",
    "resume": "resume",
    "approve": "approve",
    "advance": "advance",
}


@router.post("/rollouts", dependencies=JSON_BODY, status_code=201)
async def start_rollout(body: RolloutStart, scope: ScopeIn, gateway: GatewayIn) -> RolloutInfo:
    """Begins to try a release: it gets traffic step by step, as long as it is no worse."""
    control, releases = _control(gateway), gateway.releases
    stable = body.stable or releases.main().name
    _require_releases(releases, [stable, body.canary])
    if not releases.weights().get(stable, 0.0):
        raise Conflict(f"{stable} has no traffic; a canary is compared with what has some.")
    if releases.weights().get(body.canary, 0.0) > 0:
        raise Conflict(f"{body.canary} has traffic already; a rollout tries what has none.")
    settings = releases.settings()
    vectors = {
        name: settings.releases[name].model_dump(mode="json") for name in (stable, body.canary)
    }
    request = RolloutRequest(
        stable, body.canary, body.policy, body.mode, body.by, vectors, settings.traffic
    )
    await audit(gateway, scope, "rollout.start", body.canary, stable=stable, by=body.by)
    return rollout_info(await control.start(request, call=scope.call()))


@router.get("/rollouts")
async def list_rollouts(
    scope: ScopeIn, gateway: GatewayIn, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> RolloutList:
    """Lists rollouts, newest first."""
    found = await _control(gateway).rollouts(limit=limit, call=scope.call())
    return RolloutList(rollouts=[rollout_info(one) for one in found])


@router.get("/rollouts/{rollout_id}")
async def get_rollout(rollout_id: RolloutId, scope: ScopeIn, gateway: GatewayIn) -> RolloutDetails:
    """Returns what is known of a rollout: where it is, every metric, every decision."""
    rollout, latest, looks = await _control(gateway).rollout(rollout_id, call=scope.call())
    return rollout_details(rollout, latest, looks)


@router.get("/rollouts/{rollout_id}/looks")
async def list_looks(
    rollout_id: RolloutId,
    scope: ScopeIn,
    gateway: GatewayIn,
    points: Annotated[
        int, Query(ge=2, le=500, description="How many looks, about; fewer than twice as many.")
    ] = 150,
) -> LookList:
    """Returns what was known of each metric from the beginning until now, in looks that lie evenly,
    so that its confidence sequence can be drawn. One is kept every ten seconds at first, and fewer
    the older the rollout is."""
    found = await _control(gateway).looks(rollout_id, points=points, call=scope.call())
    return LookList(looks=[look_info(look) for look in found])


@router.post("/rollouts/{rollout_id}/{command}", dependencies=JSON_BODY)
async def command_rollout(
    rollout_id: RolloutId,
    command: Literal["promote", "abort", "pause", "resume", "approve", "advance"],
    body: RolloutCommand,
    scope: ScopeIn,
    gateway: GatewayIn,
) -> RolloutInfo:
    """Steps in: `promote` and `abort` end it, `pause` and `resume` hold it, `approve` agrees that
    its stage may end, `advance` ends the stage now."""
    control = _control(gateway)
    await audit(gateway, scope, f"rollout.{command}", rollout_id, by=body.by, why=body.reason)
    rollout = await control.command(
        rollout_id,
        _COMMANDS[command],
        by=body.by,
        why=body.reason,
        stage=body.stage,
        call=scope.call(),
    )
    return rollout_info(rollout)


@router.post("/reindex", dependencies=JSON_BODY)
async def reindex(
    body: ReindexRequest, scope: ScopeIn, gateway: GatewayIn, args: ArgsIn
) -> ReindexResponse:
    """Copies a page of documents from one retrieval application to another, while both serve.

    Both must be named by a release: then new documents go to both.
    """
    require_indexes(gateway.releases, {body.source, body.target})
    indexes = gateway.releases.indexes()
    if body.source == body.target:
        raise InvalidRequest("An index cannot be filled from itself.")
    if body.cursor is None:
        await audit(gateway, scope, "reindex", body.target, source=body.source)
    page = await reindex_page(
        indexes[body.source],
        indexes[body.target],
        scope.within(args.ingest_timeout_s).over_all_tenants(),
        after=int(body.cursor or 0),
        limit=body.limit,
    )
    statuses = Counter(outcome.status for outcome in page.outcomes)
    following = page.next_sequence
    return ReindexResponse(
        added=statuses["added"],
        updated=statuses["updated"],
        unchanged=statuses["unchanged"],
        failed=statuses["failed"],
        failures=[
            Outcome.model_validate(outcome)
            for outcome in page.outcomes
            if outcome.status == "failed"
        ],
        total=page.total,
        next_cursor=None if following is None else str(following),
    )


@router.get("/releases")
async def list_releases(releases: ReleasesIn) -> ReleaseList:
    """Lists releases, what they are made of, and their share of the traffic."""
    settings, rollout, weights = releases.settings(), releases.rollout(), releases.weights()
    tried = rollout.shares.canary if rollout else 0.0
    kept = rollout.shares.baseline if rollout and tried else 0.0
    found = []
    for name, release in sorted(settings.releases.items()):
        weight = weights.get(name, 0.0) / sum(weights.values()) * (1.0 - tried - kept)
        role: Literal["", "stable", "canary", "shadow"] = ""
        if rollout is not None and name == rollout.stable:
            role, weight = "stable", weight + kept
        elif rollout is not None and name == rollout.canary:
            role, weight = "canary" if tried else "shadow", weight + tried
        found.append(
            ReleaseInfo(
                name=name,
                weight=round(weight, 6),
                role=role,
                retrieval=release.retrieval,
                generator=list(release.generator),
                vector=release.model_dump(mode="json"),
            )
        )
    return ReleaseList(releases=found, rollout=rollout.id if rollout else None)


@router.get("/traffic")
async def get_traffic(releases: ReleasesIn) -> TrafficInfo:
    """Returns the weights in force."""
    return _traffic(releases, releases.override())


@router.put("/traffic", dependencies=JSON_BODY)
async def set_traffic(body: TrafficChange, scope: ScopeIn, gateway: GatewayIn) -> TrafficInfo:
    """Sets weights; they hold until other ones are deployed."""
    releases = gateway.releases
    _require_releases(releases, list(body.weights))
    if sum(body.weights.values()) <= 0:
        raise InvalidRequest("At least one release needs a weight above zero.")
    control = _control(gateway)
    await audit(gateway, scope, "traffic.set", "traffic", weights=body.weights, by=body.by)
    override = await control.set_traffic(
        body.weights, by=body.by, deployed=releases.settings().traffic, call=scope.call()
    )
    return _traffic(releases, override)


@router.delete("/traffic")
async def reset_traffic(scope: ScopeIn, gateway: GatewayIn) -> TrafficInfo:
    """Goes back to the weights in the settings."""
    releases = gateway.releases
    control = _control(gateway)
    await audit(gateway, scope, "traffic.reset", "traffic")
    await control.set_traffic(None, by="", deployed=releases.settings().traffic, call=scope.call())
    return _traffic(releases, None)


def _traffic(releases: Releases, override: TrafficOverride | None) -> TrafficInfo:
    deployed, rollout = releases.settings().traffic, releases.rollout()
    return TrafficInfo(
        weights=dict(deployed if override is None else override.weights),
        deployed=deployed,
        set_by=None if override is None else override.by,
        rollout=rollout.id if rollout else None,
    )


def _control(gateway: Gateway) -> ControlStage:
    if gateway.control is None:
        raise NotFound("This service has no control application; see docs/canary.md.")
    return gateway.control


def _require_releases(releases: Releases, names: list[str]) -> None:
    unknown = sorted(set(names) - set(releases.names()))
    if unknown:
        raise InvalidRequest(f"There is no release {', '.join(unknown)}.")
