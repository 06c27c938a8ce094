"""Stages without models and without Ray: deterministic, and distinct for every text."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np

from app.releases.route import RetrievalStages
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import (
    Chunk,
    Document,
    DocumentPage,
    DocumentRecord,
    IndexedDocument,
    IngestOutcome,
    ReadFailure,
    SourcePage,
    Upload,
    chunk_id,
)
from deployments.contracts.errors import NotFound
from deployments.contracts.search import (
    Calibration,
    CollectionFacts,
    Embedded,
    Filter,
    Found,
    InputType,
    Reranked,
    ScoredChunk,
    SearchMethod,
    WordCounts,
)
from deployments.contracts.tenants import Access, Erased
from deployments.contracts.vectors import QuestionTokens, Vectors
from deployments.indexer.cage.pool import with_acl
from deployments.indexer.documents import read_documents
from deployments.indexer.json_documents import read_json_documents
from deployments.neighbours import neighbours_of
from deployments.retriever.chroma.rows import row_metadata
from deployments.retriever.index.where import compile_where
from deployments.retriever.tenancy.documents import shown_chunk, shown_hits, shown_record
from deployments.retriever.tenancy.names import is_in_reach, stored_id, tenant_of
from tests.breakable import Breakable
from tests.generator_doubles import EchoGenerator, ExtractiveGenerator

DIMENSION = 32


def vector_of(text: str) -> Vectors:
    """A unit vector, shape (dim,): the mean of one random direction per word of the text, so that
    texts with words in common are near each other."""
    directions = [
        np.random.default_rng(int.from_bytes(sha256(word.encode()).digest()[:8])).normal(
            size=DIMENSION
        )
        for word in (text.lower().split() or [""])
    ]
    mean = np.mean(directions, axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32)


class HashEmbedder(Breakable):
    """Embeds by `vector_of`; waits for `holds` where there is one."""

    holds: asyncio.Event | None = None

    def __init__(self) -> None:
        self.entered = asyncio.Event()

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        return await super().describe(call=call) | {"dimension": DIMENSION}

    async def embed(
        self,
        texts: Sequence[str],
        *,
        input_type: InputType,
        with_tokens: bool = False,
        call: CallContext,
    ) -> Embedded:
        self._enter()
        self.entered.set()
        if self.holds is not None:
            await self.holds.wait()
        return Embedded(
            np.stack([vector_of(text) for text in texts]),
            tuple(len(text.split()) for text in texts),
            model="hashembedder-double",
        )


class MemoryRetriever(Breakable):
    """Keeps everything in a dict by the names of the index, and searches exactly."""

    def __init__(self) -> None:
        self.written: dict[str, IndexedDocument] = {}
        self.calibration: Calibration | None = None

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
        self._enter()
        assert vector is not None
        condition = compile_where(where) if where else None
        scored = [
            (float(row @ vector[0]), chunk)
            for document in self._within(call.access)
            for row, chunk in zip(document.vectors, document.chunks, strict=True)
            if condition is None or condition.matches(row_metadata(shown_chunk(call.access, chunk)))
        ]
        scored.sort(key=lambda pair: (-pair[0], pair[1].id))
        hits = tuple(
            ScoredChunk(chunk, score, rank)
            for rank, (score, chunk) in enumerate(scored[:top_k], start=1)
        )
        neighbours = neighbours_of([hit.chunk for hit in hits], reach, self._chunk)
        return Found(
            shown_hits(call.access, hits),
            calibration=self.calibration,
            neighbours=tuple(shown_chunk(call.access, chunk) for chunk in neighbours),
            generation=self._generation(call.access),
        )

    async def count_words(
        self, questions: Sequence[str], *, call: CallContext
    ) -> WordCounts | None:
        return None

    async def generation(self, *, call: CallContext) -> str:
        self._enter()
        return self._generation(call.access)

    def _generation(self, access: Access) -> str:
        marks = {
            name: one.record.fingerprint
            for name, one in self.written.items()
            if tenant_of(name) == access.tenant
        }
        return sha256(repr((sorted(marks.items()), self.calibration)).encode()).hexdigest()

    async def documents(
        self, *, after: int, limit: int, named: str = "", call: CallContext
    ) -> DocumentPage:
        self._enter()
        records = [
            shown_record(call.access, one.record)
            for one in self._within(call.access)
            if one.record.sequence > after and named in one.record.path
        ]
        page = tuple(records[:limit])
        return DocumentPage(page, page[-1].sequence if len(records) > limit else None)

    async def chunks(
        self, document_id: str, *, first: int, limit: int, call: CallContext
    ) -> list[Chunk]:
        self._enter()
        await self.document(document_id, call=call)
        stored = stored_id(call.access, document_id)
        written = self.written[stored].chunks[first : first + limit]
        return [shown_chunk(call.access, chunk) for chunk in written]

    async def document(self, document_id: str, *, call: CallContext) -> DocumentRecord:
        self._enter()
        found = await self.records([document_id], call=call)
        if document_id not in found:
            raise NotFound(f"There is no document '{document_id}'.", "retriever")
        return found[document_id]

    async def records(
        self, document_ids: Sequence[str], *, call: CallContext
    ) -> dict[str, DocumentRecord]:
        self._enter()
        known = {one.record.id: one.record for one in self._within(call.access)}
        return {
            id: shown_record(call.access, known[stored])
            for id in document_ids
            if (stored := stored_id(call.access, id)) in known
        }

    async def sources(self, *, after: int, limit: int, call: CallContext) -> SourcePage:
        page = await self.documents(after=after, limit=limit, call=call)
        kept = [self.written[stored_id(call.access, record.id)] for record in page.records]
        documents = tuple(
            Document(
                record.id,
                record.path,
                record.title,
                one.parts,
                record.metadata,
                acl=record.acl,
            )
            for record, one in zip(page.records, kept, strict=True)
            if one.parts
        )
        return SourcePage(page.records, documents, page.next_sequence, len(self.written))

    async def delete(self, document_id: str, *, call: CallContext) -> int:
        record = await self.document(document_id, call=call)
        del self.written[stored_id(call.access, document_id)]
        return record.chunk_count

    async def facts(self, *, call: CallContext) -> CollectionFacts:
        self._enter()
        within = self._within(call.access)
        chunk_count = sum(len(document.chunks) for document in within)
        return CollectionFacts(len(within), chunk_count, self.calibration)

    async def sample(self, *, limit: int, call: CallContext) -> list[Chunk]:
        self._enter()
        chunks = [
            shown_chunk(call.access, chunk)
            for document in self._within(call.access)
            for chunk in document.chunks
        ]
        return sorted(chunks, key=lambda chunk: sha256(chunk.id.encode()).digest())[:limit]

    async def calibrate(self, calibration: Calibration, *, call: CallContext) -> None:
        self._enter()
        self.calibration = calibration

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        self._enter()
        call.access.require_all_tenants()
        gone = self._within(Access(tenant))
        for document in gone:
            del self.written[document.record.id]
        return Erased({"documents": len(gone)} if gone else {}, is_done=not gone)

    def _within(self, access: Access) -> list[IndexedDocument]:
        return [
            document
            for stored, document in self.written.items()
            if is_in_reach(access, stored, document.record.acl)
        ]

    def _chunk(self, document_id: str, ordinal: int) -> Chunk | None:
        places = {
            (chunk.document_id, chunk.ordinal): chunk
            for document in self.written.values()
            for chunk in document.chunks
        }
        return places.get((document_id, ordinal))


class WholeDocumentIndexer(Breakable):
    """One chunk per document."""

    def __init__(self, retriever: MemoryRetriever) -> None:
        self._retriever = retriever

    async def ingest(
        self, documents: Sequence[Document], uploads: Sequence[Upload], *, call: CallContext
    ) -> list[IngestOutcome]:
        self._enter()
        read = (with_acl(item, upload) for upload in uploads for item in read_documents(upload))
        found = [*documents, *read]
        return [
            IngestOutcome(item.path, "failed", message=item.message)
            if isinstance(item, ReadFailure)
            else self._write(item, call.access)
            for item in found
        ]

    async def ingest_json(self, body: bytes, *, call: CallContext) -> list[IngestOutcome]:
        return await self.ingest(read_json_documents(body), (), call=call)

    def _write(self, document: Document, access: Access) -> IngestOutcome:
        written = self._retriever.written
        stored = stored_id(access, document.id)
        former = written.get(stored)
        text = "\n".join(part.text for part in document.parts)
        acl = document.acl
        if acl == "kept":
            acl = former.record.acl if former else None
        mark = f"{text} {sorted(document.metadata.items())} {acl and sorted(acl)}"
        record = DocumentRecord(
            stored,
            document.path,
            document.title,
            mark,
            1,
            "2026-01-01T00:00:00+00:00",
            len(written) + 1,
            document.metadata,
            acl,
        )
        if former is not None and former.record.fingerprint == mark:
            return IngestOutcome(document.path, "unchanged", document.id, 1)
        if former is not None:
            record = replace(record, sequence=former.record.sequence)
        chunk = Chunk(
            chunk_id(stored, 0),
            stored,
            0,
            text,
            document.path,
            document.title,
            metadata=document.metadata,
            acl=acl,
        )
        written[stored] = IndexedDocument(
            record, (chunk,), vector_of(text)[None, :], document.parts
        )
        return IngestOutcome(document.path, "updated" if former else "added", document.id, 1)


class OverlapReranker(Breakable):
    """Scores by the share of the query's words that a text holds."""

    async def rerank(
        self,
        query: str,
        texts: Sequence[str],
        *,
        question: QuestionTokens | None = None,
        call: CallContext,
    ) -> Reranked:
        self._enter()
        asked = set(query.lower().split())
        scores = tuple(len(asked & set(text.lower().split())) / len(asked) for text in texts)
        return Reranked(
            scores,
            sum(len(text.split()) for text in texts),
            model=f"{type(self).__name__.lower()}-double",
        )


class DoubleDirectory:
    """One set of doubles, whatever the application is called; `echo` in its name makes a generator
    a language model."""

    def __init__(self) -> None:
        self.retriever = MemoryRetriever()
        self.embedder = HashEmbedder()
        self.reranker = OverlapReranker()
        self.indexer = WholeDocumentIndexer(self.retriever)
        self.generation = ExtractiveGenerator()
        self.echo = EchoGenerator()

    def retrieval(self, application: str) -> RetrievalStages:
        return RetrievalStages(self.embedder, self.retriever, self.reranker, self.indexer)

    def generator(self, application: str) -> ExtractiveGenerator:
        return self.echo if "echo" in application else self.generation
