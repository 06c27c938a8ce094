"""`POST /v1/completions`: a generator goes on with a text."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Response

from app.access.route_scopes import needs
from app.answering.ask import from_generator
from app.answering.written import AnswerStream
from app.api.moderation.requests import NO_TOOLS, checked_messages
from app.api.requests.bodies import tolerant
from app.api.requests.caller import CallerIn, release_header
from app.api.requests.dependencies import JSON_BODY, ArgsIn, GatewayIn, ScopeIn
from app.api.requests.expected_use import reserve_answer
from app.api.wire.chat import error_event, usage_of
from app.api.wire.streaming import (
    DONE,
    EventStream,
    encode_event,
    end_honestly,
    event_stream_content,
)
from app.api.wire.values import blocked_of
from app.dispatch.direct import begin_direct
from app.dispatch.dispatcher import Served
from app.releases.model_names import Direct, resolve_model
from app.request.scope import RequestScope
from app.schemas.completions import (
    Completion,
    CompletionChoice,
    CompletionLogprobs,
    CompletionProvenance,
    CompletionRequest,
)
from app.schemas.wire import problem_responses
from deployments.contracts.generation import (
    Generation,
    GenerationEvent,
    GenerationRequest,
    Message,
    TextDelta,
    TokenLogprob,
    collect,
)

router = APIRouter(tags=["chat"], dependencies=[needs("query")])


@router.post(
    "/v1/completions",
    dependencies=JSON_BODY,
    response_model=Completion,
    responses=problem_responses(401, 403, 413, 415, 429, 502)
    | {200: {"content": event_stream_content()}},
)
async def completions(
    body: Annotated[CompletionRequest, tolerant(CompletionRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
    args: ArgsIn,
) -> Response:
    """Continues a text, in OpenAI's form, without documents."""
    scope.notes.identify(session=None, user=body.named_user, tags=body.tags())
    target = await resolve_model(
        body.model,
        gateway.releases,
        scope,
        assign=lambda: caller.assign(gateway.releases, scope),
    )
    asked = await checked_messages(
        (Message("user", body.prompt),), None, NO_TOOLS, target, scope, gateway
    )
    request = GenerationRequest(text=asked[0].content, sampling=body.sampling())
    await reserve_answer(asked, request.sampling, target, scope, gateway, searches=False)
    timeout_s = args.stream_timeout_s if body.stream else scope.call().timeout_s
    if isinstance(target, Direct):
        begun = await begin_direct(
            *(request, target.generator, scope, gateway.moderator),
            timeout_s=timeout_s,
            whole=not body.stream,
        )
    else:
        begun = await gateway.dispatcher.begin(
            from_generator(request), target, scope, timeout_s=timeout_s, whole=not body.stream
        )
    wire = _Wire(body.model, begun, scope, body.logprobs is not None)
    headers = release_header(begun.release)
    if not body.stream:
        completion = wire.whole(await collect(begun.value.events))
        return Response(
            completion.model_dump_json(), media_type="application/json", headers=headers
        )
    scope.closes(begun.value.events)
    include_usage = bool(body.stream_options and body.stream_options.include_usage)
    chunks = end_honestly(
        wire.chunks(begun.value.events, include_usage),
        scope,
        lambda error: error_event(error, scope),
    )
    return EventStream(chunks, keep_alive_s=args.keep_alive_s, headers=headers)


class _Wire:
    def __init__(
        self, model: str, begun: Served[AnswerStream], scope: RequestScope, with_logprobs: bool
    ) -> None:
        self._model = model
        self._begun = begun
        self._scope = scope
        self._id = f"cmpl-{scope.request_id}"
        self._created = int(time.time())
        self._with_logprobs = with_logprobs

    def whole(self, written: Generation) -> Completion:
        choice = CompletionChoice(
            text=written.text,
            finish_reason=written.finish_reason,
            logprobs=self._logprobs(written.logprobs, 0),
        )
        return Completion(
            id=self._id,
            created=self._created,
            model=self._model,
            choices=[choice],
            usage=usage_of(written, self._scope),
            ragserve=self._provenance(written.model),
        )

    async def chunks(
        self, events: AsyncGenerator[Sequence[GenerationEvent], None], include_usage: bool
    ) -> AsyncGenerator[bytes, None]:
        sent_chars = 0
        async with aclosing(events):
            async for batch in events:
                pieces = []
                for event in batch:
                    if isinstance(event, TextDelta):
                        logprobs = self._logprobs(event.logprobs, sent_chars)
                        sent_chars += len(event.text)
                        pieces.append(self._chunk(event.text, logprobs, None))
                    elif isinstance(event, Generation):
                        pieces.append(self._chunk("", None, event.finish_reason, event.model))
                        if include_usage:
                            usage = {
                                "choices": [],
                                "usage": usage_of(event, self._scope).model_dump(),
                            }
                            pieces.append(encode_event(self._frame() | usage))
                        pieces.append(DONE)
                if pieces:
                    yield b"".join(pieces)

    def _chunk(
        self,
        text: str,
        logprobs: CompletionLogprobs | None,
        finish_reason: str | None,
        engine: str | None = None,
    ) -> bytes:
        choice = {
            "index": 0,
            "text": text,
            "logprobs": logprobs and logprobs.model_dump(),
            "finish_reason": finish_reason,
        }
        chunk = self._frame() | {"choices": [choice]}
        if engine is not None:
            chunk["ragserve"] = self._provenance(engine).model_dump()
        return encode_event(chunk)

    def _provenance(self, engine: str) -> CompletionProvenance:
        return CompletionProvenance(
            request_id=self._scope.request_id,
            model=engine,
            release=self._begun.release,
            degraded=self._begun.record.degraded,
            blocked=blocked_of(self._begun.record),
            ignored=list(self._scope.notes.ignored),
        )

    def _frame(self) -> dict[str, object]:
        return {
            "id": self._id,
            "object": "text_completion",
            "created": self._created,
            "model": self._model,
        }

    def _logprobs(
        self, logprobs: Sequence[TokenLogprob], offset_chars: int
    ) -> CompletionLogprobs | None:
        if not self._with_logprobs:
            return None
        offsets = [offset_chars]
        for logprob in logprobs[:-1]:
            offsets.append(offsets[-1] + len(logprob.token))
        return CompletionLogprobs(
            tokens=[logprob.token for logprob in logprobs],
            token_logprobs=[logprob.logprob for logprob in logprobs],
            top_logprobs=[
                {other.token: other.logprob for other in logprob.top} for logprob in logprobs
            ],
            text_offset=offsets[: len(logprobs)],
        )
