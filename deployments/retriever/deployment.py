"""The retriever's shell: owns the vector store, so that one place reads and writes it."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TypeVar

from deployments.batching.batcher import Batcher
from deployments.batching.queue import slowest
from deployments.contracts.calls import CallContext, Lap, Times
from deployments.contracts.documents import (
    Chunk,
    DocumentPage,
    DocumentRecord,
    IndexedDocument,
    SourcePage,
)
from deployments.contracts.errors import Unavailable
from deployments.contracts.search import (
    Calibration,
    CollectionFacts,
    Filter,
    Found,
    SearchMethod,
    WordCounts,
)
from deployments.contracts.tenants import Erased
from deployments.contracts.vectors import Vectors
from deployments.retriever.calibration import (
    Calibrations,
    collection_facts,
    generation_of,
    sample_chunks,
)
from deployments.retriever.chroma.source import StoredContent
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.config import RetrieverArgs
from deployments.retriever.disk.opening import open_keeper, remove_other_deals
from deployments.retriever.follower import Follower, Source
from deployments.retriever.hybrid import HybridSearch, Query, state_of
from deployments.retriever.index.chunk_index import ChunkIndex
from deployments.retriever.shard_source import ShardSource
from deployments.retriever.tenancy.documents import TenantDocuments, shown_chunk, shown_hits
from deployments.retriever.tenancy.erasing import erase_some
from deployments.retriever.tenancy.names import stored_id
from deployments.serving.last_question import LastQuestion
from deployments.serving.replica import StageReplica
from deployments.sharding.deal import Deal
from deployments.telemetry.batches import report_batches
from deployments.telemetry.ray_meter import RayMeter

_CONCURRENT_SEARCHES = 2
"""A batch is searched for while the one before it is put together."""

_FOLLOW_S = 1.0
"""Time between two looks at what other replicas wrote: a search finds little left to read."""

_SILENT_LOOKS = 5
"""Looks without an answer after which the replica says that it is not ready."""

_LOOKS_PER_CALIBRATION = 5
"""The calibration, which another replica may have stored, is read at every fifth look."""

_log = logging.getLogger("ray.serve")

Result = TypeVar("Result")


class Retriever(StageReplica):
    """Finds chunks, and keeps the list of documents. Searches that wait at the same moment are one
    batch, which asks the store once at the most.

    Args:
        args: `RetrieverArgs` as a mapping.
    """

    def __init__(self, args: dict[str, object]) -> None:
        settings = RetrieverArgs.model_validate(args)
        self._begun_s = time.monotonic()
        self._max_silence_s = settings.max_silence_s
        self._store = ChromaStore(settings.store)
        self._documents = TenantDocuments(self._store)
        self._calibrations = Calibrations(self._store.chroma)
        self._questions = LastQuestion.of_node()
        self._keeper = open_keeper(settings) if settings.lexical else None
        index = ChunkIndex(in_files=self._keeper is not None) if settings.lexical else None
        self._follower = (
            None
            if index is None
            else Follower(_source(self._store, settings.deal()), index, self._keeper)
        )
        self._index = index
        self._following: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._hybrid = HybridSearch(self._store, index, self._follower)
        self._settings = settings
        self._batcher = self._batcher_of(self._hybrid.search)

    def _batcher_of(
        self, search: Callable[[Sequence[Query]], Sequence[Result]]
    ) -> Batcher[Query, Result]:
        """Returns what gathers searches into batches."""
        settings = self._settings
        return Batcher(
            search,
            stage="retriever",
            # A search has no length: each counts as one token.
            max_batch_tokens=settings.max_batch_requests,
            max_batch_requests=settings.max_batch_requests,
            max_queued_tokens=settings.max_queued_requests,
            max_queue_s=settings.max_queue_s,
            concurrent_batches=_CONCURRENT_SEARCHES,
            on_batch=report_batches("retriever", RayMeter()),
        )

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
        """Returns at most `top_k` chunks by descending score, and those around them within `reach`.
        `vector` has shape (1, dim)."""
        row = None if vector is None else vector[0]
        access = call.access
        asked = Query(query, row, top_k, where, how, access, reach, counts)
        hits, times = await self._ask(self._batcher, asked, call)
        times = self._times(times, hits.laps)
        neighbours = tuple(shown_chunk(access, chunk) for chunk in hits.neighbours)
        calibration = self._calibrations.latest
        return Found(
            shown_hits(access, hits.chunks),
            times,
            calibration,
            neighbours,
            generation_of(hits.state, calibration),
        )

    async def count_words(
        self, questions: Sequence[str], *, call: CallContext
    ) -> WordCounts | None:
        """Returns None: this index knows of all texts by itself."""
        return None

    async def _ask(
        self, batcher: Batcher[Query, Result], asked: Query, call: CallContext
    ) -> tuple[Result, Times]:
        """Returns what a batch of searches found for a query, and where the time went."""
        if not call.background:
            self._questions.note()
        done = await batcher.submit(
            [asked], token_counts=[1], timeout_s=call.timeout_s, background=call.background
        )
        return done[0].value, slowest(done)

    def _times(self, times: Times, laps: Sequence[Lap]) -> Times:
        """Returns the times of a search, with the laps of its batch counted from its arrival."""
        moved = (replace(lap, after_ms=times.queue_ms + lap.after_ms) for lap in laps)
        return replace(times, laps=tuple(moved))

    async def generation(self, *, call: CallContext) -> str:
        """Returns a digest of the state of the tenant's documents and of the calibration; calls
        that wait ask the store once."""
        if self._index is None or self._follower is None:
            return ""
        if not self._follower.is_current:
            await asyncio.to_thread(self._follower.sync)
        state = state_of(self._index.view(), call.access)
        return generation_of(state, self._calibrations.latest)

    async def records(
        self, document_ids: Sequence[str], *, call: CallContext
    ) -> dict[str, DocumentRecord]:
        """Returns the records of those documents that are known, by id; one without a fingerprint
        has to be written again."""
        records = await asyncio.to_thread(self._documents.records, document_ids, call.access)
        damaged = self._follower.damaged if self._follower is not None else frozenset()
        return {
            shown: replace(record, fingerprint="")
            if stored_id(call.access, shown) in damaged
            else record
            for shown, record in records.items()
        }

    async def documents(
        self, *, after: int, limit: int, named: str = "", call: CallContext
    ) -> DocumentPage:
        """Returns a page of the list of documents, in order of arrival."""
        page = partial(self._documents.page, after=after, limit=limit, named=named)
        return await asyncio.to_thread(page, access=call.access)

    async def chunks(
        self, document_id: str, *, first: int, limit: int, call: CallContext
    ) -> list[Chunk]:
        """Returns chunks of a document in their order, or raises NotFound."""
        return await asyncio.to_thread(
            self._documents.chunks, document_id, first=first, limit=limit, access=call.access
        )

    async def document(self, document_id: str, *, call: CallContext) -> DocumentRecord:
        """Returns a document's record, or raises NotFound."""
        return await asyncio.to_thread(self._documents.record, document_id, call.access)

    async def sources(self, *, after: int, limit: int, call: CallContext) -> SourcePage:
        """Returns a page of documents as they came."""
        return await asyncio.to_thread(
            self._documents.sources, after=after, limit=limit, access=call.access
        )

    async def closed(self, document_ids: Sequence[str], *, call: CallContext) -> frozenset[str]:
        """Returns those ids of documents that the caller's groups may not read, nor write over."""
        return await asyncio.to_thread(self._documents.closed, document_ids, call.access)

    async def replace(self, documents: Sequence[IndexedDocument], *, call: CallContext) -> None:
        """Writes documents whole; what is written replaces what was there under the same id."""
        await asyncio.to_thread(self._documents.replace, documents, call.access)

    async def delete(self, document_id: str, *, call: CallContext) -> int:
        """Removes a document; returns how many chunks went with it, or raises NotFound."""
        return await asyncio.to_thread(self._documents.delete, document_id, call.access)

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        """Removes some of what there is of a tenant, for operators."""
        call.access.require_all_tenants()
        return await asyncio.to_thread(erase_some, self._store, tenant)

    async def facts(self, *, call: CallContext) -> CollectionFacts:
        """Returns how much the collection holds of what the caller reaches, and its calibration as
        it is stored."""
        if self._index is None or self._follower is None or call.access.all_tenants:
            return await asyncio.to_thread(
                collection_facts, self._store, self._calibrations, call.access
            )
        await asyncio.to_thread(self._follower.sync)
        rows = self._index.view().rows.within(call.access).numbers
        calibration = await asyncio.to_thread(self._calibrations.read)
        return CollectionFacts(rows.document_count, len(rows), calibration)

    async def sample(self, *, limit: int, call: CallContext) -> list[Chunk]:
        """Returns up to `limit` chunks drawn from all that the caller reaches."""
        chunks = await asyncio.to_thread(
            sample_chunks, self._store, limit=limit, access=call.access
        )
        return [shown_chunk(call.access, chunk) for chunk in chunks]

    async def calibrate(self, calibration: Calibration, *, call: CallContext) -> None:
        """Stores a calibration in place of the former one."""
        await asyncio.to_thread(self._calibrations.write, calibration)

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns that the store answers; raises Unavailable when it has not for some looks. Asks
        only where nothing looks: a store that is silent would hold a thread for everyone who wants
        to know."""
        if self._following is None:
            await asyncio.to_thread(self._store.ping)
        elif self._store.chroma.silence_s() > _SILENT_LOOKS * _FOLLOW_S:
            raise Unavailable("The vector store does not answer.", "retriever", _FOLLOW_S)
        return {"store": "ok", "lexical": self._follower is not None}

    async def check_health(self) -> None:
        """Fills the index in memory and reads the calibration before the replica counts as ready,
        and has both follow the store from then on. Raises Unavailable where the store has been
        silent for too long, or nothing follows it any more."""
        if self._following is None:
            await self._look(with_calibration=True)
            self._following = asyncio.create_task(self._follow())
            self._keeping = asyncio.create_task(self._keep())
        silence_s = min(self._store.chroma.silence_s(), time.monotonic() - self._begun_s)
        if silence_s > self._max_silence_s or self._following.done():
            raise Unavailable("The vector store has not answered for long.", "retriever")

    async def _follow(self) -> None:
        for look in count(1):
            await asyncio.sleep(_FOLLOW_S)
            await self._look(with_calibration=look % _LOOKS_PER_CALIBRATION == 0)

    async def _keep(self) -> None:
        """Writes the files of the index, or takes over what another replica has written. Apart from
        following, which does not wait for a disk."""
        if self._keeper is None or self._follower is None:
            return
        await asyncio.to_thread(remove_other_deals, self._settings)
        while True:
            await asyncio.sleep(_FOLLOW_S)
            await _attempt(partial(self._keeper.step, self._follower), what="index in files")

    async def _look(self, *, with_calibration: bool) -> None:
        if self._follower is not None:
            await _attempt(self._follower.sync, what="index in memory")
        else:
            await _attempt(self._store.ping, what="readiness")
        if with_calibration:
            await _attempt(self._calibrations.read, what="calibration")


def _source(store: ChromaStore, deal: Deal) -> Source:
    """Returns what an index follows."""
    stored = StoredContent(store)
    return stored if deal.shards == 1 else ShardSource(stored, deal)


async def _attempt(read: Callable[[], object], *, what: str) -> None:
    """Reads something that is read again soon: what was read last holds until then."""
    try:
        await asyncio.to_thread(read)
    except Unavailable:
        pass  # The store is away, and every search says so.
    except Exception:
        _log.exception("The %s could not follow the store.", what)
