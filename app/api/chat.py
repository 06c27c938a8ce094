"""`POST /v1/chat/completions`: a conversation, answered from the documents or without them."""

import time
from typing import Annotated

from fastapi import APIRouter, Header, Response

from app.answering.ask import Ask, from_documents, from_generator
from app.answering.condense import user_texts
from app.answering.pipeline import AnswerStream
from app.answering.question import Question
from app.api.bodies import tolerant
from app.api.caller import CallerIn, release_header
from app.api.dependencies import JSON_BODY, ArgsIn, GatewayIn, ScopeIn
from app.api.wire.chat import Reply
from app.api.wire.streaming import EventStream, event_stream_content
from app.dispatch.direct import begin_direct
from app.dispatch.dispatcher import Served
from app.gateway import Gateway
from app.releases.assignment import Assignment
from app.releases.model_names import SERVICE, Direct, resolve_model
from app.releases.releases import Releases
from app.request.scope import RequestScope
from app.schemas.chat import ChatCompletion, ChatRequest
from app.schemas.wire import problem_responses
from app.settings.routing import AUTO, RequestFacts, RoutingDecision
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.generation import GenerationRequest, Message, collect

router = APIRouter(tags=["chat"])
Budget = Annotated[float | None, Header(gt=0, description="For `model: auto`.")]


@router.post(
    "/v1/chat/completions",
    dependencies=JSON_BODY,
    response_model=ChatCompletion,
    responses=problem_responses(401, 403, 413, 415, 429, 502)
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
    them; a generator's own name asks it without.
    """
    started_s = time.perf_counter()
    conversation = tuple(message.message() for message in body.messages)
    routing = _route(body, conversation, gateway.releases, x_latency_budget_ms, x_cost_budget_usd)
    scope.notes.identify(session=body.ragserve.session_id, user=body.named_user(), tags=body.tags())
    target = await resolve_model(
        routing.model if routing else body.model,
        gateway.releases,
        scope,
        assign=lambda: caller.assign(gateway.releases, scope),
    )
    timeout_s = args.stream_timeout_s if body.stream else scope.call().timeout_s
    begun = await _begin(body, conversation, target, gateway, scope, timeout_s)
    reply = Reply(
        scope, body.model, begun.release, begun.value.sources, begun.record, started_s, routing
    )
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


def _route(
    body: ChatRequest,
    conversation: tuple[Message, ...],
    releases: Releases,
    latency_budget_ms: float | None,
    cost_budget_usd: float | None,
) -> RoutingDecision | None:
    """Returns what `auto` stands for; None where the client chose by itself."""
    if releases.settings().named(body.model) != AUTO:
        return None
    facts = RequestFacts(
        prompt_chars=sum(len(message.content) for message in conversation),
        turns=len(user_texts(conversation)),
        needs_retrieval=body.ragserve.retrieval,
        wants_json=bool(body.sampling().output_format),
        latency_budget_ms=latency_budget_ms,
        cost_budget_usd=cost_budget_usd,
    )
    return releases.choose_model(facts, default=SERVICE)


async def _begin(
    body: ChatRequest,
    conversation: tuple[Message, ...],
    target: Assignment | Direct,
    gateway: Gateway,
    scope: RequestScope,
    timeout_s: float,
) -> Served[AnswerStream]:
    if isinstance(target, Assignment):
        ask = _ask(body, conversation)
        return await gateway.dispatcher.begin(
            ask, target, scope, timeout_s=timeout_s, whole=not body.stream
        )
    request = _request(body, conversation)
    return await begin_direct(request, target.generator, scope, timeout_s=timeout_s)


def _ask(body: ChatRequest, conversation: tuple[Message, ...]) -> Ask:
    if body.ragserve.retrieval:
        return from_documents(_question(body, conversation))
    return from_generator(_request(body, conversation))


def _request(body: ChatRequest, conversation: tuple[Message, ...]) -> GenerationRequest:
    return GenerationRequest(messages=conversation, sampling=body.sampling())


def _question(body: ChatRequest, conversation: tuple[Message, ...]) -> Question:
    last = conversation[-1]
    if last.role != "user" or not last.content.strip():
        raise InvalidRequest(
            "The last message must be the user's, and not blank.",
            errors=({"field": "messages", "message": "ends without a question", "type": "value"},),
        )
    options = body.ragserve
    return Question(
        text=last.content,
        messages=conversation,
        sampling=body.sampling(),
        top_k=options.top_k,
        top_n=options.top_n,
        rerank=options.rerank,
        where=options.filter or None,
    )
