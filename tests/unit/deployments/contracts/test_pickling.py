"""Values that travel between processes arrive as they left."""

import pickle
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest
from ray import cloudpickle

from deployments.contracts.calls import CallContext, Lap, StageCall, StageOutcome, Times
from deployments.contracts.documents import Chunk
from deployments.contracts.errors import Overloaded
from deployments.contracts.generation import (
    Citation,
    Generation,
    GenerationRequest,
    Message,
    Sampling,
    TextDelta,
)
from deployments.contracts.pickling import pickled_by_fields
from deployments.contracts.search import (
    Calibration,
    Embedded,
    Found,
    Reranked,
    ScoredChunk,
    SearchMethod,
    Signals,
)
from deployments.contracts.vectors import QuestionTokens, TokenVectors

TIMES = Times(1.0, 2.0, 3.0, 4, (Lap("words", 1.0, 2.0),))
CHUNK = Chunk("a-0", "a", 0, "text", "a.md", "A", "B", 7, {"year": 2024}, "plain", frozenset("g"))
HIT = ScoredChunk(CHUNK, 0.5, 1, Signals(0.1, None, 0.3))
CALL = CallContext("id", 1.0, "release", "00-trace", background=True)
WORTHS: list[Any] = [
    CHUNK,
    HIT,
    Found((HIT,), TIMES, Calibration(0.5, "m", 1, 2, 3, 4, 0.5, 0.6, "now"), (CHUNK,), "state"),
    Reranked((0.5, 0.25), 3, "m", TIMES),
    StageCall("search", ("q", None), {"how": SearchMethod("lexical")}, CALL),
    StageOutcome(HIT),
    GenerationRequest((Message("user", "q"),), "q", (HIT,), sampling=Sampling(temperature=0.5)),
    Generation(
        text="text",
        citations=(),
        grounded=True,
        finish_reason="stop",
        prompt_tokens=1,
        completion_tokens=2,
        model="m",
    ),
    TextDelta("text", 1, citations=(Citation(1, 0, 4),)),
]


@pytest.mark.parametrize("value", WORTHS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("library", [pickle, cloudpickle])
def test_a_value_arrives_as_it_left(value: Any, library: Any) -> None:
    again = library.loads(library.dumps(value))
    assert (type(again), again) == (type(value), value)


def test_arrays_arrive_with_their_types() -> None:
    tokens = TokenVectors(np.ones((2, 3), np.int8), np.ones(2, np.float32))
    embedded = Embedded(
        np.ones((1, 3), np.float32), (2,), questions=(QuestionTokens("q", (1, 2), tokens, "m"),)
    )
    again: Embedded = pickle.loads(pickle.dumps(embedded))
    [question] = again.questions
    assert (question.text, question.token_ids, question.model_digest) == ("q", (1, 2), "m")
    assert question.vectors.codes.dtype == np.int8
    assert np.array_equal(question.vectors.dequantized(), tokens.dequantized())


def test_an_error_arrives_with_what_it_says() -> None:
    outcome = StageOutcome(error=Overloaded("Full.", "embedder", 2.0))
    again = pickle.loads(pickle.dumps(outcome))
    assert (type(again.error), vars(again.error)) == (Overloaded, vars(outcome.error))


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Grown:
    first: int
    second: str
    later: tuple[int, ...] = field(default=())


def test_a_value_of_a_version_with_fewer_fields_can_be_read() -> None:
    factory, values = cast(tuple[type[Grown], tuple[Any, ...]], Grown(1, "b", (2,)).__reduce__())
    assert factory(*values[:2]) == Grown(1, "b")
