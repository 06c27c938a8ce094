"""A request as the next turn of a kept conversation: what goes before it, and how it ends."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from app.answering.written import AnswerStream
from app.api.kept_conversations.keeping import OFF, owner_of
from app.conversations.conversations import Conversations
from app.conversations.names import turn_of
from app.conversations.turn import Asking, OpenTurn
from app.dispatch.dispatcher import Served
from app.gateway import Gateway
from app.request.scope import RequestScope
from app.schemas.wire import UNSUPPORTED
from deployments.contracts.errors import InvalidRequest, NotFound
from deployments.contracts.field_errors import unsupported_fields
from deployments.contracts.generation import Message


async def begin_turn(
    conversation_id: str | None,
    scope: RequestScope,
    gateway: Gateway,
    *,
    user: str | None,
    store: bool | None,
) -> OpenTurn | None:
    """Returns the turn that a request is, None where it names no conversation; raises as
    `Conversations.begin`.

    Raises:
        UnsupportedField: conversations are not kept here.
    """
    if conversation_id is None:
        return None
    kept = _kept(gateway, "conversation_id")
    owner = owner_of(scope, user)
    return _noted(await kept.begin(owner, conversation_id, keeps=store is not False), scope)


async def begin_response(
    conversation_id: str | None,
    previous: str | None,
    scope: RequestScope,
    gateway: Gateway,
    *,
    user: str | None,
    store: bool | None,
) -> OpenTurn | None:
    """Returns the turn that a request for a response is. One that names neither a conversation nor
    a response before it begins a conversation, unless it says `store: false`.

    Raises:
        UnsupportedField: one is named, and none are kept here.
        InvalidRequest: both are named.
        NotFound: there is no such response.
    """
    if conversation_id is not None and previous is not None:
        raise InvalidRequest(
            "Name a conversation or the response before, not both.",
            errors=({"field": "conversation", "message": "is named twice", "type": "value_error"},),
        )
    keeps = store is not False
    if previous is not None:
        kept = _kept(gateway, "previous_response_id")
        place = turn_of(previous)
        if place is None:
            raise _no_response(previous)
        owner = owner_of(scope, user)
        try:
            turn = await kept.begin(owner, place[0], after=place[1], keeps=keeps)
        except NotFound as error:
            raise _no_response(previous) from error
        return _noted(turn, scope)
    if conversation_id is not None:
        kept = _kept(gateway, "conversation")
        turn = await kept.begin(owner_of(scope, user), conversation_id, keeps=keeps)
        return _noted(turn, scope)
    found = gateway.conversations
    if found is None or not found.is_on or not keeps or scope.background is not None:
        return None
    return _noted(await found.begin_new(owner_of(scope, user)), scope)


@asynccontextmanager
async def given_back_on_failure(turn: OpenTurn | None) -> AsyncIterator[None]:
    """Frees the conversation of a turn where the block fails: there is no answer to keep."""
    try:
        yield
    except BaseException:
        if turn is not None:
            await turn.abandon()
        raise


async def recorded(
    served: Served[AnswerStream],
    turn: OpenTurn | None,
    asked: Sequence[Message],
    scope: RequestScope,
) -> Served[AnswerStream]:
    """Returns an answer that is kept as a turn when it ends; see `OpenTurn.recorded`.

    Args:
        served: The answer, which has begun.
        turn: The turn; None for a request that is none.
        asked: What was new in the request, after moderation.
        scope: The request.
    """
    if turn is None:
        return served
    asking = Asking(tuple(asked), served.release, served.record, scope.request_id)
    return replace(served, value=await turn.recorded(served.value, asking))


def with_history(
    messages: Sequence[Message], turn: OpenTurn | None, place: str
) -> tuple[Message, ...]:
    """Returns the messages of a request after what was said before; those of the system first, as
    they hold for all of it.

    Args:
        messages: What the request says.
        turn: The turn that it is; None for none.
        place: Where they stand in the request.

    Raises:
        InvalidRequest: they have answers, which the conversation itself has.
    """
    if turn is None:
        return tuple(messages)
    if not turn.is_new and any(message.role == "assistant" for message in messages):
        raise InvalidRequest(
            "With a conversation that is kept here, send only what is new: its answers are known.",
            errors=({"field": place, "message": "repeats answers", "type": "value_error"},),
        )
    return (
        *(message for message in messages if message.role == "system"),
        *turn.history,
        *(message for message in messages if message.role != "system"),
    )


def new_of(messages: Sequence[Message], turn: OpenTurn | None) -> tuple[Message, ...]:
    """Returns what of the messages of `with_history` is new, and to be kept."""
    said = tuple(message for message in messages if message.role != "system")
    return said if turn is None else said[len(turn.history) :]


def _kept(gateway: Gateway, field: str) -> Conversations:
    found = gateway.conversations
    if found is None or not found.is_on:
        raise unsupported_fields([{"field": field, "message": OFF, "type": UNSUPPORTED}])
    return found


def _noted(turn: OpenTurn, scope: RequestScope) -> OpenTurn:
    scope.notes.conversation = turn.conversation
    return turn


def _no_response(previous: str) -> NotFound:
    return NotFound(
        f"There is no response '{previous[:64]}' to go on from.",
        errors=(
            {"field": "previous_response_id", "message": "names nothing", "type": "value_error"},
        ),
    )
