"""`/admin/calibrations`: the score from which a chunk supports an answer; for operators."""

from fastapi import APIRouter

from app.access.route_scopes import needs
from app.api.access.keeping import audit
from app.api.requests.dependencies import JSON_BODY, ArgsIn, GatewayIn, ReleasesIn, ScopeIn
from app.operations.calibrate import calibrate, is_stale, route_into
from app.releases.releases import Releases
from app.schemas.admin import (
    CalibrationRequest,
    CalibrationResponse,
    CollectionInfo,
    CollectionList,
)
from app.schemas.wire import problem_responses
from deployments.contracts.errors import InvalidRequest

router = APIRouter(
    prefix="/admin",
    tags=["admin"],
    dependencies=[needs("operator")],
    responses=problem_responses(401, 403, 409, 413, 415),
)


@router.get("/calibrations")
async def list_calibrations(scope: ScopeIn, releases: ReleasesIn) -> CollectionList:
    """Lists the collections that releases search, with what is in them and their calibration."""
    everywhere = scope.over_all_tenants()
    found = []
    for name in sorted(releases.indexes()):
        retrieval = route_into(releases, name).retrieval
        facts = await retrieval.retriever.facts(call=everywhere.call())
        told = await retrieval.reranker.description(call=everywhere.call())
        known = facts.calibration
        found.append(
            CollectionInfo.model_validate(
                {
                    "retrieval": name,
                    "document_count": facts.document_count,
                    "chunk_count": facts.chunk_count,
                    "calibration": known,
                    "is_stale": known is not None
                    and is_stale(known, facts, str(told.get("model", ""))),
                }
            )
        )
    return CollectionList(collections=found)


@router.post("/calibrations", dependencies=JSON_BODY)
async def fit_calibration(
    body: CalibrationRequest, scope: ScopeIn, gateway: GatewayIn, args: ArgsIn
) -> CalibrationResponse:
    """Finds the score below which a chunk does not support an answer, from questions that the
    collection answers and questions on other subjects. Takes some 250 searches."""
    require_indexes(gateway.releases, {body.retrieval})
    await audit(gateway, scope, "calibrate", body.retrieval)
    outcome = await calibrate(
        route_into(gateway.releases, body.retrieval),
        scope.within(args.ingest_timeout_s).over_all_tenants(),
        only_if_stale=body.only_if_stale,
    )
    return CalibrationResponse.model_validate(outcome)


def require_indexes(releases: Releases, names: set[str]) -> None:
    """Raises InvalidRequest where no release names one of some retrieval applications."""
    indexes = releases.indexes()
    unknown = sorted(names - set(indexes))
    if unknown:
        raise InvalidRequest(
            f"No release names the retrieval application {', '.join(unknown)}; there are: "
            f"{', '.join(indexes)}."
        )
