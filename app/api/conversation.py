"""A conversation that a client wants to go on with, in whatever form it was sent: who answers it,
and from what."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.answering.ask import Ask, from_documents, from_generator
from app.answering.condense import user_texts
from app.answering.question import Question
from app.answering.written import AnswerStream
from app.api.caller import Caller
from app.dispatch.direct import begin_direct
from app.dispatch.dispatcher import Served
from app.gateway import Gateway
from app.releases.assignment import Assignment
from app.releases.model_names import SERVICE, Direct, resolve_model
from app.releases.releases import Releases
from app.request.scope import RequestScope
from app.schemas.chat import RetrievalOptions
from app.settings.gateway import GatewayArgs
from app.settings.routing import AUTO, RequestFacts, RoutingDecision
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.generation import GenerationRequest, Message, Sampling
from deployments.contracts.tools import ToolUse


@dataclass(frozen=True, slots=True)
class Conversation:
    """What every form of a conversation says.

    Attributes:
        model: The name that was asked for.
        messages: The turns, oldest first.
        sampling: How the answer is to be written.
        tools: Functions that the client offers.
        options: Whether and how documents are searched.
        stream: Whether the answer is sent as it is written.
        user: Whose conversation it is, as the client calls them.
        tags: What the client wants its trace to be found by.
        place: Where the turns stand in the request, for what is wrong with them.
        needs_documents: Whether the answer must come from the documents.
        min_relevance: As in `Question`.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling
    options: RetrievalOptions
    stream: bool
    user: str | None
    place: str
    tags: Mapping[str, str] = field(default_factory=dict)
    needs_documents: bool = False
    min_relevance: float | None = None
    tools: ToolUse = ToolUse()


@dataclass(frozen=True, slots=True)
class Budgets:
    """What an answer may cost at most, for `auto`; None where the client does not say."""

    latency_ms: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer that has begun, and why `auto` chose who gives it."""

    served: Served[AnswerStream]
    routing: RoutingDecision | None


async def begin_answer(
    asked: Conversation,
    budgets: Budgets,
    scope: RequestScope,
    gateway: Gateway,
    caller: Caller,
    args: GatewayArgs,
) -> Begun:
    """Returns the answer as a stream that has begun.

    Raises:
        ModelNotFound: nothing is called like the model that was asked for.
        InvalidRequest: the conversation does not end with a question, or who was asked has no
            documents to answer it from.
    """
    routing = _route(asked, budgets, gateway.releases)
    scope.notes.identify(session=asked.options.session_id, user=asked.user, tags=asked.tags)
    target = await resolve_model(
        routing.model if routing else asked.model,
        gateway.releases,
        scope,
        assign=lambda: caller.assign(gateway.releases, scope),
    )
    timeout_s = args.stream_timeout_s if asked.stream else scope.call().timeout_s
    if isinstance(target, Direct):
        if asked.needs_documents:
            raise InvalidRequest(
                f"'{asked.model}' answers without documents, so it has nothing to search; ask the "
                f"model '{SERVICE}'.",
                errors=({"field": "model", "message": "has no documents", "type": "value"},),
            )
        request = _request(asked)
        served = await begin_direct(request, target.generator, scope, timeout_s=timeout_s)
    else:
        served = await _dispatch(asked, target, gateway, scope, timeout_s)
    return Begun(served, routing)


def _route(asked: Conversation, budgets: Budgets, releases: Releases) -> RoutingDecision | None:
    """Returns what `auto` stands for; None where the client chose by itself."""
    if releases.settings().named(asked.model) != AUTO:
        return None
    facts = RequestFacts(
        prompt_chars=sum(len(message.content) for message in asked.messages),
        turns=len(user_texts(asked.messages)),
        needs_retrieval=asked.options.retrieval,
        wants_json=bool(asked.sampling.output_format) or asked.tools.is_forced,
        latency_budget_ms=budgets.latency_ms,
        cost_budget_usd=budgets.cost_usd,
    )
    return releases.choose_model(facts, default=SERVICE)


async def _dispatch(
    asked: Conversation,
    target: Assignment,
    gateway: Gateway,
    scope: RequestScope,
    timeout_s: float,
) -> Served[AnswerStream]:
    return await gateway.dispatcher.begin(
        _ask(asked), target, scope, timeout_s=timeout_s, whole=not asked.stream
    )


def _ask(asked: Conversation) -> Ask:
    if asked.options.retrieval:
        return from_documents(_question(asked))
    return from_generator(_request(asked))


def _request(asked: Conversation) -> GenerationRequest:
    return GenerationRequest(messages=asked.messages, sampling=asked.sampling, tools=asked.tools)


def _question(asked: Conversation) -> Question:
    said = user_texts(asked.messages)
    if asked.messages[-1].role not in ("user", "tool") or not said or not said[-1].strip():
        raise InvalidRequest(
            "The last message must be the user's, and not blank, or what a function returned.",
            errors=({"field": asked.place, "message": "ends without a question", "type": "value"},),
        )
    options = asked.options
    return Question(
        text=said[-1],
        messages=asked.messages,
        sampling=asked.sampling,
        tools=asked.tools,
        top_k=options.top_k,
        top_n=options.top_n,
        rerank=options.rerank,
        where=options.filter or None,
        min_relevance=asked.min_relevance,
    )
