"""Wire forms of `/v1/chat/completions`: OpenAI's, with one member of our own on each side."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from app.schemas.answers import Source, Timings
from app.schemas.conversations import CONVERSATION, STORE, ConversationField
from app.schemas.filters import MetadataFilter
from app.schemas.functions import (
    CallId,
    FunctionChoice,
    FunctionTool,
    SentToolCall,
    ToolCall,
)
from app.schemas.moderations import Blocked
from app.schemas.sampling import ResponseFormat, WritingFields
from app.schemas.wire import COST_USD, ResponseModel, TolerantModel, unsupported
from app.settings.live.housekeeping import HousekeepingKind
from app.settings.live.routing import RoutingHow
from deployments.contracts.generation import FinishReason, Message, Role, Sampling
from deployments.contracts.inputs import Items
from deployments.contracts.tools import ToolUse

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
Text = Annotated[str, Field(max_length=2_000_000)]


def _is_text(kind: Any) -> Any:
    if isinstance(kind, str) and kind != "text":
        raise unsupported("only text is read")
    return kind


class TextPart(TolerantModel):
    """A part of a message; only text is read."""

    without_effect = frozenset({"cache_control", "annotations"})

    type: Annotated[Literal["text"], BeforeValidator(_is_text)]
    text: Text


class ChatMessage(TolerantModel):
    """One turn. What an answer of ours has beside its text may come back with it."""

    without_effect = frozenset(
        {"name", "refusal", "annotations", "reasoning", "reasoning_content", "audio"}
    )
    neutral = {"tool_calls": [[]]}

    role: Literal["system", "developer", "user", "assistant", "tool"] = Field(examples=["user"])
    tool_calls: Items[SentToolCall] | None = Field(
        default=None, max_length=128, description="What a turn of the assistant called."
    )
    tool_call_id: CallId | None = Field(
        default=None, description="The call whose result a turn of the role `tool` is."
    )
    content: Text | Annotated[Items[TextPart], Field(min_length=1, max_length=1000)] = Field(
        examples=["What happens when a queue is full?"]
    )

    @model_validator(mode="before")
    @classmethod
    def _may_have_said_nothing(cls, value: Any) -> Any:
        """An assistant's turn without content is one without text."""
        if isinstance(value, Mapping) and value.get("role") == "assistant":
            return {**value, "content": "" if value.get("content") is None else value["content"]}
        return value

    def message(self) -> Message:
        """Returns the turn as the generator takes it; the parts of a text are joined."""
        parts = self.content
        texts = [parts] if isinstance(parts, str) else [part.text for part in parts]
        return Message(
            _ROLES[self.role],
            "\n".join(filter(None, texts)),
            tuple(call.call() for call in self.tool_calls or ()),
            (self.tool_call_id or "") if self.role == "tool" else "",
        )


class RetrievalOptions(TolerantModel):
    """Our own member of a request: whether and how documents are searched."""

    retrieval: bool = Field(
        default=True, description="False asks the release's generator without documents."
    )
    top_k: int | None = Field(default=None, ge=1, le=1000)
    top_n: int | None = Field(default=None, ge=1, le=100)
    rerank: bool | None = None
    filter: MetadataFilter | None = Field(default=None, examples=[{"path": "docs/api.md"}])
    session_id: str | None = Field(
        default=None, max_length=256, description="Keeps a conversation on one release."
    )


class ChatRequest(WritingFields):
    """OpenAI's request."""

    without_effect = WritingFields.without_effect - {"parallel_tool_calls", "store"}
    neutral = {**WritingFields.neutral, "tool_choice": []}

    model: str = Field(
        min_length=1,
        max_length=256,
        description="`ragserve`, `ragserve:<release>`, `auto`, or a generator's name for an answer "
        "without documents.",
        examples=["ragserve"],
    )
    messages: Items[ChatMessage] = Field(min_length=1, max_length=2000)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    response_format: ResponseFormat | None = None
    ragserve: RetrievalOptions = RetrievalOptions()
    conversation_id: ConversationField | None = CONVERSATION
    store: bool | None = STORE
    tool_choice: Literal["auto", "none", "required"] | FunctionChoice | None = Field(
        default=None,
        description="Whether a function is called: `auto`, which holds where nothing is said, "
        "leaves it to the model; one that is named is the answer.",
    )
    tools: Annotated[Items[FunctionTool], Field(max_length=128)] | None = Field(
        default=None,
        validate_default=True,
        description="Functions that the model may call; they need a language model.",
    )
    parallel_tool_calls: bool | None = Field(
        default=None, description="False wants one call at most."
    )

    @field_validator("tools")
    @classmethod
    def _has_what_is_chosen(
        cls, tools: list[FunctionTool] | None, info: ValidationInfo
    ) -> list[FunctionTool] | None:
        choice = info.data.get("tool_choice")
        names = [tool.function.name for tool in tools or ()]
        if isinstance(choice, FunctionChoice) and choice.function.name not in names:
            raise ValueError("has no function of the name that tool_choice gives")
        if choice == "required" and not names:
            raise ValueError("has no function, and tool_choice requires one")
        if len(set(names)) != len(names):
            raise ValueError("has two functions of one name")
        return tools

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("top_logprobs needs logprobs: true")
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options needs stream: true")
        forced = self.tool_use().is_forced or None
        forms = (self.response_format, self.structured_outputs, forced)
        if sum(form is not None for form in forms) > 1:
            raise ValueError("give one of response_format, structured_outputs and tool_choice")
        return self

    def tool_use(self) -> ToolUse:
        """Returns the functions that are offered, and who chooses of them."""
        tools = tuple(tool.function.tool() for tool in self.tools or ())
        parallel = self.parallel_tool_calls
        if isinstance(self.tool_choice, FunctionChoice):
            return ToolUse(tools, "named", self.tool_choice.function.name, parallel)
        return ToolUse(tools, self.tool_choice or "auto", parallel=parallel)

    def sampling(self) -> Sampling:
        """See `WritingFields.sampling`."""
        wishes = super().sampling()
        if self.max_completion_tokens is not None:
            wishes = replace(wishes, max_tokens=self.max_completion_tokens)
        if self.logprobs:
            wishes = replace(wishes, top_logprobs=self.top_logprobs or 0)
        if self.response_format is not None:
            wishes = replace(wishes, output_format=self.response_format.output_format())
        return wishes


class UrlCitation(ResponseModel):
    """A stretch of the text and where it comes from."""

    start_index: int = Field(examples=[0])
    end_index: int = Field(examples=[57])
    url: str = Field(
        description="The document's `url` metadata, else its path.", examples=["docs/errors.md"]
    )
    title: str = Field(examples=["Errors"])


class Annotation(ResponseModel):
    """OpenAI's form of a citation."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class AssistantMessage(ResponseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str | None = Field(description="Null where the answer is nothing but calls.")
    refusal: str | None = None
    annotations: list[Annotation]
    tool_calls: list[ToolCall] | None = None


class TopLogprob(ResponseModel):
    """A token that could have been chosen."""

    token: str
    logprob: float
    bytes: list[int]


class ContentLogprob(TopLogprob):
    """A token that was chosen."""

    top_logprobs: list[TopLogprob]


class ChoiceLogprobs(ResponseModel):
    """One entry per token."""

    content: list[ContentLogprob]
    refusal: str | None = None


class Choice(ResponseModel):
    """The only one."""

    index: int = 0
    message: AssistantMessage
    logprobs: ChoiceLogprobs | None = None
    finish_reason: FinishReason


class PromptTokensDetails(ResponseModel):
    """Of the prompt's tokens, those that were not computed again."""

    cached_tokens: int = 0


class GenerationUsage(ResponseModel):
    """Tokens of the generator."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails = PromptTokensDetails()
    cost_usd: float | None = COST_USD


class Routing(ResponseModel):
    """Why `auto` became this model."""

    model: str = Field(examples=["ragserve:stable"])
    rule: int | None = Field(description="Place of the rule from 0; null where none fitted.")
    reason: str = Field(examples=["wants_json True"])
    how: RoutingHow = Field(description="What decided: the rule alone, figures, or curiosity.")


class Provenance(ResponseModel):
    """Our own member of an answer: where it comes from, and what it cost."""

    request_id: str = Field(description="As `X-Request-ID`.", examples=["3f2a9c"])
    model: str = Field(description="The model that wrote it.", examples=["extractive"])
    release: str | None = Field(description="Null for an answer without a release.")
    prompt: str = Field(description="Name and version of the prompt.", examples=["answer-v1"])
    grounded: bool
    answerability: float | None = Field(
        default=None, description="How likely the documents answer the question, from 0 to 1."
    )
    sources: list[Source]
    degraded: list[str]
    blocked: Blocked | None = Field(
        default=None, description="Why a moderation policy has ended the answer."
    )
    routing: Routing | None = None
    housekeeping: HousekeepingKind | None = Field(
        default=None,
        description="What a chat program asked for by itself, which was not searched for.",
    )
    conversation_id: str | None = Field(
        default=None, description="The kept conversation that the question went on with."
    )
    ignored: list[str] = Field(
        default_factory=list, description="Fields of the request that nothing here knows."
    )
    timings: Timings


class ChatCompletion(ResponseModel):
    """OpenAI's answer."""

    id: str = Field(examples=["chatcmpl-3f2a9c"])
    object: Literal["chat.completion"] = "chat.completion"
    created: int = Field(examples=[1767225600])
    model: str = Field(description="As the request named it.", examples=["ragserve"])
    choices: list[Choice]
    usage: GenerationUsage
    ragserve: Provenance
