"""The stages as the pipeline sees them: protocols over Serve handles, found by application name."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import cast

from app.admission import note_wait
from app.releases import RetrievalStages
from app.stage_handle import StageHandle
from deployments.contracts import (
    Calibration,
    CallContext,
    Chunk,
    CollectionFacts,
    Document,
    DocumentPage,
    DocumentRecord,
    Embedded,
    Filter,
    Found,
    Generation,
    IngestOutcome,
    InputType,
    Reranked,
    SearchMethod,
    SourcePage,
    Upload,
    Vectors,
)
from deployments.generation import GenerationEvent, GenerationRequest, Started, TextDelta

_FACTS_S = 10.0
"""What a generator said of itself is believed for so long."""


class EmbedderClient(StageHandle):
    """`EmbedderStage` over a handle."""

    async def embed(
        self, texts: Sequence[str], *, input_type: InputType, call: CallContext
    ) -> Embedded:
        """See `EmbedderStage.embed`."""
        weight = sum(map(len, texts))
        answer = await self.call(
            "embed", list(texts), input_type=input_type, call=call, weight=weight
        )
        return cast(Embedded, answer)


class RetrieverClient(StageHandle):
    """`RetrieverStage` over a handle."""

    async def search(
        self,
        query: str,
        vector: Vectors | None,
        *,
        top_k: int,
        where: Filter | None,
        how: SearchMethod,
        call: CallContext,
    ) -> Found:
        """See `RetrieverStage.search`."""
        answer = await self.call(
            "search", query, vector, top_k=top_k, where=where, how=how, call=call, weight=1
        )
        return cast(Found, answer)

    async def documents(self, *, after: int, limit: int, call: CallContext) -> DocumentPage:
        """See `RetrieverStage.documents`."""
        return cast(DocumentPage, await self.call("documents", after=after, limit=limit, call=call))

    async def document(self, document_id: str, *, call: CallContext) -> DocumentRecord:
        """See `RetrieverStage.document`."""
        return cast(DocumentRecord, await self.call("document", document_id, call=call))

    async def records(
        self, document_ids: Sequence[str], *, call: CallContext
    ) -> Mapping[str, DocumentRecord]:
        """See `RetrieverStage.records`."""
        answer = await self.call("records", list(document_ids), call=call)
        return cast(Mapping[str, DocumentRecord], answer)

    async def sources(self, *, after: int, limit: int, call: CallContext) -> SourcePage:
        """See `RetrieverStage.sources`."""
        return cast(SourcePage, await self.call("sources", after=after, limit=limit, call=call))

    async def delete(self, document_id: str, *, call: CallContext) -> int:
        """See `RetrieverStage.delete`. Never repeated: the second time there is nothing left to
        find."""
        return cast(int, await self.call("delete", document_id, call=call, attempts=1))

    async def chunks(self, chunk_ids: Sequence[str], *, call: CallContext) -> Mapping[str, Chunk]:
        """See `RetrieverStage.chunks`."""
        answer = await self.call("chunks", list(chunk_ids), call=call)
        return cast(Mapping[str, Chunk], answer)

    async def facts(self, *, call: CallContext) -> CollectionFacts:
        """See `RetrieverStage.facts`."""
        return cast(CollectionFacts, await self.call("facts", call=call))

    async def sample(self, *, limit: int, call: CallContext) -> Sequence[Chunk]:
        """See `RetrieverStage.sample`."""
        return cast(Sequence[Chunk], await self.call("sample", limit=limit, call=call))

    async def calibrate(self, calibration: Calibration, *, call: CallContext) -> None:
        """See `RetrieverStage.calibrate`."""
        await self.call("calibrate", calibration, call=call)


class IndexerClient(StageHandle):
    """`IndexerStage` over a handle."""

    async def ingest(
        self, documents: Sequence[Document], uploads: Sequence[Upload], *, call: CallContext
    ) -> list[IngestOutcome]:
        """See `IndexerStage.ingest`."""
        answer = await self.call("ingest", list(documents), list(uploads), call=call)
        return cast(list[IngestOutcome], answer)


class RerankerClient(StageHandle):
    """`RerankerStage` over a handle."""

    async def rerank(self, query: str, texts: Sequence[str], *, call: CallContext) -> Reranked:
        """See `RerankerStage.rerank`."""
        answer = await self.call("rerank", query, list(texts), call=call, weight=len(texts))
        return cast(Reranked, answer)


class GeneratorClient(StageHandle):
    """`GeneratorStage` over a handle.

    A language model is asked alone and by a stream, even for a whole answer: answers that travel
    together come back together, and one takes seconds longer than another. What answers at once
    is asked like any other stage.

    Args:
        application: Name of its application.
        max_calls: See `StageHandle`.
        inter_token_timeout_s: Time between two pieces of an answer.
    """

    def __init__(self, application: str, max_calls: int, inter_token_timeout_s: float) -> None:
        super().__init__(application, "Generator", max_calls)
        self._inter_token_timeout_s = inter_token_timeout_s
        self._facts: dict[str, object] = {}
        self._facts_until_s = 0.0

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """See `Stage.describe`; asks at most every few seconds."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._facts_until_s:
            self._facts = await super().describe(call=call)
            self._facts_until_s = now_s + _FACTS_S
        return self._facts

    async def generate(self, request: GenerationRequest, *, call: CallContext) -> Generation:
        """See `GeneratorStage.generate`."""
        if not await self._streams(call):
            return cast(Generation, await self.call("generate", request, call=call, weight=1))
        async with aclosing(self._events(request, call)) as events:
            async for some in events:
                if isinstance(some[-1], Generation):
                    return some[-1]
        raise AssertionError("a stream ends with its Generation or an error")

    async def stream(
        self, request: GenerationRequest, *, call: CallContext
    ) -> AsyncGenerator[Sequence[GenerationEvent], None]:
        """See `GeneratorStage.stream`."""
        if not await self._streams(call):
            yield as_events(await self.call("generate", request, call=call, weight=1))
            return
        async with aclosing(self._events(request, call)) as events:
            async for some in events:
                yield some

    async def _streams(self, call: CallContext) -> bool:
        return bool((await self.describe(call=call)).get("language_model"))

    async def _events(
        self, request: GenerationRequest, call: CallContext
    ) -> AsyncGenerator[Sequence[GenerationEvent], None]:
        started_s = time.perf_counter()
        pieces = self.call_stream(
            "stream", request, call=call, next_timeout_s=self._inter_token_timeout_s
        )
        async with aclosing(pieces):
            async for some in pieces:
                if isinstance(some[0], Started):
                    times = some[0].times
                    worked_s = (times.replica_ms - times.queue_ms) / 1e3
                    note_wait(time.perf_counter() - started_s - worked_s)
                yield some


def as_events(written: Generation) -> tuple[GenerationEvent, ...]:
    """Returns an answer that came whole as the events of a stream."""
    return (
        Started(
            written.model,
            written.prompt_tokens,
            written.cached_tokens,
            written.prompt,
            written.context,
            written.times,
        ),
        TextDelta(written.text, written.completion_tokens, written.logprobs, written.citations),
        written,
    )


class HandleDirectory:
    """The stages of every application that a release has named; clients live as long as the
    replica.

    Args:
        max_calls: Calls on their way to one deployment at once before others merge.
        inter_token_timeout_s: Time between two pieces of an answer.
    """

    def __init__(self, max_calls: int, inter_token_timeout_s: float) -> None:
        self._max_calls = max_calls
        self._inter_token_timeout_s = inter_token_timeout_s
        self._retrieval: dict[str, RetrievalStages] = {}
        self._generators: dict[str, GeneratorClient] = {}

    def retrieval(self, application: str) -> RetrievalStages:
        """Returns the stages of a retrieval application."""
        if application not in self._retrieval:
            self._retrieval[application] = RetrievalStages(
                embedder=EmbedderClient(application, "Embedder", self._max_calls),
                retriever=RetrieverClient(application, "Retriever", self._max_calls),
                reranker=RerankerClient(application, "Reranker", self._max_calls),
                indexer=IndexerClient(application, "Indexer", self._max_calls),
            )
        return self._retrieval[application]

    def generator(self, application: str) -> GeneratorClient:
        """Returns the generator of an application."""
        if application not in self._generators:
            self._generators[application] = GeneratorClient(
                application, self._max_calls, self._inter_token_timeout_s
            )
        return self._generators[application]
