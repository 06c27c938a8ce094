"""`POST /ask`: `/v1/query` for whoever only has a question."""

from typing import Annotated

from fastapi import APIRouter, Response

from app.access.route_scopes import needs
from app.api.answers import answer_query
from app.api.requests.bodies import tolerant
from app.api.requests.caller import CallerIn, release_header
from app.api.requests.dependencies import JSON_BODY, GatewayIn, ScopeIn
from app.schemas.answers import QueryResponse, WrittenQuery
from app.schemas.ask import AskRequest
from app.schemas.wire import problem_responses

router = APIRouter(tags=["answers"], dependencies=[needs("query")])


@router.post(
    "/ask", dependencies=JSON_BODY, responses=problem_responses(401, 403, 413, 415, 429, 502)
)
async def ask(
    body: Annotated[AskRequest, tolerant(AskRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
    response: Response,
) -> QueryResponse:
    """Answers a question from the documents, as `/v1/query` does."""
    asked = WrittenQuery(query=body.question, max_tokens=body.max_tokens)
    answered = await answer_query(asked, scope, gateway, caller)
    response.headers.update(release_header(answered.release))
    return answered
