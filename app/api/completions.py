"""`POST /v1/completions`: a generator goes on with a text."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from fastapi import APIRouter, Response

from app.answering.ask import from_generator
from app.api.caller import CallerIn, release_header
from app.api.dependencies import JSON_BODY, ArgsIn, GatewayIn, ScopeIn
from app.api.wire.chat import error_event, usage_of
from app.api.wire.streaming import (
    DONE,
    EventStream,
    encode_event,
    end_honestly,
    event_stream_content,
)
from app.dispatch.direct import begin_direct
from app.releases.model_names import Direct, resolve_model
from app.schemas.completions import (
    Completion,
    CompletionChoice,
    CompletionLogprobs,
    CompletionRequest,
)
from app.schemas.wire import problem_responses
from deployments.contracts.generation import (
    Generation,
    GenerationEvent,
    GenerationRequest,
    Started,
    TextDelta,
    TokenLogprob,
    collect,
)

router = APIRouter(tags=["chat"])


@router.post(
    "/v1/completions",
    dependencies=JSON_BODY,
    response_model=Completion,
    responses=problem_responses(401, 403, 413, 415, 429, 502)
    | {200: {"content": event_stream_content()}},
)
async def completions(
    body: CompletionRequest, scope: ScopeIn, gateway: GatewayIn, caller: CallerIn, args: ArgsIn
) -> Response:
    """Continues a text, in OpenAI's form, without documents."""
    scope.notes.identify(session=None, user=body.user)
    target = await resolve_model(
        body.model,
        gateway.releases,
        scope,
        assign=lambda: caller.assign(gateway.releases, scope),
    )
    request = GenerationRequest(text=body.prompt, sampling=body.sampling())
    wire = _Wire(f"cmpl-{scope.request_id}", int(time.time()), body.logprobs is not None)
    timeout_s = args.stream_timeout_s if body.stream else scope.call().timeout_s
    if isinstance(target, Direct):
        begun = await begin_direct(request, target.generator, scope, timeout_s=timeout_s)
    else:
        begun = await gateway.dispatcher.begin(
            from_generator(request), target, scope, timeout_s=timeout_s, whole=not body.stream
        )
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
    def __init__(self, completion_id: str, created: int, with_logprobs: bool) -> None:
        self._id = completion_id
        self._created = created
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
            model=written.model,
            choices=[choice],
            usage=usage_of(written),
        )

    async def chunks(
        self, events: AsyncGenerator[Sequence[GenerationEvent], None], include_usage: bool
    ) -> AsyncGenerator[bytes, None]:
        model, sent_chars = "", 0
        async with aclosing(events):
            async for batch in events:
                pieces = []
                for event in batch:
                    if isinstance(event, Started):
                        model = event.model
                    elif isinstance(event, TextDelta):
                        logprobs = self._logprobs(event.logprobs, sent_chars)
                        sent_chars += len(event.text)
                        pieces.append(self._chunk(model, event.text, logprobs, None))
                    else:
                        pieces.append(self._chunk(model, "", None, event.finish_reason))
                        if include_usage:
                            usage = {"choices": [], "usage": usage_of(event).model_dump()}
                            pieces.append(encode_event(self._frame(model) | usage))
                        pieces.append(DONE)
                if pieces:
                    yield b"".join(pieces)

    def _chunk(
        self, model: str, text: str, logprobs: CompletionLogprobs | None, finish_reason: str | None
    ) -> bytes:
        choice = {
            "index": 0,
            "text": text,
            "logprobs": logprobs and logprobs.model_dump(),
            "finish_reason": finish_reason,
        }
        return encode_event(self._frame(model) | {"choices": [choice]})

    def _frame(self, model: str) -> dict[str, object]:
        return {
            "id": self._id,
            "object": "text_completion",
            "created": self._created,
            "model": model,
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
