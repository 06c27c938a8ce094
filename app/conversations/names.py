"""Ids of conversations, and of the responses that their turns are."""

import re
import secrets

_ID_BYTES = 16
_CONVERSATION = re.compile(r"conv_[0-9a-f]{32}")
_RESPONSE = re.compile(r"resp_([0-9a-f]{32})_([1-9][0-9]{0,8})")


def new_id() -> str:
    """Returns the id of a new conversation, which nobody guesses: 128 random bits."""
    return f"conv_{secrets.token_hex(_ID_BYTES)}"


def is_id(text: str) -> bool:
    """Returns whether a text can be the id of a conversation."""
    return _CONVERSATION.fullmatch(text) is not None


def response_id(conversation_id: str, n: int) -> str:
    """Returns the id of the response that is a turn of a conversation.

    >>> response_id("conv_" + "0" * 32, 7)
    'resp_00000000000000000000000000000000_7'
    """
    return f"resp_{conversation_id.removeprefix('conv_')}_{n}"


def turn_of(response: str) -> tuple[str, int] | None:
    """Returns the conversation and the number of the turn that a response is; None where it is
    none.

    >>> turn_of("resp_00000000000000000000000000000000_7")
    ('conv_00000000000000000000000000000000', 7)
    >>> turn_of("resp_3f2a9c") is None
    True
    """
    found = _RESPONSE.fullmatch(response)
    return None if found is None else (f"conv_{found[1]}", int(found[2]))
