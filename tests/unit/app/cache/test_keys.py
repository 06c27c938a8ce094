"""Whatever differs makes another key."""

import random
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from app.answering.question import Question
from app.cache.keys import AnswerKey, GenerationKey, asked_of, digest, document_tag, user_tag
from deployments.contracts.documents import Chunk
from deployments.contracts.generation import GenerationRequest, Message, OutputFormat, Sampling
from deployments.contracts.search import ScoredChunk, Signals
from deployments.contracts.tools import Tool, ToolCall, ToolUse

CHUNK = Chunk("d-0", "d", 0, "text", "d.md", "D", "H", 1, {"year": 2020}, "markdown", None)
HIT = ScoredChunk(CHUNK, 0.5, 1, Signals(0.5, 2.0, 0.7))
REQUEST = GenerationRequest(
    messages=(Message("user", "Why?", (ToolCall("i", "f", "{}"),), "c", (1,)),),
    question="why",
    context=(HIT,),
    prompt="answer-v2",
    text="",
    sampling=Sampling(temperature=0.0, logit_bias={5: 1.0}, output_format=OutputFormat(regex="a")),
    tools=ToolUse((Tool("f", "does", {"type": "object"}, True),), "auto", "f", True),
)
QUESTION = Question("", sampling=REQUEST.sampling, tools=REQUEST.tools, where={"a": {"$gt": 1}})
ANSWER = AnswerKey(
    *("acme", ("board", "legal"), "one", "f1", "g1", "s1", "m1"),
    QUESTION,
    asked_of((Message("user", "Why?"),), "full"),
)
KEYS: list[Any] = [GenerationKey("acme", "g1", REQUEST), ANSWER]


def changed(value: Any, draw: random.Random) -> Any:
    """Returns a value that differs in one field, at whatever depth."""
    if is_dataclass(value) and not isinstance(value, type):
        name = draw.choice([field.name for field in fields(value)])
        return replace(value, **{name: changed(getattr(value, name), draw)})
    if isinstance(value, tuple) and value:
        place = draw.randrange(len(value))
        return (*value[:place], changed(value[place], draw), *value[place + 1 :])
    if isinstance(value, dict) and value:
        name = draw.choice(list(value))
        return {**value, name: changed(value[name], draw)}
    others: list[Any] = [None, True, False, 0, 1, 2.5, "", "x", ("x",), {"x": 1}]
    return draw.choice([other for other in others if not same(other, value)])


def same(one: Any, other: Any) -> bool:
    """Returns whether two values mean the same in a key: an empty list is one, whatever its
    kind."""
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("key", KEYS, ids=lambda key: type(key).__name__)
def test_one_other_field_is_another_key(key: Any) -> None:
    draw, known = random.Random(11), digest(key)
    for _ in range(3_000):
        other = changed(key, draw)
        assert digest(other) != known, other


def test_equal_keys_are_one_however_they_were_made() -> None:
    again = replace(ANSWER, question=replace(QUESTION, where={"a": {"$gt": 1}}))
    assert digest(again) == digest(ANSWER)
    first = replace(QUESTION, where={"a": 1, "b": 2})
    second = replace(QUESTION, where={"b": 2, "a": 1})
    assert digest(replace(ANSWER, question=first)) == digest(replace(ANSWER, question=second))


def test_numbers_of_numpy_are_numbers() -> None:
    score: Any = np.float32(0.5)
    hit = replace(HIT, score=score)
    assert digest(replace(REQUEST, context=(hit,))) == digest(REQUEST)


def test_a_key_of_another_kind_is_another() -> None:
    assert len({digest(key) for key in KEYS}) == len(KEYS)


def test_tags_tell_documents_from_users() -> None:
    assert document_tag("zoe") != user_tag("zoe")
    assert "zoe" not in user_tag("zoe")


def test_a_conversation_counts_as_it_stands() -> None:
    one, other = Message("user", "Why?"), Message("user", "why")
    assert asked_of((one,), "full") == asked_of((other,), "full")
    system = Message("system", "Be short.")
    assert asked_of((system, one), "full") != asked_of((system, other), "full")
    assert asked_of((one,), "full") != asked_of((one,), "light")
    assert asked_of((Message("assistant", "Why?"),), "full") != asked_of((one,), "full")
