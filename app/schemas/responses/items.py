"""The items of an `input`: messages, and what else an answer of ours is made of, which may come
back as it was sent."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from app.schemas.chat import Text
from app.schemas.responses.functions import FunctionCallItem, FunctionCallOutput
from app.schemas.wire import TolerantModel, unsupported
from deployments.contracts.generation import Message, Role
from deployments.contracts.inputs import Items

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
_TEXTS = ("input_text", "output_text", "text")
_PASSED_OVER = ("file_search_call", "reasoning")
_FUNCTIONS = ("function_call", "function_call_output")
_MAX_NAME_CHARS = 64
_REASONS = {
    "item_reference": "responses are not kept here: send the item itself (AI SDK: the provider "
    "option store: false)",
    "input_file": "only texts are read here: send the file to /v1/files, and ask about it",
}


class InputPart(TolerantModel):
    """A part of a message; only text is read."""

    without_effect = frozenset(
        {"annotations", "logprobs", "parsed", "prompt_cache_breakpoint", "cache_control"}
    )

    type: Literal["input_text", "output_text", "text"]
    text: Text

    @model_validator(mode="before")
    @classmethod
    def _is_text(cls, value: Any) -> Any:
        kind = _type_of(value, "text")
        if kind not in _TEXTS:
            raise unsupported(_REASONS.get(kind, f"only texts are read here, no {kind}"))
        return value


class InputMessage(TolerantModel):
    """One turn."""

    without_effect = frozenset({"id", "status", "phase", "name"})

    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"] = Field(examples=["user"])
    content: Text | Annotated[Items[InputPart], Field(max_length=1000)] = Field(
        examples=["What happens when a queue is full?"]
    )

    @model_validator(mode="before")
    @classmethod
    def _is_message(cls, value: Any) -> Any:
        kind = _type_of(value, "message")
        if kind != "message":
            raise unsupported(_REASONS.get(kind, f"only messages are read here, no {kind}"))
        return value

    def messages(self) -> list[Message]:
        """Returns the turn as the generator takes it; the parts of a text are joined."""
        parts = self.content
        content = parts if isinstance(parts, str) else "\n".join(part.text for part in parts)
        return [Message(_ROLES[self.role], content)]


class PassedOver(TolerantModel):
    """What an answer has beside its message: accepted, and not read."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["file_search_call", "reasoning"]

    def messages(self) -> list[Message]:
        """Returns nothing: it is no turn."""
        return []


def _type_of(value: Any, default: str) -> str:
    """Returns what an item says it is; `default` where it does not say."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    return kind[:_MAX_NAME_CHARS] if isinstance(kind, str) else default


def _form_of(value: Any) -> str:
    kind = _type_of(value, "message")
    if kind in _PASSED_OVER:
        return "passed_over"
    return kind if kind in _FUNCTIONS else "message"


InputItem = Annotated[
    Annotated[InputMessage, Tag("message")]
    | Annotated[FunctionCallItem, Tag("function_call")]
    | Annotated[FunctionCallOutput, Tag("function_call_output")]
    | Annotated[PassedOver, Tag("passed_over")],
    Discriminator(_form_of),
]
