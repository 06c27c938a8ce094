"""OpenAI's response, as far as this service has anything to put into it."""

from typing import Any, Literal

from pydantic import Field

from app.schemas.answers import Source
from app.schemas.chat import ContentLogprob, Provenance
from app.schemas.conversations import CONVERSATION_ID
from app.schemas.responses.functions import OutputFunctionCall
from app.schemas.wire import COST_USD, ResponseModel

Status = Literal["in_progress", "completed", "incomplete", "failed"]


class FlatUrlCitation(ResponseModel):
    """A stretch of the text, and where it comes from."""

    type: Literal["url_citation"] = "url_citation"
    start_index: int = Field(examples=[0])
    end_index: int = Field(description="The character after the last one.", examples=[57])
    url: str = Field(
        description="The document's `url` metadata, else its path.", examples=["docs/errors.md"]
    )
    title: str = Field(examples=["Errors"])


class FileCitation(ResponseModel):
    """The same as a file of the vector store, in answers that a `file_search` was asked for."""

    type: Literal["file_citation"] = "file_citation"
    index: int = Field(description="The character after the stretch.", examples=[57])
    file_id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6"])
    filename: str = Field(examples=["docs/errors.md"])


class OutputText(ResponseModel):
    """The text of an answer."""

    type: Literal["output_text"] = "output_text"
    text: str
    annotations: list[FlatUrlCitation | FileCitation] = []
    logprobs: list[ContentLogprob] = []


class OutputMessage(ResponseModel):
    """The answer."""

    type: Literal["message"] = "message"
    id: str = Field(examples=["msg_3f2a9c"])
    status: Status
    role: Literal["assistant"] = "assistant"
    content: list[OutputText]


class FileSearchResult(ResponseModel):
    """A passage that was found."""

    file_id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6"])
    filename: str = Field(examples=["docs/errors.md"])
    score: float = Field(
        description="How well it fits the question; compares between questions.", examples=[0.71]
    )
    text: str
    attributes: dict[str, str | int | float | bool]


class FileSearchCall(ResponseModel):
    """A search that was asked for as a tool."""

    type: Literal["file_search_call"] = "file_search_call"
    id: str = Field(examples=["fs_3f2a9c"])
    status: Literal["in_progress", "completed"]
    queries: list[str]
    results: list[FileSearchResult] | None = Field(
        default=None, description="Null unless `include` asks for `file_search_call.results`."
    )


class InputTokensDetails(ResponseModel):
    """Of the tokens that were read, those that were not computed again."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0


class OutputTokensDetails(ResponseModel):
    """Nothing that is written here is hidden."""

    reasoning_tokens: int = 0


class ResponseUsage(ResponseModel):
    """Tokens of the generator."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails = OutputTokensDetails()
    total_tokens: int
    cost_usd: float | None = COST_USD


class ResponseFailure(ResponseModel):
    """Why there is no whole answer; the code is one that OpenAI's clients know."""

    code: Literal["server_error", "rate_limit_exceeded"]
    message: str


class IncompleteDetails(ResponseModel):
    """Why an answer ends early."""

    reason: Literal["max_output_tokens", "content_filter"]


class FoundSources(ResponseModel):
    """What is known before the answer is written."""

    release: str | None
    sources: list[Source]


class ConversationName(ResponseModel):
    """A conversation by its id."""

    id: str = Field(examples=[CONVERSATION_ID])


class ResponseObject(ResponseModel):
    """OpenAI's response."""

    id: str = Field(examples=["resp_3f2a9c"])
    object: Literal["response"] = "response"
    created_at: int = Field(examples=[1767225600])
    status: Status
    completed_at: int | None = None
    error: ResponseFailure | None = None
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    metadata: dict[str, str] = {}
    model: str = Field(description="The name that was asked for.", examples=["ragserve"])
    output: list[FileSearchCall | OutputMessage | OutputFunctionCall] = []
    parallel_tool_calls: bool = True
    previous_response_id: str | None = None
    conversation: ConversationName | None = Field(
        default=None, description="The kept conversation that it is a turn of."
    )
    background: bool = False
    store: bool = Field(default=False, description="Whether it is kept.")
    temperature: float | None = None
    top_p: float | None = None
    text: dict[str, Any] = Field(examples=[{"format": {"type": "text"}}])
    tool_choice: str | dict[str, Any] = "auto"
    tools: list[dict[str, Any]] = []
    truncation: Literal["disabled"] = "disabled"
    usage: ResponseUsage | None = None
    user: str | None = None
    ragserve: Provenance | FoundSources | None = Field(
        default=None, description="Our own member: where the answer comes from."
    )
