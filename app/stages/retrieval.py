"""The stages of a retrieval application over Serve handles."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from app.settings.cold.gateway import GatewayArgs
from app.stages.breaker import Breakers
from app.stages.handle import StageHandle
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import (
    Chunk,
    Document,
    DocumentPage,
    DocumentRecord,
    IngestOutcome,
    SourcePage,
    Upload,
)
from deployments.contracts.search import (
    Calibration,
    Candidates,
    CollectionFacts,
    Embedded,
    Filter,
    Found,
    InputType,
    Reranked,
    SearchMethod,
    WordCounts,
)
from deployments.contracts.tenants import Erased
from deployments.contracts.vectors import QuestionTokens, Vectors
from deployments.sharding.deal import shard_name

_TOP_K_PER_WEIGHT = 50
"""A shard sends all candidates of both lists, some 1 kB each: as many searches travel together as
fit a message well."""


class EmbedderClient(StageHandle):
    """`EmbedderStage` over a handle."""

    async def embed(
        self,
        texts: Sequence[str],
        *,
        input_type: InputType,
        with_tokens: bool = False,
        call: CallContext,
    ) -> Embedded:
        """See `EmbedderStage.embed`."""
        answer = await self.call(
            "embed",
            list(texts),
            input_type=input_type,
            with_tokens=with_tokens,
            call=call,
            weight=sum(map(len, texts)),
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
        reach: int = 0,
        counts: WordCounts | None = None,
        call: CallContext,
    ) -> Found:
        """See `RetrieverStage.search`."""
        answer = await self.call(
            "search",
            query,
            vector,
            top_k=top_k,
            where=where,
            how=how,
            reach=reach,
            call=call,
            weight=1,
        )
        return cast(Found, answer)

    async def count_words(
        self, questions: Sequence[str], *, call: CallContext
    ) -> WordCounts | None:
        """See `RetrieverStage.count_words`: one index knows of all texts by itself."""
        return None

    async def generation(self, *, call: CallContext) -> str:
        """See `RetrieverStage.generation`. Calls that wait travel together."""
        return cast(str, await self.call("generation", call=call, weight=1))

    async def documents(
        self, *, after: int, limit: int, named: str = "", call: CallContext
    ) -> DocumentPage:
        """See `RetrieverStage.documents`."""
        # A retrieval application of an older version knows no names.
        more: dict[str, Any] = {"named": named} if named else {}
        answer = await self.call("documents", after=after, limit=limit, call=call, **more)
        return cast(DocumentPage, answer)

    async def chunks(
        self, document_id: str, *, first: int, limit: int, call: CallContext
    ) -> Sequence[Chunk]:
        """See `RetrieverStage.chunks`."""
        answer = await self.call("chunks", document_id, first=first, limit=limit, call=call)
        return cast(Sequence[Chunk], answer)

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

    async def facts(self, *, call: CallContext) -> CollectionFacts:
        """See `RetrieverStage.facts`."""
        return cast(CollectionFacts, await self.call("facts", call=call))

    async def sample(self, *, limit: int, call: CallContext) -> Sequence[Chunk]:
        """See `RetrieverStage.sample`."""
        return cast(Sequence[Chunk], await self.call("sample", limit=limit, call=call))

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        """See `RetrieverStage.erase_tenant`."""
        return cast(Erased, await self.call("erase_tenant", tenant, call=call))

    async def calibrate(self, calibration: Calibration, *, call: CallContext) -> None:
        """See `RetrieverStage.calibrate`."""
        await self.call("calibrate", calibration, call=call)


class ShardClient(RetrieverClient):
    """`ShardStage` over a handle.

    Args:
        application: Name of its application.
        deployment: Its name.
        shard: Which it is, from 1.
        args: See `StageHandle`.
        breakers: See `StageHandle`.
    """

    def __init__(
        self, application: str, deployment: str, shard: int, args: GatewayArgs, breakers: Breakers
    ) -> None:
        says = shard_name(shard)
        super().__init__(application, deployment, args, breakers, says=says, like="Retriever")

    async def candidates(
        self,
        query: str,
        vector: Vectors | None,
        *,
        top_k: int,
        where: Filter | None,
        how: SearchMethod,
        reach: int = 0,
        counts: WordCounts | None,
        call: CallContext,
    ) -> Candidates:
        """See `ShardStage.candidates`."""
        answer = await self.call(
            "candidates",
            query,
            vector,
            top_k=top_k,
            where=where,
            how=how,
            reach=reach,
            counts=counts,
            call=call,
            weight=max(1, top_k // _TOP_K_PER_WEIGHT),
        )
        return cast(Candidates, answer)

    async def count_words(
        self, questions: Sequence[str], *, call: CallContext
    ) -> WordCounts | None:
        """See `RetrieverStage.count_words`. Calls that wait travel together."""
        answer = await self.call("count_words", list(questions), call=call, weight=1)
        return cast("WordCounts | None", answer)


class IndexerClient(StageHandle):
    """`IndexerStage` over a handle."""

    async def ingest(
        self, documents: Sequence[Document], uploads: Sequence[Upload], *, call: CallContext
    ) -> list[IngestOutcome]:
        """See `IndexerStage.ingest`."""
        answer = await self.call("ingest", list(documents), list(uploads), call=call)
        return cast(list[IngestOutcome], answer)

    async def ingest_json(self, body: bytes, *, call: CallContext) -> list[IngestOutcome]:
        """See `IndexerStage.ingest_json`."""
        return cast(list[IngestOutcome], await self.call("ingest_json", body, call=call))


class RerankerClient(StageHandle):
    """`RerankerStage` over a handle."""

    async def rerank(
        self,
        query: str,
        texts: Sequence[str],
        *,
        question: QuestionTokens | None = None,
        call: CallContext,
    ) -> Reranked:
        """See `RerankerStage.rerank`."""
        answer = await self.call(
            "rerank", query, list(texts), question=question, call=call, weight=len(texts)
        )
        return cast(Reranked, answer)
