"""The steps of RAG as they are mostly written: plain sentence-transformers and an embedded Chroma,
one call per request, no batching between requests.

It finds, orders and answers what the service does, from the same chunks, so that only the serving
differs.
"""

import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.answering.neighbours import widen
from app.answering.ranking import judged
from app.settings.live.release import Release
from deployments.contracts.documents import chunk_id
from deployments.contracts.generation import Generation
from deployments.contracts.search import ScoredChunk, Signals
from deployments.generator.extractive.engine import ExtractiveEngine
from deployments.reranker.ranking import MINOR_WEIGHT
from deployments.retriever.chroma.rows import read_chunk, read_rows
from deployments.stop_words import STOP_WORDS

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

_MINOR_TOKENS = STOP_WORDS | set(string.punctuation)
_RERANK_WEIGHT: float = Release.model_fields["rerank_weight"].default
_NEIGHBOURS: int = Release.model_fields["neighbours"].default


class NaiveRag:
    """Embeds, searches, reranks and answers; each method does all its work in the calling thread.

    Args:
        model: A `SentenceTransformer`, for sentences and for the tokens of the reranking.
        collection: The chunks, in cosine space.
        engine: What writes answers.
        min_relevance_score: Chunks below it are kept from the engine.
    """

    def __init__(
        self,
        model: Any,
        collection: "Collection",
        engine: ExtractiveEngine,
        *,
        min_relevance_score: float,
    ) -> None:
        self._model = model
        self._collection = collection
        self._engine = engine
        self._min_relevance_score = min_relevance_score

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns one L2-normalised vector per text, shape (n, dim)."""
        vectors: NDArray[np.float32] = self._model.encode(list(texts), normalize_embeddings=True)
        return vectors

    def search(self, query: str, *, top_k: int) -> list[ScoredChunk]:
        """Returns the nearest chunks, by descending cosine, ties by chunk id."""
        found: Any = self._collection.query(
            query_embeddings=self.embed([query]),
            n_results=top_k,
            include=["documents", "metadatas", "distances"],
        )
        fields = ("ids", "documents", "metadatas", "distances")
        rows = zip(*(found[field][0] for field in fields), strict=True)
        hits = sorted(rows, key=lambda row: (row[3], row[0]))
        return [
            ScoredChunk(
                read_chunk(found_id, text, metadata), 1.0 - distance, rank, Signals(1.0 - distance)
            )
            for rank, (found_id, text, metadata, distance) in enumerate(hits, start=1)
        ]

    def rerank(self, query: str, hits: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        """Returns the hits by the weighted mean of the best cosine per query token, beside the
        retriever's score.

        Source: Khattab and Zaharia, ColBERT, SIGIR 2020, section 3.3.
        """
        texts = [query, *(hit.chunk.passage() for hit in hits)]
        asked, *passages = (
            _unit(vectors) for vectors in self._model.encode(texts, output_value="token_embeddings")
        )
        weights = [
            MINOR_WEIGHT if token in _MINOR_TOKENS else 1.0
            for token in self._model.tokenizer.tokenize(query, add_special_tokens=True)
        ]
        scores = [
            float(np.average((asked @ passage.T).max(axis=1), weights=weights[: len(asked)]))
            for passage in passages
        ]
        return judged(hits, scores, rerank_weight=_RERANK_WEIGHT)

    def answer(self, query: str, sources: Sequence[ScoredChunk]) -> Generation:
        """Returns the answer from the sources that are relevant enough, each with its
        neighbours."""
        context = [
            hit for hit in sources if (hit.signals.rerank or 0.0) >= self._min_relevance_score
        ]
        around = _ids_around(context)
        if around:
            found: Any = self._collection.get(ids=around, include=["documents", "metadatas"])
            known = {chunk.id: chunk for _, chunk in read_rows(found)}
            context = widen(context, known, reach=_NEIGHBOURS)
        return self._engine.generate(query, context)


def _ids_around(hits: Sequence[ScoredChunk]) -> list[str]:
    """Returns the ids of the chunks that may stand beside the hits; some may not exist."""
    places = {(hit.chunk.document_id, hit.chunk.ordinal) for hit in hits}
    around = {
        (document_id, ordinal + step)
        for document_id, ordinal in places
        for step in range(-_NEIGHBOURS, _NEIGHBOURS + 1)
        if ordinal + step >= 0
    }
    return sorted(chunk_id(*place) for place in around - places)


def _unit(vectors: Any) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = np.asarray(vectors, dtype=np.float32)
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
