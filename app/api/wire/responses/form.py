"""The parts of a response, as objects: the whole answer is made of them, and so are the events of a
stream."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.api.wire.addresses import address_of
from app.api.wire.chat import logprobs_of
from app.api.wire.files import attributes_of
from app.api.wire.provenance import Origin
from app.schemas.chat import ContentLogprob
from app.schemas.responses.answer import (
    ConversationName,
    FileCitation,
    FileSearchCall,
    FileSearchResult,
    FlatUrlCitation,
    FoundSources,
    IncompleteDetails,
    InputTokensDetails,
    OutputMessage,
    OutputText,
    ResponseFailure,
    ResponseObject,
    ResponseUsage,
    Status,
)
from app.schemas.responses.functions import FlatFunctionChoice, OutputFunctionCall
from app.schemas.responses.request import ResponsesRequest
from app.schemas.wire import RequestModel
from deployments.contracts.errors import RagError, RateLimited
from deployments.contracts.generation import Citation, Generation, TokenLogprob
from deployments.contracts.search import ScoredChunk

Item = OutputMessage | OutputFunctionCall
CUT_BY: Mapping[str, Literal["max_output_tokens", "content_filter"]] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}
"""What ended an answer early, by the reason of its end."""


@dataclass(frozen=True, slots=True)
class ResponseForm:
    """Makes the parts of a response; `created_at` is in seconds since 1970."""

    asked: ResponsesRequest
    origin: Origin
    created_at: int = field(default_factory=lambda: int(time.time()))

    @property
    def id(self) -> str:
        """The id of the response: one that it is found by, where it is kept."""
        turn = self.origin.turn
        kept = None if turn is None else turn.response_id
        return kept or f"resp_{self.origin.scope.request_id}"

    @property
    def message_id(self) -> str:
        """The id of the answer's message."""
        return f"msg_{self.origin.scope.request_id}"

    def begun(self) -> ResponseObject:
        """Returns the response before its text, with the sources that were found."""
        found = FoundSources(release=self.origin.release, sources=self.origin.found())
        return self._response("in_progress", ragserve=found)

    def whole(self, written: Generation, *, text_first: bool = True) -> ResponseObject:
        """Returns the response with its text, its calls and its end.

        Args:
            written: The answer.
            text_first: Whether its text began before its calls.
        """
        cut_by = CUT_BY.get(written.finish_reason)
        counted = self.origin.record.with_rounds(written)
        usage = ResponseUsage(
            input_tokens=counted.prompt_tokens,
            input_tokens_details=InputTokensDetails(cached_tokens=counted.cached_tokens),
            output_tokens=counted.completion_tokens,
            total_tokens=counted.prompt_tokens + counted.completion_tokens,
            cost_usd=self.origin.scope.notes.cost_usd(),
        )
        return self._response(
            "completed" if cut_by is None else "incomplete",
            completed_at=int(time.time()) if cut_by is None else None,
            incomplete_details=None if cut_by is None else IncompleteDetails(reason=cut_by),
            output=self._output(self._items(written, text_first)),
            usage=usage,
            ragserve=self.origin.provenance(written),
        )

    def broken(self, error: RagError, text: OutputText) -> ResponseObject:
        """Returns the response as far as it came before it broke off."""
        is_limited = error.code == RateLimited.code  # no limit of ours breaks off an answer
        message = OutputMessage(id=self.message_id, status="incomplete", content=[text])
        return self._response(
            "failed",
            error=ResponseFailure(
                code="rate_limit_exceeded" if is_limited else "server_error", message=str(error)
            ),
            output=self._output([message]),
        )

    def message(self, written: Generation) -> OutputMessage:
        """Returns the item that holds the whole text."""
        text = self.text(written.text, written.citations, written.logprobs)
        status: Status = "incomplete" if written.finish_reason in CUT_BY else "completed"
        return OutputMessage(id=self.message_id, status=status, content=[text])

    def calls(self, written: Generation) -> list[OutputFunctionCall]:
        """Returns the items of the calls. One that is cut off has half of its arguments."""
        status: Literal["completed", "incomplete"] = (
            "incomplete" if written.finish_reason in CUT_BY else "completed"
        )
        return [
            self.call(place, call.id, call.name).model_copy(
                update={"arguments": call.arguments, "status": status}
            )
            for place, call in enumerate(written.calls)
        ]

    def call(self, place: int, call_id: str, name: str) -> OutputFunctionCall:
        """Returns the item of a call that begins, the `place`th of the answer."""
        return OutputFunctionCall(
            id=f"fc_{self.origin.scope.request_id}_{place}",
            call_id=call_id,
            name=name,
            arguments="",
            status="in_progress",
        )

    def text(
        self, text: str, citations: Iterable[Citation], logprobs: Iterable[TokenLogprob]
    ) -> OutputText:
        """Returns the text with what it cites."""
        return OutputText(
            text=text, annotations=self.annotations(citations), logprobs=self.logprobs(logprobs)
        )

    def logprobs(self, logprobs: Iterable[TokenLogprob]) -> list[ContentLogprob]:
        """Returns log-probabilities, none where nobody asked for them."""
        return logprobs_of(logprobs).content if self.asked.with_logprobs else []

    def annotations(self, citations: Iterable[Citation]) -> list[FlatUrlCitation | FileCitation]:
        """Returns citations: each as an address, and after a `file_search` as a file, too."""
        found: list[FlatUrlCitation | FileCitation] = []
        for citation, chunk in self.origin.cited(citations):
            found.append(
                FlatUrlCitation(
                    start_index=citation.start,
                    end_index=citation.end,
                    url=address_of(chunk),
                    title=chunk.title,
                )
            )
            if self.asked.file_search is not None:
                found.append(
                    FileCitation(index=citation.end, file_id=chunk.document_id, filename=chunk.path)
                )
        return found

    def search_call(self) -> FileSearchCall | None:
        """Returns the item of the search, where one was asked for as a tool."""
        if self.asked.file_search is None:
            return None
        return FileSearchCall(
            id=f"fs_{self.origin.scope.request_id}",
            status="completed",
            queries=[self.origin.record.query],
            results=_results(self.origin.sources) if self.asked.with_results else None,
        )

    def _items(self, written: Generation, text_first: bool) -> list[Item]:
        calls: list[Item] = list(self.calls(written))
        if calls and not written.text:
            return calls
        message = self.message(written)
        return [message, *calls] if text_first else [*calls, message]

    def _output(self, items: Sequence[Item]) -> list[FileSearchCall | Item]:
        search = self.search_call()
        return list(items) if search is None else [search, *items]

    def _response(self, status: Status, **known: Any) -> ResponseObject:
        asked, turn = self.asked, self.origin.turn
        name = None if turn is None else ConversationName(id=turn.conversation)
        format = None if asked.text is None else asked.text.format
        return ResponseObject(
            id=self.id,
            created_at=self.created_at,
            status=status,
            instructions=asked.instructions,
            max_output_tokens=asked.max_output_tokens,
            metadata=asked.metadata or {},
            model=asked.model,
            temperature=asked.temperature,
            top_p=asked.top_p,
            text={"format": {"type": "text"} if format is None else _echo(format)},
            tool_choice=_echo_choice(asked.tool_choice),
            parallel_tool_calls=asked.parallel_tool_calls is not False,
            previous_response_id=asked.previous_response_id,
            conversation=name,
            store=turn is not None and turn.response_id is not None,
            tools=[_echo(tool) for tool in asked.tools],
            user=asked.user,
            **known,
        )


def _echo(wish: RequestModel) -> dict[str, Any]:
    """Returns a part of the request as it was sent."""
    return wish.model_dump(by_alias=True, exclude_none=True)


def _echo_choice(choice: FlatFunctionChoice | str | None) -> str | dict[str, Any]:
    if isinstance(choice, FlatFunctionChoice):
        return _echo(choice)
    return {"type": choice} if choice == "file_search" else choice or "auto"


def _results(sources: Sequence[ScoredChunk]) -> list[FileSearchResult]:
    return [
        FileSearchResult(
            file_id=hit.chunk.document_id,
            filename=hit.chunk.path,
            score=hit.relevance,
            text=hit.chunk.text,
            attributes=attributes_of(hit.chunk.metadata),
        )
        for hit in sources
    ]
