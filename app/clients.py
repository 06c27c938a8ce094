"""The stages as the pipeline sees them: protocols over Serve handles, found by application name.

Handles are looked up on first use and not at start, because an application may be deployed after
the gateway. A call whose replica went away is repeated once, where a repetition is safe.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from ray import serve
from ray.serve.exceptions import RayServeException
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from app.releases import RetrievalStages
from deployments.calls import call_stage, translate
from deployments.contracts import (
    CallContext,
    Document,
    DocumentPage,
    DocumentRecord,
    Embedded,
    Filter,
    Generation,
    IngestOutcome,
    InputType,
    Reranked,
    ScoredChunk,
    Upload,
    Vectors,
)
from deployments.errors import Unavailable


class StageHandle:
    """A deployment of another application, looked up when it is first needed."""

    def __init__(self, application: str, deployment: str) -> None:
        self._application = application
        self._deployment = deployment
        self._stage = deployment.lower()
        self._handle: Any = None

    async def call(
        self, method: str, *args: object, call: CallContext, attempts: int = 2, **options: object
    ) -> Any:
        """Returns what the method returned; tries again when the replica was not there or went
        away.

        Raises:
            RagError: what the stage raised, or what became of the call.
        """
        deadline_s = asyncio.get_running_loop().time() + call.timeout_s
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(attempts),
            wait=wait_fixed(0.05),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                left_s = deadline_s - asyncio.get_running_loop().time()
                handle = await self._find()
                response = getattr(handle, method).remote(
                    *args, call=CallContext(call.request_id, left_s, call.release), **options
                )
                return await call_stage(response, stage=self._stage, timeout_s=left_s)
        raise AssertionError("the retry loop ends with a result or an error")

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """See `Stage.describe`."""
        return cast(dict[str, object], await self.call("describe", call=call))

    async def _find(self) -> Any:
        if self._handle is None:
            try:
                # The lookup asks the controller and blocks.
                self._handle = await asyncio.to_thread(
                    serve.get_deployment_handle, self._deployment, self._application
                )
            except RayServeException as error:
                raise translate(error, stage=self._stage) from error
        return self._handle


class EmbedderClient(StageHandle):
    """`EmbedderStage` over a handle."""

    async def embed(
        self, texts: Sequence[str], *, input_type: InputType, call: CallContext
    ) -> Embedded:
        """See `EmbedderStage.embed`."""
        answer = await self.call("embed", list(texts), input_type=input_type, call=call)
        return cast(Embedded, answer)


class RetrieverClient(StageHandle):
    """`RetrieverStage` over a handle."""

    async def search(
        self, query: str, vector: Vectors, *, top_k: int, where: Filter | None, call: CallContext
    ) -> list[ScoredChunk]:
        """See `RetrieverStage.search`."""
        answer = await self.call("search", query, vector, top_k=top_k, where=where, call=call)
        return cast(list[ScoredChunk], answer)

    async def documents(self, *, after: int, limit: int, call: CallContext) -> DocumentPage:
        """See `RetrieverStage.documents`."""
        return cast(DocumentPage, await self.call("documents", after=after, limit=limit, call=call))

    async def document(self, document_id: str, *, call: CallContext) -> DocumentRecord:
        """See `RetrieverStage.document`."""
        return cast(DocumentRecord, await self.call("document", document_id, call=call))

    async def delete(self, document_id: str, *, call: CallContext) -> int:
        """See `RetrieverStage.delete`. Never repeated: the second time there is nothing left to
        find."""
        return cast(int, await self.call("delete", document_id, call=call, attempts=1))


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
        return cast(Reranked, await self.call("rerank", query, list(texts), call=call))


class GeneratorClient(StageHandle):
    """`GeneratorStage` over a handle."""

    async def generate(
        self, question: str, context: Sequence[ScoredChunk], *, call: CallContext
    ) -> Generation:
        """See `GeneratorStage.generate`."""
        return cast(Generation, await self.call("generate", question, list(context), call=call))


class HandleDirectory:
    """The stages of every application that a release has named; clients live as long as the
    replica."""

    def __init__(self) -> None:
        self._retrieval: dict[str, RetrievalStages] = {}
        self._generators: dict[str, GeneratorClient] = {}

    def retrieval(self, application: str) -> RetrievalStages:
        """Returns the stages of a retrieval application."""
        if application not in self._retrieval:
            self._retrieval[application] = RetrievalStages(
                embedder=EmbedderClient(application, "Embedder"),
                retriever=RetrieverClient(application, "Retriever"),
                reranker=RerankerClient(application, "Reranker"),
                indexer=IndexerClient(application, "Indexer"),
            )
        return self._retrieval[application]

    def generator(self, application: str) -> GeneratorClient:
        """Returns the generator of an application."""
        if application not in self._generators:
            self._generators[application] = GeneratorClient(application, "Generator")
        return self._generators[application]
