"""`python -m benchmarks.peers.naive`: RAG in one FastAPI process, as it is mostly written.

The model is loaded once, the endpoints are plain functions that run in FastAPI's threads, and the
vector store is embedded.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from app.settings.live.release import DEFAULT_MIN_RELEVANCE_SCORE
from benchmarks.peers.chunks import ChunkSource, open_source, pages
from benchmarks.peers.naive_rag import NaiveRag
from deployments.contracts.search import ScoredChunk
from deployments.encoding.weights import PACKAGED_MODEL, model_path
from deployments.generator.config import GeneratorArgs
from deployments.generator.extractive.engine import ExtractiveEngine

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection


class EmbeddingsBody(BaseModel):
    """A text, or several."""

    input: str | list[str]


class SearchBody(BaseModel):
    """A question; the numbers are chunks taken from the index, and chunks kept."""

    query: str
    top_k: int = 30
    top_n: int = 5
    rerank: bool = True


def create_app(rag: NaiveRag) -> FastAPI:
    """Returns the application: the service's paths, and of its answers what is compared."""
    app = FastAPI()

    @app.get("/health/ready")
    def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/v1/embeddings")
    def embeddings(body: EmbeddingsBody) -> dict[str, Any]:
        texts = [body.input] if isinstance(body.input, str) else body.input
        vectors = rag.embed(texts)
        data = [{"index": n, "embedding": row.tolist()} for n, row in enumerate(vectors)]
        return {"object": "list", "data": data, "model": PACKAGED_MODEL}

    @app.post("/v1/search")
    def search(body: SearchBody) -> dict[str, Any]:
        return {"results": [_source(hit) for hit in _find(rag, body)]}

    @app.post("/v1/query")
    def query(body: SearchBody) -> dict[str, Any]:
        sources = _find(rag, body)
        written = rag.answer(body.query, sources)
        return {
            "answer": written.text,
            "grounded": written.grounded,
            "sources": [_source(hit) for hit in sources],
        }

    return app


def serve(
    port: Annotated[int, typer.Option(help="Port on this machine.")],
    chroma_url: Annotated[
        str | None, typer.Option(help="The Chroma server to copy the chunks from.")
    ] = None,
    collection: Annotated[str, typer.Option(help="The collection there.")] = "minilm",
    min_relevance_score: Annotated[
        float, typer.Option(help="As the service's release has it.")
    ] = DEFAULT_MIN_RELEVANCE_SCORE,
) -> None:
    """Serve the packaged model, and the chunks of a running service."""
    from sentence_transformers import SentenceTransformer

    source = ChunkSource(chroma_url, collection) if chroma_url else None
    settings = GeneratorArgs()
    engine = ExtractiveEngine(model=settings.name, **settings.extractive.model_dump())
    model = SentenceTransformer(model_path(PACKAGED_MODEL), device="cpu")
    rag = NaiveRag(model, _fill_collection(source), engine, min_relevance_score=min_relevance_score)
    rag.embed(["warm-up"])
    uvicorn.run(create_app(rag), host="127.0.0.1", port=port, access_log=False)


def _fill_collection(source: ChunkSource | None) -> "Collection":
    """Returns a collection in this process's memory with what the source holds."""
    import chromadb
    from chromadb.config import Settings

    client = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
    collection = client.create_collection(
        "chunks", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    if source is not None:
        for page in pages(open_source(source)):
            collection.add(**page)
    return collection


def _find(rag: NaiveRag, body: SearchBody) -> list[ScoredChunk]:
    hits = rag.search(body.query, top_k=body.top_k)
    if body.rerank and hits:
        hits = rag.rerank(body.query, hits)
    return hits[: body.top_n]


def _source(hit: ScoredChunk) -> dict[str, Any]:
    chunk = hit.chunk
    return {
        "index": hit.rank,
        "chunk_id": chunk.id,
        "document_id": chunk.document_id,
        "path": chunk.path,
        "title": chunk.title,
        "heading": chunk.heading,
        "score": hit.score,
        "text": chunk.text,
    }


if __name__ == "__main__":
    typer.run(serve)
