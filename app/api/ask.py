"""`POST /ask`: `/v1/query` for whoever only has a question."""

from fastapi import APIRouter, Response

from app.api.answers import answer_query
from app.api.caller import CallerIn, release_header
from app.api.dependencies import JSON_BODY, GatewayIn, ScopeIn
from app.schemas.answers import QueryResponse, SearchRequest
from app.schemas.ask import AskRequest
from app.schemas.wire import problem_responses
from deployments.contracts.generation import Sampling

router = APIRouter(tags=["answers"])


@router.post(
    "/ask", dependencies=JSON_BODY, responses=problem_responses(401, 403, 413, 415, 429, 502)
)
async def ask(
    body: AskRequest, scope: ScopeIn, gateway: GatewayIn, caller: CallerIn, response: Response
) -> QueryResponse:
    """Answers a question from the documents, as `/v1/query` does."""
    asked = SearchRequest(query=body.question)
    sampling = Sampling(max_tokens=body.max_tokens)
    answered = await answer_query(asked, scope, gateway, caller, sampling=sampling)
    response.headers.update(release_header(answered.release))
    return answered
