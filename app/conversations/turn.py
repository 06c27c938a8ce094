"""A turn of a conversation that is being answered: what goes before it, and how it is kept."""

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from app.answering.written import AnswerStream
from app.conversations.names import response_id
from app.request.attempt import AttemptRecord
from deployments.contracts.generation import Events, Generation, Message, Started, TextDelta
from deployments.contracts.search import ScoredChunk
from deployments.conversations.records import KeptCitation, KeptTurn
from deployments.serving.begun import begin

NOT_KEPT = "conversation"
"""What an answer says under `degraded` whose turn could not be kept."""


class KeepTurn(Protocol):
    """Writes a turn down; see `Conversations.begin`."""

    def __call__(self, turn: KeptTurn) -> Awaitable[bool]:
        """Returns whether it is kept."""
        ...


@dataclass(frozen=True, slots=True)
class Asking:
    """What is known of a turn when its answer has begun.

    Attributes:
        asked: What was new in the request, as it may be kept.
        release: Who answers; None where a generator was asked under its own name.
        record: What the attempt leaves behind.
        request_id: Of the request.
    """

    asked: tuple[Message, ...]
    release: str | None
    record: AttemptRecord
    request_id: str


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A turn that has begun.

    Attributes:
        conversation: Id of the conversation.
        n: Number of the turn; 0 where it is not to be kept.
        history: What goes before the question.
        keep: Writes it down; None where it is not to be kept.
        give_back: Frees the conversation where nothing is kept.
        is_new: Whether the request itself begins the conversation, and may bring turns with it.
        now: Seconds since the epoch.
    """

    conversation: str
    n: int = 0
    history: tuple[Message, ...] = ()
    keep: KeepTurn | None = None
    give_back: Callable[[], Awaitable[None]] | None = None
    is_new: bool = False
    now: Callable[[], float] = time.time

    @property
    def response_id(self) -> str | None:
        """The id of the response that it is; None where it is not kept."""
        return response_id(self.conversation, self.n) if self.keep is not None else None

    async def abandon(self) -> None:
        """Frees the conversation: there is no answer, so there is no turn."""
        if self.give_back is not None:
            await self.give_back()

    async def recorded(self, answer: AnswerStream, asking: Asking) -> AnswerStream:
        """Returns an answer that is kept when it has ended: before its last event goes out, so that
        whoever has read it may ask the next question. One that breaks off is kept as far as it
        came."""
        if self.keep is None:
            return answer
        events = await begin(self._events(answer, asking, self.keep))
        return replace(answer, events=events)

    async def _events(self, answer: AnswerStream, asking: Asking, keep: KeepTurn) -> Events:
        heard, is_kept = _Heard(self.n, asking, self.now()), False
        try:
            async with aclosing(answer.events) as events:
                async for batch in events:
                    heard.take(batch)
                    if isinstance(written := batch[-1], Generation):
                        is_kept = True
                        turn = heard.completed(written, answer.sources, self.now())
                        if not await keep(turn):
                            asking.record.lacks(NOT_KEPT)
                    yield batch
        finally:
            if not is_kept:
                await keep(heard.broken_off(self.now()))


class _Heard:
    """What of an answer has gone out."""

    def __init__(self, n: int, asking: Asking, begun_s: float) -> None:
        self._asking = asking
        self._turn = KeptTurn(
            n,
            "incomplete",
            asking.asked,
            Message("assistant", ""),
            release=asking.release or "",
            request_id=asking.request_id,
            created_s=begun_s,
        )
        self._text: list[str] = []
        self._usage = {"prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0}
        self._model = ""

    def take(self, batch: Sequence[object]) -> None:
        """Notes what goes out."""
        for event in batch:
            if isinstance(event, Started):
                self._model = event.model
                self._usage["prompt_tokens"] = event.prompt_tokens
                self._usage["cached_tokens"] = event.cached_tokens
            elif isinstance(event, TextDelta):
                self._text.append(event.text)
                self._usage["completion_tokens"] += event.completion_tokens

    def completed(
        self, written: Generation, sources: Sequence[ScoredChunk], now_s: float
    ) -> KeptTurn:
        """Returns the turn with its whole answer."""
        chunks = {hit.rank: hit.chunk for hit in sources}
        counted = self._asking.record.with_rounds(written)
        return replace(
            self._turn,
            status="completed",
            answer=Message("assistant", written.text, written.calls),
            citations=tuple(
                KeptCitation(one.start, one.end, chunk.document_id, chunk.id)
                for one in written.citations
                if (chunk := chunks.get(one.source)) is not None
            ),
            model=written.model,
            finish_reason=written.finish_reason,
            usage={name: getattr(counted, name) for name in self._usage},
            ended_s=now_s,
        )

    def broken_off(self, now_s: float) -> KeptTurn:
        """Returns the turn as far as it came; half of a call is none."""
        return replace(
            self._turn,
            answer=Message("assistant", "".join(self._text)),
            model=self._model,
            usage=self._usage,
            ended_s=now_s,
        )
