"""An answer that is the call of a function: the text that a grammar forced is its arguments."""

from dataclasses import dataclass
from typing import Literal, Self

from app.request.scope import RequestScope
from app.schemas.chat import ChatRequest
from app.schemas.functions import CalledFunction, EndReason, ToolCall
from deployments.contracts.generation import Generation

CallReason = Literal["stop", "tool_calls"]


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """The call that the client forced.

    Attributes:
        id: What the client calls it by when it tells what came of it.
        name: Of the function.
        finish_reason: What an answer with the call ends with: `stop` where the client named the
            function, as OpenAI's own server says it.
    """

    id: str
    name: str
    finish_reason: CallReason

    @classmethod
    def of(cls, body: ChatRequest, scope: RequestScope) -> Self | None:
        """Returns the call that a request forces, None where it forces none."""
        function = body.forced_function
        if function is None:
            return None
        reason: CallReason = "tool_calls" if body.tool_choice == "required" else "stop"
        return cls(f"call_{scope.request_id}", function.name, reason)

    def is_in(self, text: str) -> bool:
        """Returns whether a text begins as arguments do. Where nothing was found in the documents
        there is a sentence that says so, and no call."""
        return text.lstrip().startswith("{")

    def made(self, arguments: str) -> ToolCall:
        """Returns the whole call."""
        return ToolCall(id=self.id, function=CalledFunction(name=self.name, arguments=arguments))

    def end_of(self, written: Generation) -> EndReason:
        """Returns why a written call ended."""
        return self.finish_reason if written.finish_reason == "stop" else written.finish_reason

    def begun(self, arguments: str) -> dict[str, object]:
        """Returns the first piece of a streamed call."""
        return {"index": 0, **self.made(arguments).model_dump()}

    def continued(self, arguments: str) -> dict[str, object]:
        """Returns a later piece."""
        return {"index": 0, "function": {"arguments": arguments}}


class StreamedCall:
    """Tells the pieces of a streamed answer apart: those of the call, or of a sentence in its
    place.

    Args:
        call: The call that the client forced; None for answers that are text.
    """

    def __init__(self, call: FunctionCall | None) -> None:
        self._call = call
        self._held = ""
        self._is_call: bool | None = None if call is not None else False

    def delta_of(self, text: str) -> dict[str, object]:
        """Returns the piece as a client reads it; empty while it cannot be told what it is of."""
        call, begins = self._call, self._is_call is None
        if call is not None and begins:
            self._held += text
            if not self._held.strip():
                return {}
            self._is_call, text = call.is_in(self._held), self._held
        if call is None or not self._is_call:
            return {"content": text}
        return {"tool_calls": [call.begun(text) if begins else call.continued(text)]}

    def end_of(self, written: Generation) -> EndReason:
        """Returns why the answer ended."""
        if self._call is None or not self._is_call:
            return written.finish_reason
        return self._call.end_of(written)
