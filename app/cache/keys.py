"""What must be equal for an answer to be given again, as one digest.

Every field counts, also those that will be added: values are read off their types, so that what is
forgotten here makes a miss, and never somebody else's answer.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from app.cache.canonical import canonical
from app.settings.cold.cache import CanonicalForm
from deployments.contracts.generation import GenerationRequest, Message

SHOWN_DIGITS = 12
"""Of a key, in traces."""


@dataclass(frozen=True, slots=True)
class GenerationKey:
    """What the text of a generator depends on.

    Attributes:
        tenant: Who asks: no tenant learns what another one has asked.
        generator: Fingerprint of the generator's application.
        request: The prompt's name, the messages, the passages, the sampling.
    """

    tenant: str
    generator: str
    request: GenerationRequest


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """What a whole answer depends on.

    Attributes:
        tenant: Who asks.
        groups: Groups whose documents they read, sorted; None for all of the tenant's.
        release: Who answers.
        fingerprint: Of the release's parameters.
        generator: As in `GenerationKey`.
        generation: State of the documents that it is made from, and of their calibration.
        moderation: Version of the policy that the texts have passed.
        question: What is asked, without its words: how they are searched for and answered.
        asked: The words, or the conversation, as `asked_of` returns them; or what questions share
            that may ask the same.
    """

    tenant: str
    groups: tuple[str, ...] | None
    release: str
    fingerprint: str
    generator: str
    generation: str
    moderation: str
    question: Any
    asked: tuple[object, ...]


def digest(key: object) -> str:
    """Returns 64 hexadecimal digits that are equal for equal keys, and for no others."""
    return hashlib.sha256(_plain_json([type(key).__name__, _plain(key)]).encode()).hexdigest()


def tag_of(kind: str, name: str) -> str:
    """Returns the tag of a document, a user or a conversation. A digest, since names are texts as
    well."""
    return hashlib.sha256(f"{kind}\0{name}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def document_tag(document_id: str) -> str:
    """Returns the tag of answers made from a document."""
    return tag_of("document", document_id)


def user_tag(user: str) -> str:
    """Returns the tag of answers to a user, as requests name them."""
    return tag_of("user", user)


def conversation_tag(conversation: str) -> str:
    """Returns the tag of answers that were written in a kept conversation."""
    return tag_of("conversation", conversation)


def asked_of(messages: tuple[Message, ...], form: CanonicalForm) -> tuple[object, ...]:
    """Returns the words of a question in their canonical form; of a conversation all turns, as they
    stand: what one of them means depends on the others."""
    if len(messages) == 1 and messages[0] == Message("user", messages[0].content):
        return (form, canonical(messages[0].content, form))
    return (form, messages)


def _plain(value: Any) -> Any:
    """Returns a value as JSON has it; equal only for equal values of the same fields."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(item) for item in value), key=_plain_json)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return float(value)  # numbers of numpy


def _plain_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
