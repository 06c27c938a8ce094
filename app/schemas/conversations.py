"""Wire forms of `/v1/conversations`."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue

from app.schemas.batches import BatchMetadata
from app.schemas.functions import ToolCall
from app.schemas.wire import RequestModel, ResponseModel, refused
from deployments.contracts.generation import Role

CONVERSATION_ID = "conv_3f2a9c0d5b7e41f08a6c2d9e1b3f4a5c"
_RESPONSE_ID = "resp_3f2a9c0d5b7e41f08a6c2d9e1b3f4a5c_1"


def _is_printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must have no control characters")
    return text


PlainText = Annotated[str, Field(max_length=256), AfterValidator(_is_printable)]
ConversationField = Annotated[str, Field(max_length=256)]
CONVERSATION: Any = Field(
    default=None,
    description="The conversation that the question goes on with, of the same key and `user`.",
    examples=[CONVERSATION_ID],
)
STORE: Any = Field(
    default=None,
    description="False keeps nothing of the question and its answer in the conversation.",
    examples=[True],
)


class ConversationCreate(RequestModel):
    """A new conversation."""

    title: PlainText = Field(default="", examples=["Leave"])
    user: PlainText | None = Field(
        default=None,
        description="Whose it is, as the holder of the key calls them: what asks for it must name "
        "them as well.",
        examples=["alice"],
    )
    metadata: BatchMetadata | None = Field(default=None, examples=[{"ticket": "7"}])
    items: Annotated[
        JsonValue, refused("a conversation begins empty: ask its first question with its id")
    ] = Field(default=None, description="Refused.")


class ConversationInfo(ResponseModel):
    """A conversation; times are in seconds since 1970."""

    id: str = Field(examples=[CONVERSATION_ID])
    object: Literal["conversation"] = "conversation"
    title: str
    user: str | None
    metadata: dict[str, str]
    created_at: int = Field(examples=[1767225600])
    last_turn_at: int = Field(
        description="When its last turn ended; when it began, where there is none.",
        examples=[1767225660],
    )
    turns: int = Field(description="Number of its last turn; 0 for none.", examples=[1])


class ConversationList(ResponseModel):
    """Conversations, those with the latest turn first."""

    object: Literal["list"] = "list"
    data: list[ConversationInfo]
    has_more: bool
    last_id: str | None = Field(description="What `after` of the next page is.")


class MessageCitation(ResponseModel):
    """A stretch of an answer, and the passage that it rests on."""

    start: int = Field(examples=[0])
    end: int = Field(description="The character after the last one.", examples=[57])
    document_id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6"])
    chunk_id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6-00004"])


class TurnUsage(ResponseModel):
    """Tokens of a turn."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


class ConversationMessage(ResponseModel):
    """A message of a turn: what was asked, or the answer, which has what is known of it."""

    turn: int = Field(description="Number of its turn, from 1.", examples=[1])
    role: Role
    content: str
    status: Literal["completed", "incomplete"] = Field(
        description="Whether the answer of its turn came to its end. One that broke off is not "
        "shown to the model again."
    )
    created_at: int = Field(examples=[1767225600])
    tool_calls: list[ToolCall] = Field(default_factory=list)
    tool_call_id: str | None = None
    citations: list[MessageCitation] = Field(default_factory=list)
    response_id: str | None = Field(default=None, examples=[_RESPONSE_ID])
    request_id: str | None = Field(default=None, examples=["3f2a9c"])
    release: str | None = Field(default=None, examples=["minilm-extractive"])
    model: str | None = Field(default=None, examples=["extractive"])
    finish_reason: str | None = Field(default=None, examples=["stop"])
    usage: TurnUsage | None = None


class MessageList(ResponseModel):
    """Messages of a conversation, oldest first."""

    object: Literal["list"] = "list"
    data: list[ConversationMessage]
    has_more: bool
    last_turn: int | None = Field(description="What `after` of the next page is.")


class PlaceReceipt(ResponseModel):
    """What became of a deletion in one place."""

    place: str = Field(
        description="`conversations`, `answers` that are kept for requests that are sent again, "
        "`cache`, `query_samples`, `assessments`, `traces`, or `trace_spool`, the disk on which "
        "traces wait for their server.",
        examples=["conversations"],
    )
    state: Literal["erased", "owed"] = Field(
        description="Whether the place has said that nothing is left there."
    )
    counts: dict[str, int] = Field(
        description="What was removed, by what it was.", examples=[{"turns": 3}]
    )
    reason: str = Field(
        default="", description="Why something is owed; the code of an error.", examples=[""]
    )


class DeletionInfo(ResponseModel):
    """The receipt of a deletion; times are in seconds since 1970."""

    id: str = Field(examples=["del_3f2a9c0d5b7e41f08a6c2d9e1b3f4a5c"])
    object: Literal["deletion"] = "deletion"
    is_done: bool = Field(
        description="Whether nothing is left anywhere, also of requests that were under way."
    )
    asked_at: int = Field(examples=[1767225600])
    done_at: int | None = None
    places: list[PlaceReceipt]


class ConversationDeleted(ResponseModel):
    """Says that a conversation is gone, with the receipt of what is erased of it elsewhere."""

    id: str = Field(examples=[CONVERSATION_ID])
    object: Literal["conversation.deleted"] = "conversation.deleted"
    deleted: Literal[True] = True
    deletion: DeletionInfo
