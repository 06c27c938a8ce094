"""What is kept of a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from deployments.contracts.generation import Message

TurnStatus = Literal["completed", "incomplete"]
"""Whether an answer came to its end, or broke off."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a conversation is: nobody else finds it.

    Attributes:
        tenant: Of the key.
        key_id: Names the key.
        user: Whom the key's holder says it is for; empty for nobody.
    """

    tenant: str
    key_id: str
    user: str = ""


@dataclass(frozen=True, slots=True)
class KeptConversation:
    """A conversation without its turns.

    Attributes:
        id: Random, so that nobody guesses it.
        owner: Whose it is.
        title: What its client calls it.
        metadata: What its client wants to find again.
        created_s: When it began, in seconds since the epoch.
        last_turn_s: When its last turn ended; when it began, where there is none.
        turns: Number of the last turn; those that were deleted count.
    """

    id: str
    owner: Owner
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_s: float = 0.0
    last_turn_s: float = 0.0
    turns: int = 0


@dataclass(frozen=True, slots=True)
class KeptCitation:
    """Characters `start:end` of an answer, and the passage that they rest on, by its ids."""

    start: int
    end: int
    document_id: str
    chunk_id: str


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """What was asked, and what was answered.

    Attributes:
        n: Its number in the conversation, from 1.
        status: Whether the answer came to its end.
        asked: What was new in the request: a question, or what functions returned.
        answer: The answer, and the functions that it calls.
        citations: What the answer rests on.
        release: Who answered; empty where a generator was asked under its own name.
        model: Who wrote.
        finish_reason: Why the answer ends; empty where it broke off.
        usage: Tokens: `prompt_tokens`, `completion_tokens`, `cached_tokens`.
        request_id: Of the request.
        created_s: When it was asked, in seconds since the epoch.
        ended_s: When the answer ended.
    """

    n: int
    status: TurnStatus
    asked: tuple[Message, ...]
    answer: Message
    citations: tuple[KeptCitation, ...] = ()
    release: str = ""
    model: str = ""
    finish_reason: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
    request_id: str = ""
    created_s: float = 0.0
    ended_s: float = 0.0
