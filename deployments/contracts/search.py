"""What the stages of retrieval answer: vectors, chunks found by them and by words, scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from deployments.contracts.calls import Times
from deployments.contracts.documents import Chunk
from deployments.contracts.pickling import pickled_by_fields

if TYPE_CHECKING:
    from deployments.contracts.vectors import QuestionTokens, Vectors

Filter = Mapping[str, object]
"""A metadata filter in Chroma's `where` language, for example `{"path": "docs/api.md"}`."""

MAX_BLOCK_CHUNKS = 6
"""Chunks at most by which a passage goes on beyond its neighbours to the end of code, a table or a
list."""

InputType = Literal["query", "document"]
"""Some embedding models encode a question and a passage differently."""


SearchMode = Literal["hybrid", "dense", "lexical"]
"""What chunks are found by: `dense` by meaning, `lexical` by words, `hybrid` by both."""


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class SearchMethod:
    """How chunks are looked for.

    In `hybrid` the best `candidates` by meaning and the best by words are fused, the scores of each
    as shares of its best one: `dense_weight` of the one and the rest of the other.
    """

    mode: SearchMode = "hybrid"
    dense_weight: float = 0.55
    candidates: int = 50

    def depth(self, top_k: int) -> int:
        """Returns how many hits each way of searching is asked for, where `top_k` are wanted."""
        return max(top_k, self.candidates) if self.mode == "hybrid" else top_k


@pickled_by_fields
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


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class ScoredChunk:
    """A chunk as the answer to a query; `rank` counts from 1, scores of different stages and
    queries do not compare. What does compare are `signals`."""

    chunk: Chunk
    score: float
    rank: int
    signals: Signals = Signals()

    @property
    def relevance(self) -> float:
        """How well it fits its query, on a scale that is the same for every query: what the
        reranker says, else the cosine. The score where neither of them looked."""
        judgements = (self.signals.rerank, self.signals.dense, self.score)
        return next(value for value in judgements if value is not None)


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors in the order of the texts, with the tokens each text cost after truncation to the
    window. `questions` has each text as the model read it, where that was asked for and a reranker
    has the same model; else it is empty."""

    vectors: "Vectors"
    token_counts: tuple[int, ...]
    model: str = ""
    times: Times = Times()
    questions: "tuple[QuestionTokens, ...]" = ()


@pickled_by_fields
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


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class WordCounts:
    """What BM25 has to know of all texts of an index to score some of them.

    `texts` are those that are counted where the rarity of a word is computed, and `living` those
    among them that were not removed. The mean length of a text is `measured_words` over
    `measured_texts`. `frequencies` says in how many texts a word is, by field and word, for the
    words that somebody asks for. `missing` names the shards that did not say theirs.
    """

    texts: int = 0
    living: int = 0
    measured_texts: int = 0
    measured_words: int = 0
    frequencies: Mapping[tuple[str, str], int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Found:
    """The chunks that answer a query, best first, the calibration of their collection where it has
    one, what stands around the chunks where that was asked for, the state in which the tenant's
    documents were searched, as `RetrieverStage.generation` says it, empty where nobody knows, and
    the shards whose documents were not searched, as `degraded` names them."""

    hits: tuple[ScoredChunk, ...]
    times: Times = Times()
    calibration: Calibration | None = None
    neighbours: tuple[Chunk, ...] = ()
    generation: str = ""
    missing: tuple[str, ...] = ()


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Candidates:
    """What one of `shards` shards has for a query, before it is fused with what the others have.

    `near` are the best by meaning and `worded` the best by words, chunk ids with cosines and with
    BM25 of the counts of all shards, by descending score, ties by chunk id. `cosines` are those of
    chunks that only words found. `chunks` has all of these by id, `neighbours` those that may stand
    around. `mode` is how the shard searched.
    """

    shards: int
    mode: SearchMode
    near: tuple[tuple[str, float], ...] = ()
    worded: tuple[tuple[str, float], ...] = ()
    cosines: Mapping[str, float] = field(default_factory=dict)
    chunks: Mapping[str, Chunk] = field(default_factory=dict)
    neighbours: tuple[Chunk, ...] = ()
    times: Times = Times()
    calibration: Calibration | None = None
    generation: str = ""


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Reranked:
    """A relevance score per text, in the order of the texts; higher is better."""

    scores: tuple[float, ...]
    prompt_tokens: int
    model: str = ""
    times: Times = Times()


Timed = Embedded | Found | Candidates | Reranked
"""The results that say where their time went."""
