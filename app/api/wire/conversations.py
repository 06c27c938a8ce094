"""Kept conversations on the wire."""

from collections.abc import Iterator

from app.api.wire.function_call import call_of
from app.conversations.names import response_id
from app.schemas.conversations import (
    ConversationInfo,
    ConversationMessage,
    DeletionInfo,
    MessageCitation,
    PlaceReceipt,
    TurnUsage,
)
from deployments.conversations.deletions import Deletion
from deployments.conversations.records import KeptConversation, KeptTurn


def conversation_info(kept: KeptConversation) -> ConversationInfo:
    """Returns a conversation as clients see it."""
    return ConversationInfo(
        id=kept.id,
        title=kept.title,
        user=kept.owner.user or None,
        metadata=dict(kept.metadata),
        created_at=int(kept.created_s),
        last_turn_at=int(kept.last_turn_s),
        turns=kept.turns,
    )


def deletion_info(deletion: Deletion) -> DeletionInfo:
    """Returns the receipt of a deletion."""
    done_s = deletion.done_s
    return DeletionInfo(
        id=deletion.id,
        is_done=done_s is not None,
        asked_at=int(deletion.asked_s),
        done_at=None if done_s is None else int(done_s),
        places=[
            PlaceReceipt(
                place=one.place,
                state="erased" if one.is_done else "owed",
                counts=dict(one.counts),
                reason=one.reason,
            )
            for one in deletion.places
        ],
    )


def messages_of(conversation_id: str, turn: KeptTurn) -> Iterator[ConversationMessage]:
    """Yields the messages of a turn; what is known of the answer stands with it."""
    for message in turn.asked:
        yield ConversationMessage(
            turn=turn.n,
            role=message.role,
            content=message.content,
            status=turn.status,
            created_at=int(turn.created_s),
            tool_call_id=message.call_id or None,
        )
    yield ConversationMessage(
        turn=turn.n,
        role="assistant",
        content=turn.answer.content,
        status=turn.status,
        created_at=int(turn.ended_s),
        tool_calls=[call_of(call) for call in turn.answer.calls],
        citations=[MessageCitation.model_validate(one) for one in turn.citations],
        response_id=response_id(conversation_id, turn.n),
        request_id=turn.request_id or None,
        release=turn.release or None,
        model=turn.model or None,
        finish_reason=turn.finish_reason or None,
        usage=TurnUsage.model_validate(dict(turn.usage)),
    )
