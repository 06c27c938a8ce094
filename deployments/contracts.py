"""What crosses a process border: frozen values. `deployments.stages` says who exchanges them.

Sizes used in the docstrings: n texts, dim the size of an embedding, k candidates. Nothing here
imports a framework, so that every stage and every test double can depend on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deployments.errors import RagError

Vectors = NDArray[np.float32]
"""(n, dim) float32, rows L2-normalised."""

Scalar = str | int | float | bool
Metadata = Mapping[str, Scalar]
"""Flat key-values of a document; what filters can ask for."""

Filter = Mapping[str, object]
"""A metadata filter in Chroma's `where` language, for example `{"path": "docs/api.md"}`."""

InputType = Literal["query", "document"]
"""Some embedding models encode a question and a passage differently."""

SearchMode = Literal["hybrid", "dense", "lexical"]
"""What chunks are found by: `dense` by meaning, `lexical` by words, `hybrid` by both."""


MAX_TEXT_CHARS = 8_000_000
"""Characters of one document's text at most, so that it fits a message between two stages."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """What travels with every call between stages.

    `timeout_s` is what the request has left at the moment of the call: a duration, not a clock
    reading, because clocks of two machines differ. `traceparent` places the call in its trace, for
    servers further on. Source: W3C Trace Context, level 1.
    """

    request_id: str
    timeout_s: float
    release: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class StageCall:
    """One request's call of a stage: the method's name and arguments."""

    method: str
    args: tuple[object, ...]
    options: Mapping[str, object]
    context: CallContext


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """What became of a call: what the method returned, or the error that it raised."""

    value: object = None
    error: RagError | None = None


@dataclass(frozen=True, slots=True)
class Lap:
    """A step inside a stage: when it began after the arrival at the replica, and how long it
    took."""

    name: str
    after_ms: float
    took_ms: float


@dataclass(frozen=True, slots=True)
class Times:
    """Where a stage's time went, in milliseconds.

    `queue_ms` waiting for the model, `inference_ms` in the model; for texts of several batches the
    longest of each. `replica_ms` all of it, from the arrival at the replica to the result.
    `batch_size` counts the entries of the largest batch; 0 where nothing was batched. `laps` are
    the steps worth telling apart.
    """

    queue_ms: float = 0.0
    inference_ms: float = 0.0
    replica_ms: float = 0.0
    batch_size: int = 0
    laps: tuple[Lap, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a document's Markdown; `page` counts from 1 and is None for formats without
    pages."""

    text: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A source text. The same `id` always means the same source; `path` is how people know it."""

    id: str
    path: str
    title: str
    parts: tuple[Part, ...]
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """The indexed unit: a passage that fits the embedder's window. `ordinal` counts from 0 within
    its document."""

    id: str
    document_id: str
    ordinal: int
    text: str
    path: str
    title: str
    heading: str = ""
    page: int | None = None
    metadata: Metadata = field(default_factory=dict)

    def passage(self) -> str:
        """The text that models read: the headings the passage stands under, then the passage."""
        context = " > ".join(part for part in (self.title, self.heading) if part)
        return f"{context}\n{self.text}" if context else self.text


def chunk_id(document_id: str, ordinal: int) -> str:
    """Returns the id of a document's chunk; the same place in the same document keeps its id."""
    return f"{document_id}-{ordinal:05d}"


@dataclass(frozen=True, slots=True)
class SearchMethod:
    """How chunks are looked for.

    In `hybrid` the best `candidates` by meaning and the best by words are fused, the scores of each
    as shares of its best one: `dense_weight` of the one and the rest of the other.
    """

    mode: SearchMode = "hybrid"
    dense_weight: float = 0.55
    candidates: int = 50


@dataclass(frozen=True, slots=True)
class Signals:
    """What each way of looking said of a chunk and a query, each on its own scale; None where it
    did not look, or did not find the chunk.

    `dense` is the cosine similarity of the embeddings, `lexical` BM25, `rerank` what the reranker's
    engine says: with late interaction a mean of cosines.
    """

    dense: float | None = None
    lexical: float | None = None
    rerank: float | None = None


@dataclass(frozen=True, slots=True)
class ScoredChunk:
    """A chunk as the answer to a query; `rank` counts from 1, scores of different stages and
    queries do not compare. What does compare are `signals`."""

    chunk: Chunk
    score: float
    rank: int
    signals: Signals = Signals()


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """What the index knows of a document without its text.

    `fingerprint` covers text, metadata and the way it was split: equal fingerprints mean that
    nothing is to be done. `sequence` orders documents by their first arrival.
    """

    id: str
    path: str
    title: str
    fingerprint: str
    chunk_count: int
    created_at: str
    sequence: int
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A document ready to be written: its record, its chunks, one vector per chunk in their order,
    and its source, from which another version can be made."""

    record: DocumentRecord
    chunks: tuple[Chunk, ...]
    vectors: Vectors
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page of documents as they came, oldest first.

    `records` are those of the page, `documents` those of which there is a source; one that was
    written by a version that kept none has to be ingested again. `next_sequence` is None on the
    last page, `total` counts all documents.
    """

    records: tuple[DocumentRecord, ...]
    documents: tuple[Document, ...]
    next_sequence: int | None
    total: int


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """A file or a record that gave no document. `message` is for the person who sent it."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class IngestOutcome:
    """What became of one document or file. `message` says why when the status is `failed`."""

    path: str
    status: Literal["added", "updated", "unchanged", "failed"]
    document_id: str = ""
    chunk_count: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came from the client; the extension of `name` chooses the converter."""

    name: str
    content: bytes
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors in the order of the texts, with the tokens each text cost after truncation to the
    window."""

    vectors: Vectors
    token_counts: tuple[int, ...]
    model: str = ""
    times: Times = Times()


@dataclass(frozen=True, slots=True)
class Calibration:
    """The score below which a chunk of a collection does not support an answer, and what it was
    fitted to.

    `min_relevance_score` is on the scale of `reranker_model`; with another one it says nothing.
    `document_count` and `chunk_count` are what the collection held then, `own_questions` and
    `foreign_questions` what it was asked. `kept_ratio` and `refused_ratio` are the shares of them
    on the right side of the score. `fitted_at` is in ISO 8601, UTC.
    """

    min_relevance_score: float
    reranker_model: str
    document_count: int
    chunk_count: int
    own_questions: int
    foreign_questions: int
    kept_ratio: float
    refused_ratio: float
    fitted_at: str


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """How much a collection holds, and its calibration where it has one."""

    document_count: int
    chunk_count: int
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The chunks that answer a query, best first, and the calibration of their collection where it
    has one."""

    hits: tuple[ScoredChunk, ...]
    times: Times = Times()
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class Reranked:
    """A relevance score per text, in the order of the texts; higher is better."""

    scores: tuple[float, ...]
    prompt_tokens: int
    model: str = ""
    times: Times = Times()


@dataclass(frozen=True, slots=True)
class Citation:
    """Characters `start:end` of the answer rest on context chunk `source` (counted from 1)."""

    start: int
    end: int
    source: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that could have been chosen; `logprob` is natural."""

    token: str
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A chosen token with its natural log-probability, and the likeliest ones, best first."""

    token: str
    logprob: float
    top: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """What the generator wrote. `grounded` is False when the context did not support an answer,
    `answerability` in [0, 1] how likely it does, where the engine estimates it.

    `prompt` names the prompt that was used, `context` the ranks of the chunks that fitted it;
    `ttft_ms` is the time from the arrival at the replica to the first token; `passed_over` counts
    the generators that should have written it and could not.
    """

    text: str
    citations: tuple[Citation, ...]
    grounded: bool
    finish_reason: Literal["stop", "length"]
    prompt_tokens: int
    completion_tokens: int
    model: str
    times: Times = Times()
    cached_tokens: int = 0
    prompt: str = ""
    context: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    ttft_ms: float = 0.0
    passed_over: int = 0
    answerability: float | None = None


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A page of the list of documents; `next_sequence` is None on the last page."""

    records: tuple[DocumentRecord, ...]
    next_sequence: int | None


Timed = Embedded | Found | Reranked | Generation
"""The results that say where their time went."""
