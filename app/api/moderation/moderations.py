"""`POST /v1/moderations`: what the input policy of the caller says of texts."""

from typing import Annotated

from fastapi import APIRouter

from app.access.route_scopes import needs
from app.api.requests.bodies import tolerant
from app.api.requests.caller import CallerIn
from app.api.requests.dependencies import JSON_BODY, GatewayIn, ScopeIn
from app.api.requests.work import work_of_texts
from app.moderation.moderator import Verdict
from app.releases.model_names import SERVICE
from app.schemas.moderations import ModerationRequest, ModerationResponse, ModerationResult
from app.schemas.wire import problem_responses
from deployments.contracts.errors import MalformedRequest

router = APIRouter(tags=["models"], dependencies=[needs("query")])


@router.post(
    "/v1/moderations", dependencies=JSON_BODY, responses=problem_responses(401, 403, 413, 415)
)
async def moderations(
    body: Annotated[ModerationRequest, tolerant(ModerationRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
) -> ModerationResponse:
    """Checks texts by the input policy that holds for the caller, in OpenAI's form. Nothing is
    refused, and nothing is answered."""
    some = [body.input] if isinstance(body.input, str) else body.input
    if not some:
        raise MalformedRequest("Send at least one text.")
    texts = [one if isinstance(one, str) else one.text for one in some]
    scope.weigh(work_of_texts(len(texts)))
    named = body.model.removeprefix(f"{SERVICE}:")
    release = (
        named
        if named != body.model and named in gateway.releases.names()
        else caller.assign(gateway.releases, scope).release
    )
    verdicts = [await gateway.moderator.judge(text, scope, release) for text in texts]
    return ModerationResponse(
        id=f"modr-{scope.request_id}",
        model=body.model,
        results=[_result(verdict) for verdict in verdicts],
    )


def _result(verdict: Verdict) -> ModerationResult:
    return ModerationResult(
        flagged=verdict.flagged,
        categories={name: score > 0 for name, score in verdict.scores.items()},
        category_scores=verdict.scores,
        category_applied_input_types={name: ["text"] for name in verdict.scores},
    )
