"""`/v1/responses`: the same as the chat in OpenAI's newer form. Where conversations are kept, a
response is a turn of one."""

import time
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Response

from app.access.route_scopes import needs
from app.api.files.store import require_store
from app.api.kept_conversations.keeping import User, owner_of
from app.api.kept_conversations.turns import begin_response
from app.api.openai.chat import Budget
from app.api.openai.conversation import Budgets, Conversation, begin_answer
from app.api.requests.bodies import tolerant
from app.api.requests.caller import CALLERS, CallerIn, release_header
from app.api.requests.dependencies import JSON_BODY, ArgsIn, GatewayIn, ScopeIn
from app.api.wire.provenance import Origin
from app.api.wire.responses.events import ResponseEvents
from app.api.wire.responses.form import ResponseForm
from app.api.wire.responses.kept import kept_response
from app.api.wire.streaming import EventStream, event_stream_content
from app.conversations.names import turn_of
from app.schemas.responses.answer import ResponseObject
from app.schemas.responses.request import ResponsesRequest
from app.schemas.wire import problem_responses
from deployments.contracts.errors import NotFound
from deployments.contracts.filters import check_filter
from deployments.contracts.generation import collect

PATH = "/v1/responses"
router = APIRouter(tags=["chat"], dependencies=[needs("query")])
_EVENT_NAMES = (
    *("response.created", "response.in_progress", "response.output_item.added"),
    *("response.file_search_call.in_progress", "response.file_search_call.searching"),
    *("response.file_search_call.completed", "response.content_part.added"),
    *("response.output_text.delta", "response.output_text.annotation.added"),
    *("response.function_call_arguments.delta", "response.function_call_arguments.done"),
    *("response.output_text.done", "response.content_part.done", "response.output_item.done"),
    *("response.completed", "response.incomplete", "response.failed", "error"),
)
_EVENTS = {
    name: {"type": name, "sequence_number": place} for place, name in enumerate(_EVENT_NAMES)
}


@router.post(
    PATH,
    dependencies=JSON_BODY,
    response_model=ResponseObject,
    responses=problem_responses(401, 403, 409, 413, 415, 429, 502)
    | {200: {"content": event_stream_content(_EVENTS)}},
)
async def create_response(
    body: Annotated[ResponsesRequest, tolerant(ResponsesRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
    args: ArgsIn,
    x_latency_budget_ms: Budget = None,
    x_cost_budget_usd: Budget = None,
) -> Response:
    """Answers a question or a conversation, in the form of OpenAI's Responses API.

    Names under `model` mean what they mean in the chat, and the answer cites the documents it comes
    from. The tool `file_search` narrows the search; functions are called by a language model. Where
    the service keeps conversations, a response is kept, and another one may go on from it.
    """
    started_s = time.perf_counter()
    asked = _conversation(body)
    turn = await begin_response(
        body.conversation_id,
        body.previous_response_id,
        scope,
        gateway,
        user=body.named_user,
        store=body.store,
    )
    asked = replace(asked, turn=turn)
    budgets = Budgets(x_latency_budget_ms, x_cost_budget_usd)
    answer = await begin_answer(asked, budgets, scope, gateway, caller, args)
    begun = answer.served
    form = ResponseForm(body, Origin.of(answer, scope, started_s))
    headers = release_header(begun.release)
    if not body.stream:
        whole = form.whole(await collect(begun.value.events))
        return Response(whole.model_dump_json(), media_type="application/json", headers=headers)
    scope.closes(begun.value.events)
    events = ResponseEvents(form).stream(begun.value.events)
    return EventStream(events, keep_alive_s=args.keep_alive_s, headers=headers)


@router.get(
    f"{PATH}/{{response_id}}", dependencies=CALLERS, responses=problem_responses(401, 403, 429)
)
async def get_response(
    response_id: str, scope: ScopeIn, gateway: GatewayIn, user: User = None
) -> ResponseObject:
    """Returns a response that is kept.

    Raises:
        NotFound: there is no such response of the caller's.
    """
    place = turn_of(response_id)
    kept = gateway.conversations
    if place is None or kept is None or not kept.is_on:
        raise _unknown(response_id)
    conversation_id, n = place
    turns = await kept.turns(owner_of(scope, user), conversation_id, after=n - 1, limit=1)
    if not turns or turns[0].n != n:
        raise _unknown(response_id)
    return kept_response(conversation_id, turns[0])


@router.delete(f"{PATH}/{{response_id}}", dependencies=CALLERS, include_in_schema=False)
@router.post(f"{PATH}/{{response_id}}/cancel", dependencies=CALLERS, include_in_schema=False)
@router.get(f"{PATH}/{{response_id}}/input_items", dependencies=CALLERS, include_in_schema=False)
async def find_response(response_id: str) -> None:
    """Says that a response is nothing apart from its conversation.

    Raises:
        NotFound: always.
    """
    raise _unknown(response_id)


def _unknown(response_id: str) -> NotFound:
    return NotFound(
        f"There is no response '{response_id[:64]}': it is not kept here. Send the turns so far as "
        "`input`; what is kept is deleted with its conversation."
    )


def _conversation(body: ResponsesRequest) -> Conversation:
    """Returns what the body asks for.

    Raises:
        NotFound: a vector store that is named does not exist.
        InvalidRequest: the filters are too large together.
    """
    search, options = body.file_search, body.options
    if search is not None:
        for store_id in search.vector_store_ids:
            require_store(store_id)
        check_filter(options.filter or {})
    return Conversation(
        model=body.model,
        messages=body.messages(),
        sampling=body.sampling(),
        tools=body.tool_use(),
        options=options,
        stream=body.stream,
        user=body.named_user,
        tags=body.metadata or {},
        place="input",
        needs_documents=search is not None,
        min_relevance=None if search is None else search.ranking_options.score_threshold,
    )
