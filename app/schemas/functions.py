"""Functions that a client offers, and those that an answer calls, in OpenAI's form."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas.sampling import SmallSchema
from app.schemas.wire import ResponseModel, TolerantModel
from deployments.contracts import tools

FunctionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["book_berth"])]
CallId = Annotated[str, Field(max_length=256, examples=["call_3f2a9c"])]
Arguments = Annotated[str, Field(max_length=200_000)]


class FunctionDefinition(TolerantModel):
    """What a function is called, and what it takes."""

    name: FunctionName
    description: str | None = Field(default=None, max_length=10_000)
    parameters: SmallSchema = Field(
        default_factory=dict,
        examples=[{"type": "object", "properties": {"feet": {"type": "integer"}}}],
    )
    strict: bool | None = None

    def tool(self) -> tools.Tool:
        """Returns the function as a generator is told it."""
        return tools.Tool(self.name, self.description, self.parameters, self.strict)


class FunctionTool(TolerantModel):
    """A function, as a tool."""

    type: Literal["function"]
    function: FunctionDefinition


class ChosenFunction(TolerantModel):
    """The name of one of them."""

    name: FunctionName


class FunctionChoice(TolerantModel):
    """The function that is to be called."""

    type: Literal["function"]
    function: ChosenFunction


class SentCall(TolerantModel):
    """The call that a turn of the conversation made."""

    name: Annotated[str, Field(max_length=256)]
    arguments: Arguments = ""


class SentToolCall(TolerantModel):
    """The same as it came in an answer."""

    without_effect = frozenset({"type", "index"})

    id: CallId = ""
    function: SentCall

    def call(self) -> tools.ToolCall:
        """Returns the call as a generator is told it."""
        return tools.ToolCall(self.id, self.function.name, self.function.arguments)


class CalledFunction(ResponseModel):
    """A function, and what it is called with."""

    name: str = Field(examples=["book_berth"])
    arguments: str = Field(description="JSON.", examples=['{"feet": 32}'])


class ToolCall(ResponseModel):
    """A call that the client is to make."""

    id: str = Field(examples=["call_3f2a9c"])
    type: Literal["function"] = "function"
    function: CalledFunction
