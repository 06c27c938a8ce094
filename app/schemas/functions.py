"""Functions that a client offers, and those that an answer calls, in OpenAI's form."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas.sampling import SmallSchema
from app.schemas.wire import ResponseModel, TolerantModel
from deployments.contracts.generation import FinishReason

EndReason = FinishReason | Literal["tool_calls"]
"""Why an answer ended that may be a call."""
FunctionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["book_berth"])]
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

    without_effect = frozenset({"id", "type", "index"})

    function: SentCall


class CalledFunction(ResponseModel):
    """A function, and what it is called with."""

    name: str = Field(examples=["book_berth"])
    arguments: str = Field(description="JSON.", examples=['{"feet": 32}'])


class ToolCall(ResponseModel):
    """A call that the client is to make."""

    id: str = Field(examples=["call_3f2a9c"])
    type: Literal["function"] = "function"
    function: CalledFunction
