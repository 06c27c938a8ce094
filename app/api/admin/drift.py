"""`/admin/drift`: whether queries and answers of a release have changed, for operators."""

from datetime import UTC, datetime

from fastapi import APIRouter

from app.access.route_scopes import needs
from app.api.requests.dependencies import JSON_BODY, GatewayIn, ScopeIn
from app.gateway import Gateway
from app.schemas.drift import DriftCheckInfo, DriftInfo, DriftWindow, DriftWish
from app.schemas.wire import problem_responses
from deployments.contracts.errors import InvalidRequest, NotFound
from deployments.drift import DriftRequest, DriftStage, Window

router = APIRouter(
    prefix="/admin",
    tags=["admin"],
    dependencies=[needs("operator")],
    responses=problem_responses(401, 403, 413, 415),
)
_TIMEOUT_S = 120.0
"""A comparison takes seconds, and the first one on a machine loads libraries."""


@router.post("/drift", dependencies=JSON_BODY)
async def find_drift(body: DriftWish, scope: ScopeIn, gateway: GatewayIn) -> DriftInfo:
    """Compares the latest sampled queries of a release with those before, and writes what it finds
    to MLflow."""
    tracker, releases = _tracker(gateway), gateway.releases
    release = body.release or releases.main().name
    if release not in releases.names():
        raise InvalidRequest(f"There is no release {release}.")
    request = DriftRequest(release, body.reference_s, body.current_s)
    report = await tracker.drift(request, call=scope.within(_TIMEOUT_S).call())
    return DriftInfo(
        release=report.release,
        verdict=report.verdict,
        reference=_window(report.reference),
        current=_window(report.current),
        checks=[DriftCheckInfo.model_validate(check) for check in report.to_json()["checks"]],
        run_id=report.run_id,
    )


def _window(window: Window) -> DriftWindow:
    return DriftWindow(
        begins=datetime.fromtimestamp(window.from_s, UTC),
        ends=datetime.fromtimestamp(window.to_s, UTC),
        samples=window.samples,
    )


def _tracker(gateway: Gateway) -> DriftStage:
    if gateway.tracker is None:
        raise NotFound("This service has no control application; see docs/drift.md.")
    return gateway.tracker
