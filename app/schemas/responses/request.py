"""OpenAI's request for a response."""

from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from app.schemas.chat import RetrievalOptions, Text
from app.schemas.conversations import CONVERSATION_ID, ConversationField
from app.schemas.responses.functions import (
    FlatFunctionChoice,
    FlatFunctionTool,
    with_calls_joined,
)
from app.schemas.responses.items import InputItem
from app.schemas.responses.tools import FileSearchTool, ResponseTool, ToolChoice
from app.schemas.sampling import (
    CACHE_OPTIONS,
    CacheOptions,
    JsonObjectFormat,
    JsonSchema,
    TextFormat,
)
from app.schemas.wire import TolerantModel, refused
from deployments.contracts.generation import Message, OutputFormat, Sampling
from deployments.contracts.inputs import Items, bounded
from deployments.contracts.tools import ToolUse

_LOGPROBS = "message.output_text.logprobs"
_RESULTS = "file_search_call.results"

Metadata = Annotated[
    dict[
        Annotated[str, Field(max_length=64)],
        Annotated[str, Field(max_length=512)],
    ],
    bounded(16),
]
"""What a client wants to find again in an answer."""


class NamedSchemaFormat(JsonSchema):
    """JSON by a schema; here, unlike in the chat's form, its fields stand beside the type."""

    type: Literal["json_schema"]

    def output_format(self) -> OutputFormat:
        """Returns the form."""
        return OutputFormat(json_schema=self.schema_)


class TextOptions(TolerantModel):
    """What the text must look like."""

    without_effect = frozenset({"verbosity"})

    format: (
        Annotated[TextFormat | JsonObjectFormat | NamedSchemaFormat, Field(discriminator="type")]
        | None
    ) = None


class ConversationReference(TolerantModel):
    """A conversation by its id, as newer clients write it."""

    id: ConversationField = Field(examples=[CONVERSATION_ID])


class ResponsesRequest(TolerantModel):
    """OpenAI's request. It is kept where the service keeps conversations."""

    without_effect = frozenset(
        {
            *("truncation", "reasoning", "service_tier"),
            *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"),
            *("max_tool_calls", "stream_options", "access_programs", "image"),
        }
    )
    neutral = {"background": [False], "tools": [[]], "context_management": [[]]}

    model: str = Field(
        min_length=1,
        max_length=256,
        description="`ragserve`, `ragserve:<release>`, `auto`, or a generator's name for an answer "
        "without documents.",
        examples=["ragserve"],
    )
    input: (
        Annotated[Text, Field(min_length=1)]
        | Annotated[Items[InputItem], Field(min_length=1, max_length=2000)]
    ) = Field(
        description="A question, or a conversation that ends with one.",
        examples=["What happens when a queue is full?"],
    )
    instructions: Text | None = Field(
        default=None, description="Goes before the conversation, as a system message."
    )
    stream: bool = Field(default=False, description="Whether to send server-sent events.")
    temperature: float | None = Field(default=None, ge=0.0, le=2.0, examples=[0.2])
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    max_output_tokens: int | None = Field(default=None, ge=1, le=1_000_000, examples=[256])
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    text: TextOptions | None = None
    include: Items[Annotated[str, Field(max_length=256)]] = Field(
        default_factory=list,
        max_length=50,
        description=f"`{_RESULTS}` and `{_LOGPROBS}`; others ask for what no answer here has.",
        examples=[[_RESULTS]],
    )
    tools: Items[ResponseTool] = Field(
        default_factory=list, max_length=128, description="Functions, and one `file_search`."
    )
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = Field(
        default=None, description="False wants one call at most."
    )
    user: str | None = Field(default=None, max_length=256, examples=["alice"])
    safety_identifier: str | None = Field(
        default=None, max_length=256, description="Newer clients' name for `user`."
    )
    cache: CacheOptions | None = CACHE_OPTIONS
    metadata: Metadata | None = Field(
        default=None, description="Comes back in the answer.", examples=[{"ticket": "7"}]
    )
    ragserve: RetrievalOptions = RetrievalOptions()
    previous_response_id: Annotated[str, Field(max_length=256)] | None = Field(
        default=None,
        description="The last response of a conversation that is kept: it goes before `input`.",
    )
    conversation: ConversationField | ConversationReference | None = Field(
        default=None,
        description="The kept conversation, by its id: what was said there goes before `input`.",
        examples=[CONVERSATION_ID],
    )
    store: bool | None = Field(
        default=None,
        description="Whether the response is kept, where the service keeps conversations; it is, "
        "unless this is false.",
    )
    background: Annotated[
        JsonValue, refused("an answer is written while its client waits: use `stream`")
    ] = Field(default=None, description="Refused where it is true.")
    prompt: Annotated[
        JsonValue, refused("prompts are not kept here: send `instructions` and `input`")
    ] = Field(default=None, description="Refused.")
    moderation: Annotated[JsonValue, refused("nothing is moderated here")] = Field(
        default=None, description="Refused."
    )
    context_management: Annotated[JsonValue, refused("conversations are not compacted here")] = (
        Field(default=None, description="Refused.")
    )

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        choice, names = self.tool_choice, [tool.name for tool in self.functions]
        searches = len(self.tools) - len(names)
        if searches > 1:
            raise ValueError("tools may have one file_search at most")
        if len(set(names)) != len(names):
            raise ValueError("tools has two functions of one name")
        if choice == "required" and not self.tools:
            raise ValueError("tool_choice asks for a tool, and there is none in tools")
        if choice == "file_search" and not searches:
            raise ValueError("tool_choice asks for file_search, which is not in tools")
        if isinstance(choice, FlatFunctionChoice) and choice.name not in names:
            raise ValueError("tool_choice asks for a function that is not in tools")
        if self.tool_use().is_forced and self.sampling().output_format:
            raise ValueError("give one of text.format and a tool_choice that forces a call")
        if self.file_search is not None and not self.ragserve.retrieval:
            raise ValueError("file_search needs ragserve.retrieval")
        return self

    @property
    def functions(self) -> list[FlatFunctionTool]:
        """The functions that are offered."""
        return [tool for tool in self.tools if isinstance(tool, FlatFunctionTool)]

    def tool_use(self) -> ToolUse:
        """Returns the functions, and who chooses of them. Where a search is offered as well, it is
        what `required` asks for."""
        functions, choice = self.functions, self.tool_choice
        tools = tuple(tool.tool() for tool in functions)
        parallel = self.parallel_tool_calls
        if isinstance(choice, FlatFunctionChoice):
            return ToolUse(tools, "named", choice.name, parallel)
        if choice == "none" or (choice == "required" and len(functions) == len(self.tools)):
            return ToolUse(tools, choice, parallel=parallel)
        return ToolUse(tools, parallel=parallel)

    @property
    def file_search(self) -> FileSearchTool | None:
        """The search that is asked for as a tool."""
        return None if self.tool_choice == "none" else self._offered_search()

    def _offered_search(self) -> FileSearchTool | None:
        found = (tool for tool in self.tools if isinstance(tool, FileSearchTool))
        return next(found, None)

    @property
    def options(self) -> RetrievalOptions:
        """Whether and how documents are searched, by all that the request says of it."""
        if self.file_search is not None:
            return self.file_search.narrow(self.ragserve)
        if self._offered_search() is not None:
            return self.ragserve.model_copy(update={"retrieval": False})
        return self.ragserve

    @property
    def with_results(self) -> bool:
        """Whether what a `file_search` found is wanted."""
        return _RESULTS in self.include

    @property
    def named_user(self) -> str | None:
        """The user that the request names, by either field."""
        return self.user or self.safety_identifier

    @property
    def conversation_id(self) -> str | None:
        """The id of the conversation, in either form."""
        named = self.conversation
        return named.id if isinstance(named, ConversationReference) else named

    @property
    def with_logprobs(self) -> bool:
        """Whether log-probabilities of tokens are wanted."""
        return _LOGPROBS in self.include

    def messages(self) -> tuple[Message, ...]:
        """Returns the conversation, with the instructions as its first turn."""
        turns = [Message("system", self.instructions)] if self.instructions else []
        if isinstance(self.input, str):
            return (*turns, Message("user", self.input))
        said = [message for item in self.input for message in item.messages()]
        return (*turns, *with_calls_joined(said))

    def sampling(self) -> Sampling:
        """Returns the wishes as the generator takes them."""
        wishes = Sampling(
            max_tokens=self.max_output_tokens, temperature=self.temperature, top_p=self.top_p
        )
        if self.with_logprobs:
            wishes = replace(wishes, top_logprobs=self.top_logprobs or 0)
        if self.text is not None and self.text.format is not None:
            wishes = replace(wishes, output_format=self.text.format.output_format())
        return wishes
