"""`GET /health/live` and `GET /health/ready`."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter, Response

from app.access.route_scopes import PUBLIC
from app.api.requests.dependencies import GatewayIn, ScopeIn
from app.gateway import Gateway
from app.releases.route import Route
from app.request.scope import RequestScope
from app.schemas.health import Dependency, Liveness, Readiness
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import RagError
from deployments.serving.concurrently import gather_or_cancel

router = APIRouter(tags=["health"], dependencies=[PUBLIC])
_STAGE_TIMEOUT_S = 2.0
_RETRIEVAL_STAGES = ("embedder", "retriever", "reranker", "indexer")


@router.get("/healthz", include_in_schema=False)
@router.get("/health/live")
async def live() -> Liveness:
    """Says that the gateway's process answers; says nothing about models."""
    return Liveness(status="ok")


@router.get("/readyz", include_in_schema=False)
@router.get("/health/ready", responses={503: {"model": Readiness, "description": "Not ready"}})
async def ready(scope: ScopeIn, gateway: GatewayIn, response: Response) -> Readiness:
    """Says whether every stage of every release with traffic answers, which it does once its model
    is warm, and how what answers can be given without is."""
    found = await readiness(scope, gateway)
    response.status_code = 200 if found.status == "ready" else 503
    return found


async def readiness(scope: RequestScope, gateway: Gateway) -> Readiness:
    """Returns whether questions can be answered, within 2 seconds."""
    brief = scope.within(_STAGE_TIMEOUT_S)
    releases: dict[str, dict[str, str]] = {}
    routes: list[Route] = []
    try:
        routes = gateway.releases.serving()
    except RagError as error:
        releases["gateway"] = {"releases": str(error)}
    dependencies = await _look_at_all(gateway, routes, brief)
    details = {dependency.name: dependency.detail or "ok" for dependency in dependencies}
    releases |= {route.name: _states(route, details) for route in routes}
    good = all(state == "ok" for stages in releases.values() for state in stages.values())
    return Readiness(
        status="ready" if good else "not_ready",
        releases=releases,
        dependencies=dependencies,
        settings_error=gateway.settings_error(),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """Something whose state can be asked for."""

    describe: Callable[..., Awaitable[Mapping[str, object]]]
    required: bool
    place: tuple[str, str]


@dataclass(slots=True)
class _State:
    detail: str = ""
    latency_ms: float = 0.0
    facts: Mapping[str, object] = field(default_factory=dict)


async def _look_at_all(
    gateway: Gateway, routes: list[Route], scope: RequestScope
) -> list[Dependency]:
    asked = {"/".join(target.place): target for target in _everything(gateway, routes)}
    states = await gather_or_cancel(*(_state(target, scope.call()) for target in asked.values()))
    breakers = gateway.breakers()
    dependencies = [
        Dependency(
            name=name,
            required=target.required,
            status="failing" if state.detail else "ok",
            detail=state.detail,
            latency_ms=state.latency_ms,
            breaker=breakers.get(target.place, "closed"),
        )
        for (name, target), state in zip(asked.items(), states, strict=True)
    ]
    if gateway.limiter is not None:
        away = gateway.limiter.counts().is_away
        dependencies.append(
            Dependency(
                name="limits",
                required=False,
                status="failing" if away else "ok",
                detail="The store of limits is away: each replica limits by itself."
                if away
                else "",
            )
        )
    dependencies += [
        Dependency(
            name=f"{target.place[0]}/{shard}",
            required=False,
            status="failing",
            detail="This shard does not answer: answers go on without its documents.",
            breaker=breakers.get((target.place[0], shard), "closed"),
        )
        for target, state in zip(asked.values(), states, strict=True)
        for shard in _missing(state)
    ]
    mlflow = [str(state.facts["mlflow"]) for state in states if state.facts.get("mlflow")]
    return dependencies + [
        Dependency(
            name="mlflow",
            required=False,
            status="ok" if said == "ok" else "failing",
            detail="" if said == "ok" else said,
        )
        for said in mlflow
    ]


def _everything(gateway: Gateway, routes: list[Route]) -> list[_Asked]:
    asked = []
    for route in routes:
        release, stages = route.release, route.stages()
        asked += [
            _Asked(stages[stage].describe, True, (release.retrieval, stage))
            for stage in _RETRIEVAL_STAGES
        ]
        # Where there are several, each can be done without.
        alone = len(release.generator) == 1
        asked += [
            _Asked(gateway.releases.generator(name).describe, alone, (name, "generator"))
            for name in release.generator
        ]
    if gateway.control is not None and gateway.tracker is not None:
        control = gateway.control_application
        asked.append(_Asked(gateway.control.describe, False, (control, "rollout controller")))
        asked.append(_Asked(gateway.tracker.describe, False, (control, "tracker")))
        if gateway.batches is not None:
            asked.append(_Asked(gateway.batches.describe, False, (control, "batch keeper")))
    return asked


async def _state(asked: _Asked, call: CallContext) -> _State:
    started_s = time.perf_counter()
    state = _State()
    try:
        state.facts = await asked.describe(call=call)
    except RagError as error:
        state.detail = str(error)
    state.latency_ms = round((time.perf_counter() - started_s) * 1e3, 1)
    return state


def _missing(state: _State) -> list[str]:
    """Returns the shards that a retriever names as away."""
    missing = state.facts.get("missing")
    return [str(name) for name in missing] if isinstance(missing, list) else []


def _states(route: Route, details: Mapping[str, str]) -> dict[str, str]:
    """Returns `ok` or a sentence by stage; one generator that answers is enough."""
    release = route.release
    states = {stage: details[f"{release.retrieval}/{stage}"] for stage in _RETRIEVAL_STAGES}
    generators = [details[f"{name}/generator"] for name in release.generator]
    return states | {"generator": "ok" if "ok" in generators else generators[-1]}
