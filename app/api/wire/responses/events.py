"""A response as the events of a stream, each with its number.

A stream that breaks off ends with `response.failed` and then with `error`: the first says what
there is of the answer, and by the second, which has the error in the chat's form as well, OpenAI's
clients raise it.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

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
from deployments.contracts.tools import ToolCallDelta


@dataclass(frozen=True, slots=True)
class OpenCall:
    """Where a call that has begun stands in the answer, and what its item is called."""

    output_index: int
    item_id: str


class ResponseEvents:
    """The events of one response.

    Args:
        form: Makes what they hold.
    """

    def __init__(self, form: ResponseForm) -> None:
        self._form = form
        self._sent = 0
        self._items = 0
        """Items that have begun; the place of the next one."""
        self._message_index: int | None = None
        self._calls: dict[int, OpenCall] = {}
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

    def _search(self) -> Iterator[bytes]:
        """Yields the events of a search that was asked for as a tool: it lies behind."""
        call = self._form.search_call()
        if call is None:
            return
        begun = call.model_copy(update={"status": "in_progress", "results": None})
        index = self._next_index()
        yield self._item_event("added", index, begun)
        for step in ("in_progress", "searching", "completed"):
            name = f"response.file_search_call.{step}"
            yield self._event(name, output_index=index, item_id=call.id)
        yield self._item_event("done", index, call)

    def _begin_message(self) -> Iterator[bytes]:
        """Yields the beginning of the text, once: an answer that is nothing but calls has none."""
        if self._message_index is not None:
            return
        self._message_index = self._next_index()
        message = OutputMessage(id=self._form.message_id, status="in_progress", content=[])
        yield self._item_event("added", self._message_index, message)
        yield self._text_event("response.content_part.added", part=OutputText(text=""))

    def _call(self, piece: ToolCallDelta) -> Iterator[bytes]:
        """Yields a piece of a call, which begins with the first one."""
        if piece.index not in self._calls:
            item = self._form.call(len(self._calls), piece.id, piece.name)
            self._calls[piece.index] = OpenCall(self._next_index(), item.id)
            yield self._item_event("added", self._calls[piece.index].output_index, item)
        call = self._calls[piece.index]
        if piece.arguments:
            yield self._call_event("delta", call, delta=piece.arguments)

    def _go_on(self, delta: TextDelta) -> Iterator[bytes]:
        self._pieces.append(delta.text)
        self._citations += delta.citations
        self._logprobs += delta.logprobs
        if delta.text or delta.citations:
            yield from self._begin_message()
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
        for piece in delta.calls:
            yield from self._call(piece)

    def _end(self, written: Generation) -> Iterator[bytes]:
        if not self._calls:
            yield from self._begin_message()
        first_call = min((call.output_index for call in self._calls.values()), default=None)
        message_index = self._message_index
        text_first = first_call is None or message_index is None or message_index < first_call
        whole = self._form.whole(written, text_first=text_first)
        if message_index is not None:
            message = self._form.message(written)
            (text,) = message.content
            logprobs = [one.model_dump() for one in text.logprobs]
            yield self._text_event("response.output_text.done", text=text.text, logprobs=logprobs)
            yield self._text_event("response.content_part.done", part=text)
            yield self._item_event("done", message_index, message)
        for (_, call), item in zip(
            sorted(self._calls.items()), self._form.calls(written), strict=True
        ):
            yield self._call_event("done", call, name=item.name, arguments=item.arguments)
            yield self._item_event("done", call.output_index, item)
        yield self._event(f"response.{whole.status}", response=whole)

    def _fail(self, error: RagError) -> bytes:
        text = self._form.text("".join(self._pieces), self._citations, self._logprobs)
        failed: ResponseObject = self._form.broken(error, text)
        request_id = self._form.origin.scope.request_id
        body = problem_body(error.code, str(error), request_id=request_id, instance="")
        return self._event("response.failed", response=failed) + self._event(
            "error", code=error.code, message=str(error), param=None, error=body["error"]
        )

    def _next_index(self) -> int:
        self._items += 1
        return self._items - 1

    def _item_event(self, step: str, output_index: int, item: ResponseModel) -> bytes:
        return self._event(f"response.output_item.{step}", output_index=output_index, item=item)

    def _call_event(self, step: str, call: OpenCall, **fields: object) -> bytes:
        name = f"response.function_call_arguments.{step}"
        return self._event(name, item_id=call.item_id, output_index=call.output_index, **fields)

    def _text_event(self, name: str, **fields: object) -> bytes:
        return self._event(
            name,
            item_id=self._form.message_id,
            output_index=self._message_index,
            content_index=0,
            **fields,
        )

    def _event(self, name: str, /, **fields: object) -> bytes:
        data: dict[str, object] = {"type": name, "sequence_number": self._sent}
        for field, value in fields.items():
            data[field] = _plain(value)
        self._sent += 1
        return encode_event(data, name)


def _plain(value: object) -> object:
    return value.model_dump(mode="json") if isinstance(value, ResponseModel) else value
