"""`/v1/conversations`: conversations that the service keeps, each for its owner alone."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.access.route_scopes import needs
from app.api.kept_conversations.keeping import (
    ConversationsIn,
    EraserIn,
    OwnerIn,
    owner_of,
)
from app.api.requests.dependencies import JSON_BODY, GatewayIn, ScopeIn
from app.api.wire.conversations import conversation_info, deletion_info, messages_of
from app.schemas.conversations import (
    ConversationCreate,
    ConversationDeleted,
    ConversationInfo,
    ConversationList,
    MessageList,
)
from app.schemas.wire import problem_responses
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.errors import NotFound

router = APIRouter(
    prefix="/v1/conversations",
    tags=["conversations"],
    dependencies=[needs("query")],
    responses=problem_responses(401, 403, 413, 415, 429),
)


@router.post("", dependencies=JSON_BODY, status_code=201)
async def create_conversation(
    body: ConversationCreate, kept: ConversationsIn, scope: ScopeIn
) -> ConversationInfo:
    """Begins a conversation, which has no turn yet."""
    made = await kept.create(
        owner_of(scope, body.user), title=body.title, metadata=body.metadata or {}
    )
    return conversation_info(made)


@router.get("")
async def list_conversations(
    kept: ConversationsIn,
    owner: OwnerIn,
    after: Annotated[str, Query(max_length=64, description="`last_id` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ConversationList:
    """Lists the caller's conversations, those of one user or, where none is named, those of
    nobody's."""
    found = await kept.page(owner, after=after, limit=limit + 1)
    page = [conversation_info(each) for each in found[:limit]]
    return ConversationList(
        data=page, has_more=len(found) > limit, last_id=page[-1].id if page else None
    )


@router.get("/{conversation_id}")
async def get_conversation(
    conversation_id: str, kept: ConversationsIn, owner: OwnerIn
) -> ConversationInfo:
    """Returns a conversation without its turns."""
    return conversation_info(await kept.find(owner, conversation_id))


@router.get("/{conversation_id}/messages")
async def list_messages(
    conversation_id: str,
    kept: ConversationsIn,
    owner: OwnerIn,
    after: Annotated[int, Query(ge=0, le=999_999_999, description="Turns after this one.")] = 0,
    limit: Annotated[int, Query(ge=1, le=100, description="Turns at most.")] = 20,
) -> MessageList:
    """Returns what was asked and answered, turn by turn."""
    turns = await kept.turns(owner, conversation_id, after=after, limit=limit + 1)
    page = turns[:limit]
    return MessageList(
        data=[message for turn in page for message in messages_of(conversation_id, turn)],
        has_more=len(turns) > limit,
        last_turn=page[-1].n if page else None,
    )


@router.delete("/{conversation_id}")
async def delete_conversation(
    conversation_id: str, eraser: EraserIn, owner: OwnerIn, gateway: GatewayIn
) -> ConversationDeleted:
    """Erases a conversation: its turns, and what is kept of them elsewhere. What is away, and what
    requests under way may still leave, is erased later: the receipt is looked up under
    `/v1/deletions`."""
    kept = gateway.conversations
    if kept is None:
        raise NotFound("There are none: this service has no database.")
    await kept.find(owner, conversation_id)
    found = await eraser.erase(ErasureScope(owner.tenant, conversation=conversation_id))
    return ConversationDeleted(id=conversation_id, deletion=deletion_info(found))
