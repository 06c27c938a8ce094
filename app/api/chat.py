"""`POST /v1/chat/completions`: a conversation, answered from the documents or without them."""

import time
from typing import Annotated

from fastapi import APIRouter, Header, Response

from app.api.answers import RELEASE_HEADER
from app.api.chat_wire import Reply
from app.api.dependencies import JSON_BODY, ArgsIn, ReleasesIn, ScopeIn
from app.api.schemas.chat import ChatCompletion, ChatRequest
from app.api.schemas.wire import problem_responses
from app.api.streaming import EventStream, event_stream_content
from app.conversation import user_texts
from app.model_names import SERVICE, Plain, Retrieving, resolve_model
from app.pipeline import Answer, AnswerStream, answer, generate, stream, stream_answer
from app.releases import Releases
from app.request_scope import RequestScope
from app.routing import AUTO, RequestFacts, RoutingDecision
from app.search import Question
from app.trail import Trail
from deployments.errors import InvalidRequest
from deployments.generation import GenerationRequest, Message

router = APIRouter(tags=["chat"])
Budget = Annotated[float | None, Header(gt=0, description="For `model: auto`.")]


@router.post(
    "/v1/chat/completions",
    dependencies=JSON_BODY,
    response_model=ChatCompletion,
    responses=problem_responses(413, 415, 429, 502) | {200: {"content": event_stream_content()}},
)
async def chat_completions(
    body: ChatRequest,
    scope: ScopeIn,
    releases: ReleasesIn,
    args: ArgsIn,
    x_latency_budget_ms: Budget = None,
    x_cost_budget_usd: Budget = None,
) -> Response:
    """Answers a conversation, in OpenAI's form.

    With `ragserve`, a release or `auto` as the model, the answer comes from the documents and cites
    them; a generator's own name asks it without.
    """
    started_s, trail = time.perf_counter(), Trail()
    conversation = tuple(message.message() for message in body.messages)
    routing = _route(body, conversation, releases, x_latency_budget_ms, x_cost_budget_usd)
    sticky_key = body.ragserve.session_id or body.user or scope.request_id
    asked = routing.model if routing else body.model
    target = await resolve_model(asked, releases, scope, sticky_key=sticky_key)
    route = target.route if isinstance(target, Retrieving) else None
    if route is not None:
        scope = scope.for_release(route.name)
        if not body.ragserve.retrieval:
            target = Plain(route.generator)
    release = None if route is None else route.name
    reply = Reply(scope, release, (), trail, started_s, routing)
    headers = {} if release is None else {RELEASE_HEADER: release}
    if body.stream:
        begun = await _begin(body, conversation, target, scope, trail, args.stream_timeout_s)
        chunks = reply.with_sources(begun.sources).chunks(
            begun.events,
            include_usage=bool(body.stream_options and body.stream_options.include_usage),
            with_logprobs=bool(body.logprobs),
        )
        return EventStream(chunks, keep_alive_s=args.keep_alive_s, headers=headers)
    whole = await _answer(body, conversation, target, scope, trail)
    completion = reply.with_sources(whole.sources).completion(
        whole.generation, with_logprobs=bool(body.logprobs)
    )
    return Response(completion.model_dump_json(), media_type="application/json", headers=headers)


def _route(
    body: ChatRequest,
    conversation: tuple[Message, ...],
    releases: Releases,
    latency_budget_ms: float | None,
    cost_budget_usd: float | None,
) -> RoutingDecision | None:
    """Returns what `auto` stands for; None where the client chose by itself."""
    if body.model != AUTO:
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


async def _answer(
    body: ChatRequest,
    conversation: tuple[Message, ...],
    target: Retrieving | Plain,
    scope: RequestScope,
    trail: Trail,
) -> Answer:
    if isinstance(target, Retrieving):
        return await answer(_question(body, conversation), target.route, scope, trail)
    request = GenerationRequest(messages=conversation, sampling=body.sampling())
    return Answer(await generate(request, target.generator, scope, trail), ())


async def _begin(
    body: ChatRequest,
    conversation: tuple[Message, ...],
    target: Retrieving | Plain,
    scope: RequestScope,
    trail: Trail,
    timeout_s: float,
) -> AnswerStream:
    if isinstance(target, Retrieving):
        question = _question(body, conversation)
        return await stream_answer(question, target.route, scope, trail, timeout_s=timeout_s)
    request = GenerationRequest(messages=conversation, sampling=body.sampling())
    return AnswerStream(await stream(request, target.generator, scope, trail, timeout_s=timeout_s))


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
