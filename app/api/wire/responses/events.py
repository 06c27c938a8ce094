"""A response as the events of a stream, each with its number.

A stream that breaks off ends with `response.failed` and then with `error`: the first says what
there is of the answer, and by the second, which has the error in the chat's form as well, OpenAI's
clients raise it.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

from app.api.wire.responses.form import ResponseForm
from app.api.wire.streaming import encode_event, end_honestly
from app.problems import problem_body
from app.schemas.responses.answer import OutputMessage, OutputText, ResponseObject
from app.schemas.wire import ResponseModel
from deployments.contracts.errors import RagError
from deployments.contracts.generation import (
    Citation,
    Generation,
    GenerationEvent,
    Started,
    TextDelta,
    TokenLogprob,
)


class ResponseEvents:
    """The events of one response.

    Args:
        form: Makes what they hold.
    """

    def __init__(self, form: ResponseForm) -> None:
        self._form = form
        self._sent = 0
        self._message_index = 0
        self._annotation_count = 0
        self._pieces: list[str] = []
        self._citations: list[Citation] = []
        self._logprobs: list[TokenLogprob] = []

    def stream(
        self, events: AsyncGenerator[Sequence[GenerationEvent], None]
    ) -> AsyncGenerator[bytes, None]:
        """Returns the encoded events of an answer."""

        async def encoded() -> AsyncGenerator[bytes, None]:
            async with aclosing(events):
                async for batch in events:
                    pieces = [piece for event in batch for piece in self._encode(event)]
                    if pieces:
                        yield b"".join(pieces)

        return end_honestly(encoded(), self._form.origin.scope, self._fail)

    def _encode(self, event: GenerationEvent) -> Iterator[bytes]:
        if isinstance(event, Started):
            yield from self._begin()
        elif isinstance(event, TextDelta):
            yield from self._go_on(event)
        else:
            yield from self._end(event)

    def _begin(self) -> Iterator[bytes]:
        begun = self._form.begun()
        yield self._event("response.created", response=begun)
        # The sources have been told.
        begun = begun.model_copy(update={"ragserve": None})
        yield self._event("response.in_progress", response=begun)
        yield from self._search()
        message = OutputMessage(id=self._form.message_id, status="in_progress", content=[])
        yield self._item_event("added", message)
        yield self._text_event("response.content_part.added", part=OutputText(text=""))

    def _search(self) -> Iterator[bytes]:
        """Yields the events of a search that was asked for as a tool: it lies behind."""
        call = self._form.search_call()
        if call is None:
            return
        begun = call.model_copy(update={"status": "in_progress", "results": None})
        yield self._item_event("added", begun)
        for step in ("in_progress", "searching", "completed"):
            name = f"response.file_search_call.{step}"
            yield self._event(name, output_index=self._message_index, item_id=call.id)
        yield self._item_event("done", call)
        self._message_index += 1

    def _go_on(self, delta: TextDelta) -> Iterator[bytes]:
        self._pieces.append(delta.text)
        self._citations += delta.citations
        self._logprobs += delta.logprobs
        if delta.text:
            logprobs = [one.model_dump() for one in self._form.logprobs(delta.logprobs)]
            yield self._text_event(
                "response.output_text.delta", delta=delta.text, logprobs=logprobs
            )
        for annotation in self._form.annotations(delta.citations):
            yield self._text_event(
                "response.output_text.annotation.added",
                annotation_index=self._annotation_count,
                annotation=annotation,
            )
            self._annotation_count += 1

    def _end(self, written: Generation) -> Iterator[bytes]:
        whole = self._form.whole(written)
        message = self._form.message(written)
        (text,) = message.content
        logprobs = [one.model_dump() for one in text.logprobs]
        yield self._text_event("response.output_text.done", text=text.text, logprobs=logprobs)
        yield self._text_event("response.content_part.done", part=text)
        yield self._item_event("done", message)
        yield self._event(f"response.{whole.status}", response=whole)

    def _fail(self, error: RagError) -> bytes:
        text = self._form.text("".join(self._pieces), self._citations, self._logprobs)
        failed: ResponseObject = self._form.broken(error, text)
        request_id = self._form.origin.scope.request_id
        body = problem_body(error.code, str(error), request_id=request_id, instance="")
        return self._event("response.failed", response=failed) + self._event(
            "error", code=error.code, message=str(error), param=None, error=body["error"]
        )

    def _item_event(self, step: str, item: ResponseModel) -> bytes:
        return self._event(
            f"response.output_item.{step}", output_index=self._message_index, item=item
        )

    def _text_event(self, name: str, **fields: object) -> bytes:
        return self._event(
            name,
            item_id=self._form.message_id,
            output_index=self._message_index,
            content_index=0,
            **fields,
        )

    def _event(self, name: str, **fields: object) -> bytes:
        data: dict[str, object] = {"type": name, "sequence_number": self._sent}
        for field, value in fields.items():
            data[field] = _plain(value)
        self._sent += 1
        return encode_event(data, name)


def _plain(value: object) -> object:
    return value.model_dump(mode="json") if isinstance(value, ResponseModel) else value
