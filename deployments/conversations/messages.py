"""Messages as a row keeps them."""

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.contracts.generation import Message
from deployments.contracts.tools import ToolCall


def pack_message(message: Message) -> dict[str, Any]:
    """Returns a message as JSON has it; what it does not have is left out."""
    packed: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.calls:
        packed["calls"] = [[call.id, call.name, call.arguments] for call in message.calls]
    if message.call_id:
        packed["call_id"] = message.call_id
    return packed


def unpack_message(packed: Mapping[str, Any]) -> Message:
    """Returns the message that a row keeps."""
    calls = tuple(ToolCall(*call) for call in packed.get("calls", ()))
    return Message(packed["role"], packed["content"], calls, packed.get("call_id", ""))


def pack_messages(messages: Sequence[Message]) -> dict[str, Any]:
    """Returns several of them, in their order."""
    return {"messages": [pack_message(message) for message in messages]}


def unpack_messages(packed: Mapping[str, Any]) -> tuple[Message, ...]:
    """Returns the messages that a row keeps."""
    return tuple(unpack_message(message) for message in packed["messages"])
