"""The naive peer finds, orders and answers as the service does."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from app.answering.ranking import judged
from app.settings.live.release import Release
from benchmarks.peers.chunks import pages
from benchmarks.peers.naive import create_app
from benchmarks.peers.naive_rag import NaiveRag
from deployments.contracts.documents import Chunk
from deployments.contracts.search import ScoredChunk
from deployments.encoding.quantization import quantize
from deployments.generator.extractive.engine import ExtractiveEngine
from deployments.reranker.ranking import MINOR_WEIGHT, max_sim
from deployments.retriever.chroma.rows import read_chunk
from tests.doubles import vector_of

TEXTS = {
    "doc-00000": "Refunds are paid within two weeks.",
    "doc-00001": "The queue is full when too many requests wait.",
    "doc-00002": "A full queue is answered with an error.",
    "doc-00003": "Whales are mammals.",
}
METADATA = {
    "document_id": "doc",
    "path": "a.md",
    "title": "Guide",
    "heading": "Queues",
    "team": "platform",
}


class WordTokenizer:
    """A tokenizer whose tokens are words."""

    def tokenize(self, text: str, *, add_special_tokens: bool) -> list[str]:
        assert add_special_tokens
        return text.split()


class WordModel:
    """A `SentenceTransformer` whose tokens are words; token vectors are not normalised."""

    tokenizer = WordTokenizer()

    def encode(self, sentences: Sequence[str], **options: Any) -> Any:
        if options.get("output_value") == "token_embeddings":
            return [self.tokens(text) * 3.0 for text in sentences]
        assert options["normalize_embeddings"]
        return np.stack([vector_of(text) for text in sentences])

    @staticmethod
    def tokens(text: str) -> NDArray[np.float32]:
        return np.stack([vector_of(word) for word in text.split()])


@pytest.fixture(scope="module")
def collection() -> Any:
    import chromadb

    found = chromadb.EphemeralClient().get_or_create_collection(
        "peer", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    found.upsert(
        ids=list(TEXTS),
        documents=list(TEXTS.values()),
        embeddings=np.stack([vector_of(text) for text in TEXTS.values()]),
        metadatas=[{**METADATA, "ordinal": ordinal} for ordinal in range(len(TEXTS))],
    )
    return found


@pytest.fixture
def rag(collection: Any) -> NaiveRag:
    engine = ExtractiveEngine(model="extractive", max_sentences=3, min_coverage_ratio=0.25)
    return NaiveRag(WordModel(), collection, engine, min_relevance_score=0.0)


def test_search_is_by_cosine(rag: NaiveRag) -> None:
    query = "the queue is full"
    found = rag.search(query, top_k=3)
    cosines = {key: float(vector_of(query) @ vector_of(text)) for key, text in TEXTS.items()}
    assert [hit.chunk.id for hit in found] == sorted(cosines, key=lambda key: -cosines[key])[:3]
    assert [hit.score for hit in found] == pytest.approx(
        [cosines[hit.chunk.id] for hit in found], abs=1e-5
    )
    assert [hit.rank for hit in found] == [1, 2, 3]


def test_reranking_is_the_services_own(rag: NaiveRag) -> None:
    query = "is the queue full"
    hits = rag.search("whales", top_k=4)
    asked = WordModel.tokens(query)
    weights = np.array([MINOR_WEIGHT, MINOR_WEIGHT, 1.0, 1.0], dtype=np.float32)
    passages = [quantize(WordModel.tokens(hit.chunk.passage())) for hit in hits]
    scores = max_sim(asked, passages, weights)
    expected = judged(hits, scores, rerank_weight=Release.model_fields["rerank_weight"].default)
    found = rag.rerank(query, hits)
    assert [hit.chunk.id for hit in found] == [hit.chunk.id for hit in expected]
    # The service keeps a passage's vectors in one byte per dimension.
    assert [hit.signals.rerank for hit in found] == pytest.approx(
        [hit.signals.rerank for hit in expected], abs=0.005
    )
    assert [hit.rank for hit in found] == [1, 2, 3, 4]


def test_equal_scores_are_ordered_by_id(rag: NaiveRag) -> None:
    twins = [
        ScoredChunk(Chunk(name, "doc", 0, "same words", "a.md", "Guide"), 0.5, rank)
        for rank, name in enumerate(["c", "a", "b"], start=1)
    ]
    assert [hit.chunk.id for hit in rag.rerank("words", twins)] == ["a", "b", "c"]


def test_irrelevant_chunks_are_kept_from_the_generator(collection: Any) -> None:
    engine = ExtractiveEngine(model="extractive", max_sentences=3, min_coverage_ratio=0.25)
    strict = NaiveRag(WordModel(), collection, engine, min_relevance_score=2.0)
    query = "Is the queue full?"
    assert not strict.answer(query, strict.search(query, top_k=4)).grounded


def test_endpoints_answer_in_the_services_fields(rag: NaiveRag) -> None:
    client = TestClient(create_app(rag))
    body = {"query": "When is the queue full?", "top_k": 4, "top_n": 2}
    answered = client.post("/v1/query", json=body).json()
    searched = client.post("/v1/search", json={**body, "rerank": False}).json()
    assert answered["grounded"]
    assert "queue is full" in answered["answer"]
    assert len(answered["sources"]) == len(searched["results"]) == 2
    assert {"chunk_id", "score", "text"} <= set(searched["results"][0])
    assert client.get("/health/ready").status_code == 200


def test_embeddings_take_a_text_or_several(rag: NaiveRag) -> None:
    client = TestClient(create_app(rag))
    one = client.post("/v1/embeddings", json={"input": "a b", "model": "any"}).json()["data"]
    two = client.post("/v1/embeddings", json={"input": ["c", "a b"]}).json()["data"]
    assert one[0]["embedding"] == two[1]["embedding"]
    assert [row["index"] for row in two] == [0, 1]


def test_chunks_come_out_of_the_collection_whole(collection: Any) -> None:
    rows = list(pages(collection))
    assert [row_id for page in rows for row_id in page["ids"]] == list(TEXTS)
    page = rows[0]
    chunk = read_chunk(page["ids"][1], page["documents"][1], page["metadatas"][1])
    assert chunk == Chunk(
        "doc-00001",
        "doc",
        1,
        TEXTS["doc-00001"],
        "a.md",
        "Guide",
        "Queues",
        metadata={"team": "platform"},
    )
    assert np.allclose(page["embeddings"][1], vector_of(TEXTS["doc-00001"]))
