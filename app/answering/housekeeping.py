"""Prompts by which chat programs ask for the title of a conversation and the like, and what they
get where no language model can write it."""

import json
import re
from collections.abc import Sequence

from app.answering.written import AnswerStream
from app.settings.live.housekeeping import HousekeepingKind, HousekeepingRule
from deployments.contracts.generation import Events, Generation, Message, Started, TextDelta

_OPENING_CHARS = 1_000
_TITLE_WORDS = 6
_TITLE_CHARS = 60
_FIRST_TURN = re.compile(r"^[ \t]*(?:user|human)[ \t]*:[ \t]*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_LISTS = frozenset({"tags", "follow_ups", "queries"})
"""Kinds that are answered with a list, which is called as the kind is."""


def housekeeping_kind(
    messages: Sequence[Message], rules: Sequence[HousekeepingRule]
) -> HousekeepingKind | None:
    """Returns what a chat program asks for by itself; None for what its user asks.

    It stands at the beginning of the last message, or of the instructions before it. A prompt of
    this kind that is quoted later in a conversation is a question.
    """
    if not messages or any(message.role == "assistant" for message in messages):
        return None
    places = [messages[-1], *(message for message in messages[:1] if message.role == "system")]
    openings = [_folded(message.content[:_OPENING_CHARS]) for message in places]
    for rule in rules:
        phrases = [_folded(phrase) for phrase in rule.phrases]
        if any(all(phrase in opening for phrase in phrases) for opening in openings):
            return rule.kind
    return None


def reply_without_a_model(kind: HousekeepingKind, messages: Sequence[Message]) -> str:
    """Returns what such a prompt is answered with where nothing can write: the beginning of the
    conversation's first question as its title, an empty list, or nothing."""
    prompt = "\n".join(message.content for message in messages)
    if kind == "title":
        title = _title(prompt)
        return json.dumps({"title": title}, ensure_ascii=False) if '"title"' in prompt else title
    return json.dumps({kind: []}) if kind in _LISTS else ""


def written_at_once(text: str, *, model: str) -> AnswerStream:
    """Returns an answer that is there already, and has cost no tokens."""
    return AnswerStream(_events(text, model))


async def _events(text: str, model: str) -> Events:
    yield [
        Started(model=model, prompt_tokens=0),
        *([TextDelta(text, completion_tokens=0)] if text else []),
        Generation(
            text=text,
            citations=(),
            grounded=True,
            finish_reason="stop",
            prompt_tokens=0,
            completion_tokens=0,
            model=model,
        ),
    ]


def _title(prompt: str) -> str:
    found = _FIRST_TURN.search(prompt)
    words = found[1].split() if found else []
    title = " ".join(words[:_TITLE_WORDS])[:_TITLE_CHARS].rstrip(" .,:;!?")
    return title or "Conversation"


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
