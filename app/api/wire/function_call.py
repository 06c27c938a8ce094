"""Calls of functions in OpenAI's form: whole, and as the pieces of a stream."""

from app.schemas.functions import CalledFunction, ToolCall
from deployments.contracts import tools


def call_of(call: tools.ToolCall) -> ToolCall:
    """Returns a whole call."""
    return ToolCall(id=call.id, function=CalledFunction(name=call.name, arguments=call.arguments))


def piece_of(delta: tools.ToolCallDelta) -> dict[str, object]:
    """Returns a piece of a streamed call: its first one has id and name."""
    if not delta.id:
        return {"index": delta.index, "function": {"arguments": delta.arguments}}
    begun = call_of(tools.ToolCall(delta.id, delta.name, delta.arguments))
    return {"index": delta.index, **begun.model_dump()}
