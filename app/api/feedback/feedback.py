"""`POST /v1/feedback`, and what was said for those who look after the answers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from app.access.route_scopes import needs
from app.api.access.keeping import readable_tenant
from app.api.requests.dependencies import JSON_BODY, ScopeIn, gateway_of
from app.api.wire.feedback import feedback_info, rated_answer, release_score
from app.feedback.ratings import Ratings, Said
from app.request.scope import RequestScope
from app.schemas.feedback import (
    FeedbackCreate,
    FeedbackInfo,
    FeedbackList,
    ReleaseScoreList,
)
from app.schemas.wire import problem_responses
from deployments.assessments.contract import AssessmentName, AssessmentQuery
from deployments.contracts.errors import NotFound

router = APIRouter(prefix="/v1/feedback", tags=["feedback"], responses=problem_responses(401, 403))


async def ratings(request: Request) -> Ratings:
    """Returns what takes ratings.

    Raises:
        NotFound: nothing does.
    """
    gateway = gateway_of(request)
    if gateway.ratings is None:
        raise NotFound("This service has no control application; see docs/feedback.md.")
    if not gateway.releases.settings().feedback.enabled:
        raise NotFound("Answers cannot be rated here: the setting `feedback.enabled` is off.")
    return gateway.ratings


RatingsIn = Annotated[Ratings, Depends(ratings)]
Days = Annotated[float, Query(gt=0, le=3650, description="Only what was said in the last days.")]


@router.post(
    "",
    dependencies=[*JSON_BODY, needs("query")],
    responses=problem_responses(401, 403, 409, 413, 415),
)
async def create_feedback(body: FeedbackCreate, ratings: RatingsIn, scope: ScopeIn) -> FeedbackInfo:
    """Rates an answer of the caller's tenant, by the `request_id` that it has. The same user's next
    rating of the answer takes the place of this one, so it may be sent again."""
    said = Said(
        body.request_id,
        thumb=body.thumb or "",
        score=body.score,
        comment=body.comment,
        correction=body.correction,
        user=body.user or "",
    )
    principal = scope.principal
    kept = await ratings.rate(
        said, tenant=principal.tenant, key_id=principal.key_id, call=scope.call
    )
    scope.notes.rated = (kept.release, kept.thumb or "score")
    return feedback_info(kept)


@router.get("", dependencies=[needs("admin")])
async def list_feedback(
    ratings: RatingsIn,
    scope: ScopeIn,
    name: Annotated[AssessmentName, Query(description="What people say, or what judges do.")] = (
        "feedback"
    ),
    release: Annotated[
        str | None, Query(max_length=256, description="Only of its answers.")
    ] = None,
    days: Days = 30.0,
    max_score: Annotated[float | None, Query(ge=0, le=1)] = None,
    after: Annotated[str, Query(max_length=64, description="The last id of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> FeedbackList:
    """Lists what was liked least first, with question, answer and passages where they are recorded:
    of the key's tenant, and for operators of all."""
    query = AssessmentQuery(
        readable_tenant(scope),
        name=name,
        since_s=ratings.since_s(days),
        release=release,
        max_score=max_score,
        after=after,
        limit=limit,
        with_texts=_may_read_texts(scope),
    )
    page = await ratings.page(query, call=scope.call())
    found = [rated_answer(kept) for kept in page.assessments]
    return FeedbackList(data=found, has_more=page.has_more, last_id=found[-1].id if found else None)


@router.get("/releases", dependencies=[needs("admin")])
async def list_release_scores(
    ratings: RatingsIn, scope: ScopeIn, days: Days = 30.0
) -> ReleaseScoreList:
    """Returns how the answers of each release are assessed: by the key's tenant, and for operators
    by all."""
    tenant = readable_tenant(scope)
    found = await ratings.scores(tenant=tenant, days=days, call=scope.call())
    return ReleaseScoreList(data=[release_score(one) for one in found])


def _may_read_texts(scope: RequestScope) -> bool:
    """Returns whether a caller may see passages that others have asked for: those of all groups."""
    principal = scope.principal
    return principal.is_operator or principal.groups is None
