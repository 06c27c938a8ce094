"""An answer in OpenAI's forms: whole, or as the chunks of a stream."""

import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from app.api.wire.addresses import address_of
from app.api.wire.function_call import call_of, piece_of
from app.api.wire.provenance import Origin
from app.api.wire.streaming import DONE, encode_event, end_honestly
from app.problems import problem_body
from app.request.scope import RequestScope
from app.schemas.chat import (
    Annotation,
    AssistantMessage,
    ChatCompletion,
    Choice,
    ChoiceLogprobs,
    ContentLogprob,
    GenerationUsage,
    PromptTokensDetails,
    TopLogprob,
    UrlCitation,
)
from deployments.contracts.errors import RagError
from deployments.contracts.generation import (
    Citation,
    Generation,
    GenerationEvent,
    Started,
    TokenLogprob,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """Makes the forms of an answer on the wire; `model` is what the request named."""

    origin: Origin
    model: str
    created: int = field(default_factory=lambda: int(time.time()))

    def completion(self, written: Generation, *, with_logprobs: bool) -> ChatCompletion:
        """Returns the whole answer."""
        calls = [call_of(call) for call in written.calls]
        message = AssistantMessage(
            content=written.text or None if calls else written.text,
            annotations=self._annotations(written.citations),
            tool_calls=calls or None,
        )
        logprobs = logprobs_of(written.logprobs) if with_logprobs else None
        return ChatCompletion(
            id=self._id(),
            created=self.created,
            model=self.model,
            choices=[
                Choice(
                    message=message,
                    logprobs=logprobs,
                    finish_reason=written.finish_reason,
                )
            ],
            usage=self._usage(written),
            ragserve=self.origin.provenance(written),
        )

    def chunks(
        self,
        events: AsyncGenerator[Sequence[GenerationEvent], None],
        *,
        include_usage: bool,
        with_logprobs: bool,
    ) -> AsyncGenerator[bytes, None]:
        """Returns the stream: the role first, then text, the reason of its end, the counts where
        they are asked for, and `[DONE]`. A stream that breaks off has an error instead."""

        async def encoded() -> AsyncGenerator[bytes, None]:
            async with aclosing(events):
                async for batch in events:
                    pieces = [self._encode(event, with_logprobs) for event in batch]
                    if isinstance(written := batch[-1], Generation):
                        pieces += self._end(written, include_usage)
                    yield b"".join(pieces)

        return end_honestly(encoded(), self.origin.scope, self._error)

    def _encode(self, event: GenerationEvent, with_logprobs: bool) -> bytes:
        if isinstance(event, Started):
            sources = [source.model_dump(mode="json") for source in self.origin.found()]
            own = {"release": self.origin.release, "model": event.model, "sources": sources}
            if self.origin.conversation is not None:
                own["conversation_id"] = self.origin.conversation
            return self._chunk({"role": "assistant", "content": ""}, ragserve=own)
        if isinstance(event, Generation):
            known = self.origin.told_before()
            own = self.origin.provenance(event).model_dump(mode="json", exclude=known)
            return self._chunk({}, finish_reason=event.finish_reason, ragserve=own)
        delta: dict[str, object] = {"content": event.text} if event.text or not event.calls else {}
        if event.calls:
            delta["tool_calls"] = [piece_of(piece) for piece in event.calls]
        if event.citations:
            annotations = self._annotations(event.citations)
            delta["annotations"] = [annotation.model_dump() for annotation in annotations]
        logprobs = logprobs_of(event.logprobs).model_dump() if with_logprobs else None
        return self._chunk(delta, logprobs=logprobs)

    def _end(self, written: Generation, include_usage: bool) -> list[bytes]:
        if not include_usage:
            return [DONE]
        usage = {"usage": self._usage(written).model_dump()}
        return [encode_event(self._frame() | usage), DONE]

    def _chunk(
        self,
        delta: Mapping[str, object],
        *,
        logprobs: Mapping[str, object] | None = None,
        finish_reason: str | None = None,
        ragserve: Mapping[str, object] | None = None,
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
        chunk = self._frame() | {"choices": [choice]}
        return encode_event(chunk if ragserve is None else chunk | {"ragserve": ragserve})

    def _frame(self) -> dict[str, object]:
        return {
            "id": self._id(),
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [],
        }

    def _usage(self, written: Generation) -> GenerationUsage:
        return usage_of(self.origin.record.with_rounds(written), self.origin.scope)

    def _id(self) -> str:
        return f"chatcmpl-{self.origin.scope.request_id}"

    def _annotations(self, citations: Iterable[Citation]) -> list[Annotation]:
        return [
            Annotation(
                url_citation=UrlCitation(
                    start_index=citation.start,
                    end_index=citation.end,
                    url=address_of(chunk),
                    title=chunk.title,
                )
            )
            for citation, chunk in self.origin.cited(citations)
        ]

    def _error(self, error: RagError) -> bytes:
        return error_event(error, self.origin.scope)


def error_event(error: RagError, scope: RequestScope) -> bytes:
    """Returns the event that OpenAI's clients raise as an error of their own."""
    body = problem_body(error.code, str(error), request_id=scope.request_id, instance="")
    return encode_event({"error": body["error"]})


def usage_of(written: Generation, scope: RequestScope) -> GenerationUsage:
    """Returns the engine's counts, and what the request has cost so far."""
    return GenerationUsage(
        prompt_tokens=written.prompt_tokens,
        completion_tokens=written.completion_tokens,
        total_tokens=written.prompt_tokens + written.completion_tokens,
        prompt_tokens_details=PromptTokensDetails(cached_tokens=written.cached_tokens),
        cost_usd=scope.notes.cost_usd(),
    )


def logprobs_of(logprobs: Iterable[TokenLogprob]) -> ChoiceLogprobs:
    """Returns log-probabilities in OpenAI's form."""
    return ChoiceLogprobs(
        content=[
            ContentLogprob(
                token=logprob.token,
                logprob=logprob.logprob,
                bytes=list(logprob.token.encode()),
                top_logprobs=[
                    TopLogprob(
                        token=other.token, logprob=other.logprob, bytes=list(other.token.encode())
                    )
                    for other in logprob.top
                ],
            )
            for logprob in logprobs
        ]
    )
