"""`GET /health/live` and `GET /health/ready`."""

from fastapi import APIRouter, Response

from app.api.dependencies import GatewayIn, ScopeIn
from app.api.schemas.health import Liveness, Readiness
from app.request.scope import RequestScope
from deployments.contracts.errors import RagError
from deployments.contracts.stages import Stage
from deployments.serving.concurrently import gather_or_cancel

router = APIRouter(tags=["health"])
_STAGE_TIMEOUT_S = 2.0


@router.get("/healthz", include_in_schema=False)
@router.get("/health/live")
async def live() -> Liveness:
    """Says that the gateway's process answers; says nothing about models."""
    return Liveness(status="ok")


@router.get("/readyz", include_in_schema=False)
@router.get("/health/ready", responses={503: {"model": Readiness, "description": "Not ready"}})
async def ready(scope: ScopeIn, gateway: GatewayIn, response: Response) -> Readiness:
    """Says whether every stage of every release with traffic answers, which it does once its model
    is warm."""
    brief = scope.within(_STAGE_TIMEOUT_S)
    found: dict[str, dict[str, str]] = {}
    try:
        for route in gateway.releases.serving():
            stages = route.stages()
            states = await gather_or_cancel(*(_state(stage, brief) for stage in stages.values()))
            found[route.name] = dict(zip(stages, states, strict=True))
    except RagError as error:
        found["gateway"] = {"releases": str(error)}
    good = all(state == "ok" for stages in found.values() for state in stages.values())
    response.status_code = 200 if good else 503
    return Readiness(
        status="ready" if good else "not_ready",
        releases=found,
        settings_error=gateway.settings_error(),
    )


async def _state(stage: Stage, scope: RequestScope) -> str:
    try:
        await stage.describe(call=scope.call())
    except RagError as error:
        return str(error)
    return "ok"
