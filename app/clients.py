"""The stages as the pipeline sees them: protocols over Serve handles, found by application name.

Handles are looked up on first use and not at start, because an application may be deployed after
the gateway. A call whose replica went away is repeated once, where a repetition is safe.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from ray import serve
from ray.serve.exceptions import RayServeException
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from app.admission import note_wait
from app.coalescing import Coalescer
from app.releases import RetrievalStages
from deployments.calls import call_stage, translate
from deployments.contracts import (
    CallContext,
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
    ScoredChunk,
    StageCall,
    StageOutcome,
    Timed,
    Upload,
    Vectors,
)
from deployments.errors import DeadlineExceeded, Unavailable


@dataclass(frozen=True, slots=True)
class Merging:
    """What of one deployment may travel together: at most so many calls, of so much weight."""

    max_items: int
    max_weight: int


_MERGING = {
    # Characters: about what the model takes in one batch, so that nobody waits for a second one.
    "Embedder": Merging(max_items=32, max_weight=4000),
    "Retriever": Merging(max_items=32, max_weight=32),
    # Work that grows with every call: a long line of them would come back all at the end.
    "Reranker": Merging(max_items=4, max_weight=200),  # passages
    "Generator": Merging(max_items=4, max_weight=4),
}
_ALONE = Merging(max_items=1, max_weight=0)


class StageHandle:
    """A deployment of another application, looked up when it is first needed.

    Args:
        application: Name of its application.
        deployment: Its name.
        max_calls: Calls on their way to it at once before others merge.
    """

    def __init__(self, application: str, deployment: str, max_calls: int) -> None:
        self._application = application
        self._deployment = deployment
        self._stage = deployment.lower()
        self._handle: Any = None
        merging = _MERGING.get(deployment, _ALONE)
        self._coalescer: Coalescer[StageCall, StageOutcome] = Coalescer(
            self._send,
            max_calls=max_calls,
            max_items=merging.max_items,
            max_weight=merging.max_weight,
        )

    async def call(
        self,
        method: str,
        *args: object,
        call: CallContext,
        attempts: int = 2,
        weight: int | None = None,
        **options: object,
    ) -> Any:
        """Returns what the method returned; tries again when the replica was not there or went
        away.

        Args:
            method: Name of the stage's method.
            args: Its arguments.
            call: The request, and the time it has left.
            attempts: How often to try; 1 for what must not be repeated.
            weight: How much of a merged call this is; None travels alone.
            options: Its keyword arguments.

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
                context = CallContext(call.request_id, left_s, call.release)
                return await self._ask(StageCall(method, args, options, context), weight)
        raise AssertionError("the retry loop ends with a result or an error")

    async def _ask(self, call: StageCall, weight: int | None) -> object:
        if call.context.timeout_s <= 0:
            raise DeadlineExceeded(
                f"The request's time was up before the {self._stage} was asked.", self._stage
            )
        started_s = time.perf_counter()
        try:
            async with asyncio.timeout(call.context.timeout_s):
                if weight is None:
                    [outcome] = await self._send([call])
                else:
                    outcome = await self._coalescer.submit(call, weight=weight)
        except TimeoutError as error:
            note_wait(time.perf_counter() - started_s)
            raise DeadlineExceeded(
                f"The {self._stage} did not answer in time.", self._stage
            ) from error
        if outcome.error is not None:
            raise outcome.error
        if isinstance(outcome.value, Timed):
            times = outcome.value.times
            worked_s = (times.replica_ms - times.queue_ms) / 1e3
            note_wait(time.perf_counter() - started_s - worked_s)
        return outcome.value

    async def _send(self, calls: Sequence[StageCall]) -> list[StageOutcome]:
        handle = await self._find()
        answer = await call_stage(
            handle.run.remote(list(calls)),
            stage=self._stage,
            timeout_s=max(call.context.timeout_s for call in calls),
        )
        return cast(list[StageOutcome], answer)

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
        weight = sum(map(len, texts))
        answer = await self.call(
            "embed", list(texts), input_type=input_type, call=call, weight=weight
        )
        return cast(Embedded, answer)


class RetrieverClient(StageHandle):
    """`RetrieverStage` over a handle."""

    async def search(
        self, query: str, vector: Vectors, *, top_k: int, where: Filter | None, call: CallContext
    ) -> Found:
        """See `RetrieverStage.search`."""
        answer = await self.call(
            "search", query, vector, top_k=top_k, where=where, call=call, weight=1
        )
        return cast(Found, answer)

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
        answer = await self.call("rerank", query, list(texts), call=call, weight=len(texts))
        return cast(Reranked, answer)


class GeneratorClient(StageHandle):
    """`GeneratorStage` over a handle."""

    async def generate(
        self, question: str, context: Sequence[ScoredChunk], *, call: CallContext
    ) -> Generation:
        """See `GeneratorStage.generate`."""
        answer = await self.call("generate", question, list(context), call=call, weight=1)
        return cast(Generation, answer)


class HandleDirectory:
    """The stages of every application that a release has named; clients live as long as the
    replica.

    Args:
        max_calls: Calls on their way to one deployment at once before others merge.
    """

    def __init__(self, max_calls: int) -> None:
        self._max_calls = max_calls
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
                application, "Generator", self._max_calls
            )
        return self._generators[application]
