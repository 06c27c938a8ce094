"""What crosses a process border arrives as it left: values and failures survive a pickle."""

import pickle
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from deployments.contracts import calls, documents, errors, generation, search, tenants, tools
from deployments.contracts.calls import CallContext, Lap, StageCall, StageOutcome, Times
from deployments.contracts.documents import (
    Chunk,
    Document,
    DocumentPage,
    DocumentRecord,
    IndexedDocument,
    IngestOutcome,
    Part,
    ReadFailure,
    SourcePage,
    Upload,
    chunk_id,
)
from deployments.contracts.errors import RagError
from deployments.contracts.generation import (
    Alternative,
    Citation,
    EngineDelta,
    Generation,
    GenerationRequest,
    Message,
    OutputFormat,
    Prompt,
    Sampling,
    Started,
    TextDelta,
    TokenLogprob,
)
from deployments.contracts.search import (
    Calibration,
    Candidates,
    CollectionFacts,
    Embedded,
    Found,
    Reranked,
    ScoredChunk,
    SearchMethod,
    Signals,
    WordCounts,
)
from deployments.contracts.tenants import Access, Erased
from deployments.contracts.tools import Tool, ToolCall, ToolCallDelta, ToolUse

VECTORS = np.arange(6, dtype=np.float32).reshape(2, 3)
CHUNK = Chunk("d-00000", "d", 0, "text 🎉", "d.md", "Title", "Heading", 2, {"team": "red"})
RECORD = DocumentRecord("d", "d.md", "Title", "mark", 1, "2026-01-01", 2**62, {"year": 2026})
CALIBRATION = Calibration(0.5, "model", 3, 40, 30, 100, 0.97, 0.96, "2026-01-01T00:00:00+00:00")
SAMPLES: list[Any] = [
    CallContext("request", 1.5, "stable", access=Access("acme", frozenset({"legal"}))),
    Access.everything(),
    Erased({"chunks": 3}, is_done=False),
    StageCall("embed", (["text"],), {"input_type": "query"}, CallContext("request", 1.5)),
    StageOutcome("value"),
    Times(1.0, 2.0, 3.0, 4, (Lap("dense", 0.5, 1.5),)),
    Lap("dense", 0.5, 1.5),
    Found((ScoredChunk(CHUNK, 0.5, 1),), Times(1.0, 2.0, 3.0), CALIBRATION),
    Candidates(
        *(2, "hybrid", (("d-00000", 0.5),), (("d-00000", 4.5),), {"d-00000": 0.5}),
        *({"d-00000": CHUNK}, (CHUNK,), Times(1.0, 2.0, 3.0), CALIBRATION, "state"),
    ),
    WordCounts(3, 2, 3, 40, {("words", "text"): 2}, ("retriever:shard-2",)),
    CALIBRATION,
    CollectionFacts(3, 40, CALIBRATION),
    Part("text", 3),
    Document("d", "d.md", "Title", (Part("text"),), {"live": True}),
    CHUNK,
    SearchMethod("dense", 0.5, 10),
    Signals(0.5, None, 0.25),
    ScoredChunk(CHUNK, 0.5, 1, Signals(0.5)),
    RECORD,
    IndexedDocument(RECORD, (CHUNK, CHUNK), VECTORS),
    IngestOutcome("d.md", "failed", "d", 0, "broken"),
    ReadFailure("d.md", "broken"),
    Upload("a.md", b"\x00\xff", {"ratio": 0.5}),
    Embedded(VECTORS, (3, 4), "model", Times(1.0, 2.0, 3.0)),
    Reranked((0.5, 0.25), 7, "model", Times(1.0, 2.0, 3.0)),
    Citation(0, 4, 1),
    Generation("text [1]", (Citation(0, 8, 1),), True, "stop", 10, 2, "model"),
    DocumentPage((RECORD,), 2**62),
    SourcePage((RECORD,), (Document("d", "d.md", "Title", (Part("text"),)),), None, 7),
    Alternative("yes", -0.5),
    TokenLogprob("no", -1.5, (Alternative("yes", -0.5),)),
    Message("assistant", "question 🎉", (ToolCall("c", "book", "{}"),), "c", (1, 2)),
    Tool("book", "Books.", {"type": "object"}, strict=True),
    ToolUse((Tool("book"),), "named", "book", parallel=False),
    ToolCall("c", "book", "{}"),
    ToolCallDelta(0, "c", "book", "{"),
    OutputFormat({"type": "object"}),
    Sampling(max_tokens=3, stop=("end",), logit_bias={7: -1.0}, output_format=OutputFormat()),
    GenerationRequest((Message("user", "question"),), "question", (ScoredChunk(CHUNK, 0.5, 1),)),
    Prompt((Message("user", "question"),), None, "question", (ScoredChunk(CHUNK, 0.5, 1),)),
    EngineDelta("text", 1, finish_reason="stop"),
    Started("model", 10, 2, "answer-v1", (1, 2), Times(1.0, 2.0, 3.0)),
    TextDelta("text [1]", 2, (), (Citation(0, 8, 1),)),
]


def below(kind: type[RagError]) -> list[type[RagError]]:
    return [kind, *(lower for one in kind.__subclasses__() for lower in below(one))]


def equal(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return one == other


def test_every_contract_has_a_sample() -> None:
    named = [
        value
        for module in (calls, documents, search, generation, tenants, tools)
        for value in vars(module).values()
    ]
    kinds = {one for one in named if isinstance(one, type) and is_dataclass(one)}
    assert {type(sample) for sample in SAMPLES} == kinds


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_a_contract_survives_the_way(sample: Any) -> None:
    arrived = pickle.loads(pickle.dumps(sample))
    assert type(arrived) is type(sample)
    for field in fields(sample):
        assert equal(getattr(arrived, field.name), getattr(sample, field.name)), field.name


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_a_contract_cannot_be_changed(sample: Any) -> None:
    with pytest.raises((AttributeError, TypeError)):
        setattr(sample, fields(sample)[0].name, None)


@pytest.mark.parametrize("kind", below(errors.RagError), ids=lambda kind: kind.__name__)
def test_a_failure_survives_the_way(kind: type[RagError]) -> None:
    failure = kind("Say why.", "embedder", 2.5, ({"field": "top_k", "message": "too many"},))
    arrived = pickle.loads(pickle.dumps(failure))
    assert type(arrived) is kind
    assert (arrived.message, arrived.stage, arrived.retry_after_s, arrived.errors) == (
        "Say why.",
        "embedder",
        2.5,
        ({"field": "top_k", "message": "too many"},),
    )
    assert str(arrived) == "Say why."
    assert arrived.code == kind.code


@pytest.mark.parametrize("kind", below(errors.RagError), ids=lambda kind: kind.__name__)
def test_a_failure_needs_only_a_message(kind: type[RagError]) -> None:
    arrived = pickle.loads(pickle.dumps(kind("Say why.")))
    assert (arrived.stage, arrived.retry_after_s, arrived.errors) == (None, None, ())


def test_a_passage_stands_under_its_headings() -> None:
    assert CHUNK.passage() == "Title > Heading\ntext 🎉"
    assert Chunk("c", "d", 0, "text", "p", "").passage() == "text"
    assert Chunk("c", "d", 0, "text", "p", "", "Heading").passage() == "Heading\ntext"


def test_chunk_ids_sort_as_they_stand_in_the_document() -> None:
    ids = [chunk_id("d", ordinal) for ordinal in range(0, 5000, 7)]
    assert ids == sorted(ids)
