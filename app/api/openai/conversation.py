"""A conversation that a client wants to go on with, in whatever form it was sent: who answers it,
and from what."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.answering.ask import Ask, from_documents, from_generator
from app.answering.condense import user_texts
from app.answering.housekeeping import housekeeping_kind, reply_without_a_model, written_at_once
from app.answering.question import Question
from app.answering.written import AnswerStream
from app.api.kept_conversations.turns import (
    given_back_on_failure,
    new_of,
    recorded,
    with_history,
)
from app.api.moderation.requests import checked_messages
from app.api.requests.caller import Caller
from app.api.requests.expected_use import reserve_answer
from app.conversations.turn import OpenTurn
from app.dispatch.direct import begin_direct
from app.dispatch.dispatcher import Served
from app.gateway import Gateway
from app.releases.assignment import Assignment
from app.releases.failover import GeneratorChain
from app.releases.model_names import SERVICE, Direct, facts_of, resolve_model
from app.releases.releases import Releases
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from app.routing.candidates import look_at
from app.routing.choice import choose_model
from app.routing.complexity import complexity_of
from app.schemas.chat import RetrievalOptions
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.housekeeping import HousekeepingKind
from app.settings.live.routing import AUTO, RequestFacts, RoutingDecision
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
        turn: The turn of a kept conversation that it is: the messages are what is new in it. None
            for none.
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
    turn: OpenTurn | None = None


@dataclass(frozen=True, slots=True)
class Budgets:
    """What an answer may cost at most, for `auto`; None where the client does not say."""

    latency_ms: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer that has begun, why `auto` chose who gives it, what a chat program asked for where
    its user asked nothing, and the turn of a kept conversation that it is."""

    served: Served[AnswerStream]
    routing: RoutingDecision | None
    housekeeping: HousekeepingKind | None = None
    turn: OpenTurn | None = None


async def begin_answer(
    asked: Conversation,
    budgets: Budgets,
    scope: RequestScope,
    gateway: Gateway,
    caller: Caller,
    args: GatewayArgs,
) -> Begun:
    """Returns the answer as a stream that has begun, and that is kept where it is a turn.

    Raises:
        ModelNotFound: nothing is called like the model that was asked for.
        InvalidRequest: the conversation does not end with a question, or who was asked has no
            documents to answer it from.
    """
    async with given_back_on_failure(asked.turn):
        asked = replace(asked, messages=with_history(asked.messages, asked.turn, asked.place))
        begun, messages = await _begin(asked, budgets, scope, gateway, caller, args)
    if asked.turn is None:
        return begun
    if begun.housekeeping is not None:  # its user has said nothing
        await asked.turn.abandon()
        return begun
    said = new_of(messages, asked.turn)
    served = await recorded(begun.served, asked.turn, said, scope)
    return replace(begun, served=served, turn=asked.turn)


async def _begin(
    asked: Conversation,
    budgets: Budgets,
    scope: RequestScope,
    gateway: Gateway,
    caller: Caller,
    args: GatewayArgs,
) -> tuple[Begun, tuple[Message, ...]]:
    """Returns the answer, and the messages as they may go on."""
    routing = await _route(asked, budgets, gateway, scope)
    # A conversation stays with its release.
    session = asked.options.session_id or scope.notes.conversation
    scope.notes.identify(session=session, user=asked.user, tags=asked.tags)
    target = await resolve_model(
        routing.model if routing else asked.model,
        gateway.releases,
        scope,
        assign=lambda: caller.assign(gateway.releases, scope),
    )
    messages = await checked_messages(
        asked.messages, asked.options.filter, asked.tools, target, scope, gateway
    )
    asked = replace(asked, messages=messages)
    await reserve_answer(
        asked.messages,
        asked.sampling,
        target,
        scope,
        gateway,
        top_n=asked.options.top_n,
        searches=asked.options.retrieval,
        tools=asked.tools,
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
        served = await begin_direct(
            *(request, target.generator, scope, gateway.moderator),
            timeout_s=timeout_s,
            whole=not asked.stream,
        )
        return Begun(served, routing), messages
    kind = _housekeeping(asked, gateway.releases)
    if kind is None:
        served = await _dispatch(asked, target, gateway, scope, timeout_s)
    else:
        generator = gateway.releases.route(target.release).generator
        served = await _keep_house(kind, asked, generator, scope, gateway, timeout_s)
    return Begun(served, routing, kind), messages


async def _route(
    asked: Conversation, budgets: Budgets, gateway: Gateway, scope: RequestScope
) -> RoutingDecision | None:
    """Returns what `auto` stands for; None where the client chose by itself."""
    settings = gateway.releases.settings()
    if settings.named(asked.model) != AUTO:
        return None
    questions = user_texts(asked.messages)
    facts = RequestFacts(
        prompt_chars=sum(len(message.content) for message in asked.messages),
        turns=len(questions),
        needs_retrieval=asked.options.retrieval,
        wants_json=bool(asked.sampling.output_format) or asked.tools.is_forced,
        complexity=complexity_of(questions[-1] if questions else "", turns=len(questions)),
        max_tokens=asked.sampling.max_tokens,
        latency_budget_ms=budgets.latency_ms,
        cost_budget_usd=budgets.cost_usd,
    )
    candidates = await look_at(
        (name for rule in settings.routing for name in rule.use),
        facts,
        gateway.releases,
        scope,
        pace=gateway.pace,
        breakers=gateway.breakers(),
    )
    decision = choose_model(
        settings.routing,
        facts,
        candidates,
        default=SERVICE,
        explores=random.random() < settings.routing_exploration,
    )
    scope.notes.routed = (decision.model, decision.how)
    return decision


def _housekeeping(asked: Conversation, releases: Releases) -> HousekeepingKind | None:
    """Returns what a chat program asks for by itself, where the request may be such a one."""
    if asked.needs_documents or not asked.options.retrieval:
        return None
    return housekeeping_kind(asked.messages, releases.settings().housekeeping)


async def _keep_house(
    kind: HousekeepingKind,
    asked: Conversation,
    generator: GeneratorChain,
    scope: RequestScope,
    gateway: Gateway,
    timeout_s: float,
) -> Served[AnswerStream]:
    """Returns the answer of a language model that is asked without the documents, or a modest one
    of our own where the release has none. Neither counts as an answer of the release."""
    has_model = (await facts_of(generator, scope)).get("language_model")
    if has_model or asked.sampling.output_format:  # without a model, that refuses the format
        return await begin_direct(
            *(_request(asked), generator, scope, gateway.moderator),
            timeout_s=timeout_s,
            whole=not asked.stream,
        )
    text = reply_without_a_model(kind, asked.messages)
    return Served(written_at_once(text, model=SERVICE), None, AttemptRecord())


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
