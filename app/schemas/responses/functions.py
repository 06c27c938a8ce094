"""Functions in the form of the Responses API: offered, called, and what came of the calls."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from app.schemas.functions import Arguments, CallId, FunctionDefinition, FunctionName
from app.schemas.wire import ResponseModel, TolerantModel
from deployments.contracts.generation import Message
from deployments.contracts.inputs import Items
from deployments.contracts.tools import ToolCall

Text = Annotated[str, Field(max_length=2_000_000)]


class FlatFunctionTool(FunctionDefinition):
    """A function; here, unlike in the chat's form, its fields stand beside the type."""

    without_effect = frozenset({"defer_loading"})

    type: Literal["function"]


class FlatFunctionChoice(TolerantModel):
    """The function that is to be called."""

    type: Literal["function"]
    name: FunctionName


class FunctionCallItem(TolerantModel):
    """A call that an earlier answer made."""

    without_effect = frozenset({"id", "status", "namespace", "caller"})

    type: Literal["function_call"]
    call_id: CallId
    name: Annotated[str, Field(max_length=256)]
    arguments: Arguments = ""

    def messages(self) -> list[Message]:
        """Returns the turn that makes the call."""
        return [Message("assistant", "", (ToolCall(self.call_id, self.name, self.arguments),))]


class OutputPart(TolerantModel):
    """A part of what a function returned; only text is read."""

    without_effect = frozenset({"annotations", "logprobs", "prompt_cache_breakpoint"})

    type: Literal["input_text", "output_text", "text"]
    text: Text


class FunctionCallOutput(TolerantModel):
    """What a function returned."""

    without_effect = frozenset({"id", "status", "caller"})

    type: Literal["function_call_output"]
    call_id: CallId
    output: Text | Annotated[Items[OutputPart], Field(max_length=1000)]

    def messages(self) -> list[Message]:
        """Returns the turn that tells it."""
        parts = self.output
        text = parts if isinstance(parts, str) else "\n".join(part.text for part in parts)
        return [Message("tool", text, call_id=self.call_id)]


class OutputFunctionCall(ResponseModel):
    """A call that the client is to make."""

    type: Literal["function_call"] = "function_call"
    id: str = Field(examples=["fc_3f2a9c_0"])
    call_id: str = Field(
        description="What a `function_call_output` names.", examples=["call_3f2a9c"]
    )
    name: str = Field(examples=["book_berth"])
    arguments: str = Field(description="JSON.", examples=['{"feet": 32}'])
    status: Literal["in_progress", "completed", "incomplete"]


def with_calls_joined(messages: Sequence[Message]) -> list[Message]:
    """Returns the turns with calls that follow each other, or what the assistant said before them,
    as one turn: that is how they were written."""
    turns: list[Message] = []
    for message in messages:
        last = turns[-1] if turns else None
        if message.calls and last is not None and last.role == "assistant":
            turns[-1] = Message("assistant", last.content, last.calls + message.calls)
        else:
            turns.append(message)
    return turns
