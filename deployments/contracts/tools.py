"""Functions that a language model may call, and the calls that it makes.

Who offers a function carries it out: nothing here runs one.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

_ID_BYTES = 12
Choice = Literal["auto", "none", "required", "named"]
"""Who decides whether a function is called: the model, nobody, or the request. `named` wants the
one that `ToolUse.named` says."""
CHOICES: tuple[Choice, ...] = ("auto", "required", "named")
"""Those that ask for anything."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that is offered; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    strict: bool | None = None

    def as_json(self) -> dict[str, object]:
        """Returns the function in OpenAI's form, which chat templates read as well."""
        function: dict[str, object] = {"name": self.name}
        if self.description is not None:
            function["description"] = self.description
        function["parameters"] = dict(self.parameters)
        if self.strict is not None:
            function["strict"] = self.strict
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class ToolUse:
    """What is offered, and what is to be called of it.

    `parallel` says whether several functions may be called at once; None leaves it to the model.
    """

    tools: tuple[Tool, ...] = ()
    choice: Choice = "auto"
    named: str = ""
    parallel: bool | None = None

    def __bool__(self) -> bool:
        """Whether a call may come of it."""
        return bool(self.tools) and self.choice != "none"

    @property
    def is_forced(self) -> bool:
        """Whether the answer must be a call."""
        return bool(self.tools) and self.choice in ("required", "named")

    @property
    def asked_by(self) -> str:
        """The client's field, which an error names."""
        return "tool_choice" if self.is_forced else "tools"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model made; `arguments` is JSON as it wrote it, which may be cut off."""

    id: str
    name: str
    arguments: str

    def as_json(self) -> dict[str, object]:
        """Returns the call in OpenAI's form."""
        function = {"name": self.name, "arguments": self.arguments}
        return {**({"id": self.id} if self.id else {}), "type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a call. `index` tells the calls of one answer apart, from 0; id and name come with
    the first piece of each, `arguments` go on where the last piece ended."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class CallDraft:
    """Calls as far as they have come."""

    def __init__(self) -> None:
        self._calls: dict[int, ToolCall] = {}

    def add(self, deltas: Iterable[ToolCallDelta]) -> tuple[ToolCallDelta, ...]:
        """Takes pieces in their order, and returns them as joined as they can be; a call that
        comes without an id is given one."""
        pieces = joined(deltas)
        for place, piece in enumerate(pieces):
            so_far = self._calls.get(piece.index)
            if so_far is None:
                named = replace(piece, id=piece.id or f"call_{secrets.token_hex(_ID_BYTES)}")
                pieces = (*pieces[:place], named, *pieces[place + 1 :])
                self._calls[piece.index] = ToolCall(named.id, named.name, named.arguments)
            else:
                self._calls[piece.index] = replace(
                    so_far,
                    name=so_far.name or piece.name,
                    arguments=so_far.arguments + piece.arguments,
                )
        return pieces

    def calls(self) -> tuple[ToolCall, ...]:
        """Returns the calls in the order of their numbers."""
        return tuple(call for _, call in sorted(self._calls.items()))


def joined(deltas: Iterable[ToolCallDelta]) -> tuple[ToolCallDelta, ...]:
    """Returns pieces that come together with those of one call as one, in the order of their
    beginnings.

    >>> joined([ToolCallDelta(0, "a", "f", "{"), ToolCallDelta(0, arguments="}")])
    (ToolCallDelta(index=0, id='a', name='f', arguments='{}'),)
    """
    found: dict[int, ToolCallDelta] = {}
    for delta in deltas:
        so_far = found.get(delta.index, ToolCallDelta(delta.index))
        found[delta.index] = ToolCallDelta(
            delta.index,
            so_far.id or delta.id,
            so_far.name or delta.name,
            so_far.arguments + delta.arguments,
        )
    return tuple(found.values())
