"""A search query from a conversation, where no language model writes it: a rule on words."""

import re
from collections.abc import Sequence

from deployments.contracts.generation import Message

_REFERENCES = frozenset(
    """it its they them their theirs this these those he him his she her ones former
    latter""".split()  # noqa: SIM905
)
_FOLLOW_UPS = ("and ", "but ", "or ", "so ", "what about", "how about", "what else")
_FEW_WORDS = 4
_WORD = re.compile(r"[\w'-]+")
_MAX_WRITTEN_CHARS = 500
MAX_QUERY_CHARS = 8000
"""As long as a question may be."""


def user_texts(messages: Sequence[Message]) -> list[str]:
    """Returns what the user said, oldest first."""
    return [message.content for message in messages if message.role == "user"]


def stands_alone(question: str) -> bool:
    """Returns whether a question can be searched for without what was said before.

    It cannot when it is very short, points back with a pronoun, or goes on where another question
    ended.
    """
    words = [word.lower() for word in _WORD.findall(question)]
    if len(words) < _FEW_WORDS or _REFERENCES.intersection(words):
        return False
    return not question.lower().lstrip().startswith(_FOLLOW_UPS)


def query_by_rule(messages: Sequence[Message]) -> str:
    """Returns the user's last message, after the one before it where it does not stand alone."""
    asked = user_texts(messages)
    last = asked[-1]
    if len(asked) > 1 and not stands_alone(last):
        return f"{asked[-2]} {last}"[-MAX_QUERY_CHARS:]
    return last


def usable_query(written: str) -> str | None:
    """Returns what a language model wrote as a query on one line, or None when it is no query:
    empty, or as long as a text."""
    lines = [line.strip().strip("\"'") for line in written.strip().splitlines() if line.strip()]
    query = lines[0] if lines else ""
    return query if _WORD.search(query) and len(query) <= _MAX_WRITTEN_CHARS else None
