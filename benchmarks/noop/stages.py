"""Applications for `serve_config.yaml` beside this file: the names and answers of the real stages,
without models, store or text to work on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ray import serve
from ray.serve import Application, Deployment
from ray.serve.handle import DeploymentHandle

from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Chunk, chunk_id
from deployments.contracts.generation import (
    Events,
    Generation,
    GenerationRequest,
    Started,
    TextDelta,
)
from deployments.contracts.search import (
    Embedded,
    Filter,
    Found,
    InputType,
    Reranked,
    ScoredChunk,
    SearchMethod,
    WordCounts,
)
from deployments.contracts.vectors import QuestionTokens, Vectors
from deployments.serving.replica import StageReplica

_DIMENSION = 384
_WORD = Generation("Yes.", (), True, "stop", 0, 1, "noop")
_TEXT = "A chunk of the usual length holds about a hundred and fifty words of text. " * 13


class Described(StageReplica):
    """What readiness asks of every stage."""

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns a name."""
        return {"model": "noop"}


class Embedder(Described):
    """Gives every text the same vector."""

    async def embed(
        self,
        texts: Sequence[str],
        *,
        input_type: InputType,
        with_tokens: bool = False,
        call: CallContext,
    ) -> Embedded:
        """Returns one row per text."""
        vectors = np.full((len(texts), _DIMENSION), _DIMENSION**-0.5, dtype=np.float32)
        return Embedded(vectors, (1,) * len(texts), "noop")


class Retriever(Described):
    """Finds the same chunks for every query."""

    def __init__(self) -> None:
        self._chunks = [
            Chunk(chunk_id("doc", number), "doc", number, _TEXT, "doc.md", "Title")
            for number in range(30)
        ]

    async def search(
        self,
        query: str,
        vector: Vectors | None,
        *,
        top_k: int,
        where: Filter | None,
        how: SearchMethod,
        reach: int = 0,
        counts: WordCounts | None = None,
        call: CallContext,
    ) -> Found:
        """Returns the first chunks."""
        return Found(
            tuple(
                ScoredChunk(chunk, 0.9, rank)
                for rank, chunk in enumerate(self._chunks[:top_k], start=1)
            )
        )


class Reranker(Described):
    """Leaves the order as it is."""

    async def rerank(
        self,
        query: str,
        texts: Sequence[str],
        *,
        question: QuestionTokens | None = None,
        call: CallContext,
    ) -> Reranked:
        """Returns a falling score per text."""
        return Reranked(tuple(1.0 - place / 100 for place in range(len(texts))), 0, "noop")


class Generator(Described):
    """Answers always the same."""

    async def stream(self, request: GenerationRequest, *, call: CallContext) -> Events:
        """Yields one word."""
        yield Started("noop", 0), TextDelta(_WORD.text, 1), _WORD


class Indexer(Described):
    """Holds the other stages of its application, and takes no documents."""

    def __init__(self, *siblings: DeploymentHandle[Any]) -> None:
        self._siblings = siblings


def build_retrieval(_args: dict[str, Any]) -> Application:
    """Returns the application of embedder, retriever, reranker and indexer."""
    stages = [_deployment(stage).bind() for stage in (Embedder, Retriever, Reranker)]
    return _deployment(Indexer).bind(*stages)


def build_generator(_args: dict[str, Any]) -> Application:
    """Returns the application of the generator."""
    return _deployment(Generator).bind()


def _deployment(stage: type) -> Deployment:
    return serve.deployment(name=stage.__name__)(stage)
