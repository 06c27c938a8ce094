"""`POST /v1/chat/completions`: a conversation, answered from the documents or without them."""

import time
from typing import Annotated

from fastapi import APIRouter, Header, Response

from app.access.route_scopes import needs
from app.api.kept_conversations.turns import begin_turn
from app.api.openai.conversation import Budgets, Conversation, begin_answer
from app.api.requests.bodies import tolerant
from app.api.requests.caller import CallerIn, release_header
from app.api.requests.dependencies import JSON_BODY, ArgsIn, GatewayIn, ScopeIn
from app.api.wire.chat import Reply
from app.api.wire.provenance import Origin
from app.api.wire.streaming import EventStream, event_stream_content
from app.schemas.chat import ChatCompletion, ChatRequest
from app.schemas.wire import problem_responses
from deployments.contracts.generation import collect

router = APIRouter(tags=["chat"], dependencies=[needs("query")])
Budget = Annotated[float | None, Header(gt=0, description="For `model: auto`.")]


@router.post(
    "/v1/chat/completions",
    dependencies=JSON_BODY,
    response_model=ChatCompletion,
    responses=problem_responses(401, 403, 409, 413, 415, 429, 502)
    | {200: {"content": event_stream_content()}},
)
async def chat_completions(
    body: Annotated[ChatRequest, tolerant(ChatRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
    args: ArgsIn,
    x_latency_budget_ms: Budget = None,
    x_cost_budget_usd: Budget = None,
) -> Response:
    """Answers a conversation, in OpenAI's form.

    With `ragserve`, a release or `auto` as the model, the answer comes from the documents and cites
    them; a generator's own name asks it without. With a `conversation_id`, `messages` are what is
    new, and what was said there before goes with it.
    """
    started_s = time.perf_counter()
    turn = await begin_turn(
        body.conversation_id, scope, gateway, user=body.named_user, store=body.store
    )
    asked = Conversation(
        model=body.model,
        messages=tuple(message.message() for message in body.messages),
        turn=turn,
        sampling=body.sampling(),
        tools=body.tool_use(),
        options=body.ragserve,
        stream=body.stream,
        user=body.named_user,
        tags=body.tags(),
        place="messages",
    )
    budgets = Budgets(x_latency_budget_ms, x_cost_budget_usd)
    answer = await begin_answer(asked, budgets, scope, gateway, caller, args)
    begun = answer.served
    origin = Origin.of(answer, scope, started_s)
    reply = Reply(origin, body.model)
    headers = release_header(begun.release)
    if not body.stream:
        written = await collect(begun.value.events)
        completion = reply.completion(written, with_logprobs=bool(body.logprobs))
        return Response(
            completion.model_dump_json(), media_type="application/json", headers=headers
        )
    scope.closes(begun.value.events)
    chunks = reply.chunks(
        begun.value.events,
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
        with_logprobs=bool(body.logprobs),
    )
    return EventStream(chunks, keep_alive_s=args.keep_alive_s, headers=headers)
