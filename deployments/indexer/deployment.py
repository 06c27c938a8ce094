"""The indexer's shell: reads, splits, embeds and hands over to the retriever, away from the
replicas that answer queries.

A stage of its own, because converting a large file is seconds of CPU that no query should wait
behind.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from ray.serve.handle import DeploymentHandle

from deployments.contracts.calls import CallContext
from deployments.contracts.documents import (
    Chunk,
    Document,
    DocumentRecord,
    IndexedDocument,
    IngestOutcome,
    ReadFailure,
    Upload,
)
from deployments.contracts.errors import StageError
from deployments.contracts.search import Embedded
from deployments.contracts.tenants import Access
from deployments.encoding.weights import tokenizer_path
from deployments.indexer.cage.pace import Pace
from deployments.indexer.cage.pool import ReaderPool
from deployments.indexer.chunking import Chunker, TooManyChunks, fingerprint
from deployments.indexer.config import IndexerArgs
from deployments.indexer.json_documents import read_json_documents
from deployments.indexer.retrievers import Retrievers
from deployments.serving.calls import call_stage
from deployments.serving.concurrently import gather_or_cancel
from deployments.serving.last_question import LastQuestion
from deployments.serving.niceness import stand_back
from deployments.serving.replica import StageReplica

_log = logging.getLogger("ray.serve")
_GROUP_CHUNKS = 256
"""Chunks that are embedded and written together: bounds memory, and what an interrupted request
does twice."""
_CALL_CHUNKS = 16
_CALLS_IN_FLIGHT = 3
"""Enough to keep the embedder's next batch ready, and little enough that a query waits behind few
chunks."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """A document that needs to be written, and what was known of it before."""

    document: Document
    chunks: tuple[Chunk, ...]
    fingerprint: str
    former: DocumentRecord | None


class Indexer(StageReplica):
    """Turns documents and files into indexed chunks.

    Args:
        args: `IndexerArgs` as a mapping.
        embedder: Handle of the embedder of the same version.
        retrievers: Handles of the retriever of the same version, or of its shards.
        reranker: Handle of the reranker of the same version; Serve deploys what the root of an
            application holds. It is asked where the settings say so.
    """

    def __init__(
        self,
        args: dict[str, object],
        embedder: DeploymentHandle[Any],
        retrievers: Sequence[DeploymentHandle[Any]],
        reranker: DeploymentHandle[Any] | None = None,
    ) -> None:
        settings = IndexerArgs.model_validate(args)
        stand_back(settings.niceness)
        self._chunker = Chunker(
            tokenizer_path(settings.model),
            max_tokens=settings.max_chunk_tokens,
            overlap_tokens=settings.overlap_tokens,
        )
        self._chunking = f"{settings.model}/{settings.max_chunk_tokens}/{settings.overlap_tokens}"
        self._max_document_chunks = settings.max_document_chunks
        # A child's log goes where this replica's goes.
        pace = Pace(LastQuestion.of_node(), settings.reading.share_beside_questions)
        self._readers = ReaderPool(settings.reading, pace=pace, stderr=None)
        self._readers.warm_up()
        self._embedder = embedder
        self._retrievers = Retrievers(retrievers)
        self._reranker = reranker if settings.reranker_reads else None
        self._embedding = asyncio.Semaphore(_CALLS_IN_FLIGHT)

    def __del__(self) -> None:
        """Ends the readers; Serve asks for it when the replica goes."""
        if readers := getattr(self, "_readers", None):
            readers.close()

    async def ingest(
        self, documents: Sequence[Document], uploads: Sequence[Upload], *, call: CallContext
    ) -> list[IngestOutcome]:
        """Returns one outcome per document, in order; documents read from the uploads follow.

        A document whose fingerprint is known is left alone. One that cannot be read fails by
        itself.
        """
        deadline_s = time.monotonic() + call.timeout_s

        def remaining() -> CallContext:
            return replace(call, timeout_s=deadline_s - time.monotonic())

        files = await self._readers.read_all(uploads, timeout_s=call.timeout_s)
        found = [*documents, *files]
        outcomes: dict[int, IngestOutcome] = {}
        fresh: dict[str, tuple[int, Document]] = {}
        for place, item in enumerate(found):
            if isinstance(item, ReadFailure):
                outcomes[place] = IngestOutcome(item.path, "failed", message=item.message)
            elif item.id in fresh:
                outcomes[place] = IngestOutcome(
                    item.path, "failed", item.id, message="The same id came twice in one request."
                )
            else:
                fresh[item.id] = (place, item)
        for place, failed in (await self._out_of_reach(fresh, remaining())).items():
            outcomes[place] = failed
            del fresh[failed.document_id]
        known = await self._retrievers.records(list(fresh), call=remaining())
        indexed: list[IndexedDocument] = []
        groups = _grouped(self._plan(fresh.values(), known, outcomes))
        while group := await asyncio.to_thread(next, groups, None):
            # A group is embedded while the one before it is written.
            indexed, _ = await gather_or_cancel(
                self._embed([planned for _, planned in group], remaining()),
                self._write(indexed, remaining()),
            )
            for place, planned in group:
                outcomes[place] = _outcome(planned)
        await self._write(indexed, remaining())
        return [outcomes[place] for place in sorted(outcomes)]

    async def ingest_json(self, body: bytes, *, call: CallContext) -> list[IngestOutcome]:
        """See `IndexerStage.ingest_json`."""
        started_s = time.monotonic()
        documents = await asyncio.to_thread(read_json_documents, body)
        left = replace(call, timeout_s=call.timeout_s - (time.monotonic() - started_s))
        return await self.ingest(documents, (), call=left)

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns how documents are split."""
        return {"chunking": self._chunking}

    async def _out_of_reach(
        self, fresh: Mapping[str, tuple[int, Document]], call: CallContext
    ) -> dict[int, IngestOutcome]:
        """Returns what becomes of documents that the caller could not read: nobody writes over what
        is closed to them, or locks themselves out."""
        if call.access.groups is None or not fresh:
            return {}
        closed = await self._retrievers.closed(list(fresh), call=call)
        return {
            place: IngestOutcome(document.path, "failed", document.id, message=reason)
            for place, document in fresh.values()
            if (reason := _why_not(document, closed, call.access))
        }

    def _plan(
        self,
        fresh: Iterable[tuple[int, Document]],
        known: dict[str, DocumentRecord],
        outcomes: dict[int, IngestOutcome],
    ) -> Iterator[tuple[int, _Planned]]:
        """Yields what has to be written; what has not is put into `outcomes` at once."""
        for place, given in fresh:
            former = known.get(given.id)
            document = given
            if document.acl == "kept":
                document = replace(document, acl=former.acl if former else None)
            mark = fingerprint(document, chunking=self._chunking)
            if former is not None and former.fingerprint == mark:
                outcomes[place] = IngestOutcome(
                    document.path,
                    "unchanged",
                    document.id,
                    former.chunk_count,
                    warnings=document.warnings,
                )
                continue
            try:
                chunks = tuple(self._chunker.split(document, max_chunks=self._max_document_chunks))
            except TooManyChunks:
                outcomes[place] = IngestOutcome(
                    document.path,
                    "failed",
                    document.id,
                    message=f"Its text makes more than {self._max_document_chunks} chunks, which "
                    "is the most that one document may have. Split it.",
                )
                continue
            if not chunks:
                outcomes[place] = IngestOutcome(
                    document.path, "failed", document.id, message="There is no text in it."
                )
                continue
            yield place, _Planned(document, chunks, mark, former)

    async def _embed(self, planned: Sequence[_Planned], call: CallContext) -> list[IndexedDocument]:
        passages = [chunk.passage() for plan in planned for chunk in plan.chunks]
        # What is said again and again is embedded once.
        places = {text: place for place, text in enumerate(dict.fromkeys(passages))}
        texts = list(places)
        # Texts of like length travel together: a batch is padded to its longest.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        slices = [
            order[start : start + _CALL_CHUNKS] for start in range(0, len(order), _CALL_CHUNKS)
        ]
        answers = await gather_or_cancel(
            *(self._embed_slice([texts[place] for place in part], call) for part in slices)
        )
        unique = np.empty((len(texts), answers[0].vectors.shape[1]), dtype=np.float32)
        unique[order] = np.concatenate([answer.vectors for answer in answers])
        vectors = unique[[places[text] for text in passages]]
        indexed = []
        first = 0
        for plan in planned:
            last = first + len(plan.chunks)
            indexed.append(
                IndexedDocument(
                    _record(plan), plan.chunks, vectors[first:last], plan.document.parts
                )
            )
            first = last
        return indexed

    async def _embed_slice(self, texts: list[str], call: CallContext) -> Embedded:
        async with self._embedding:
            response = self._embedder.embed.remote(texts, input_type="document", call=call)
            answer: Embedded
            answer, _ = await gather_or_cancel(
                call_stage(response, stage="embedder", timeout_s=call.timeout_s),
                self._prepare(texts, call),
            )
            return answer

    async def _prepare(self, texts: list[str], call: CallContext) -> None:
        """Has the reranker read passages; where it does not, a question will."""
        if self._reranker is None:
            return
        response = self._reranker.prepare.remote(texts, call=call)
        try:
            await call_stage(response, stage="reranker", timeout_s=call.timeout_s)
        except StageError as error:
            _log.warning("The reranker has not read %d passages: %s", len(texts), error)

    async def _write(self, indexed: list[IndexedDocument], call: CallContext) -> None:
        if indexed:
            await self._retrievers.replace(indexed, call=call)


def _grouped(
    planned: Iterable[tuple[int, _Planned]],
) -> Iterator[list[tuple[int, _Planned]]]:
    """Yields groups of about `_GROUP_CHUNKS` chunks; a document is never cut in two."""
    group: list[tuple[int, _Planned]] = []
    chunks = 0
    for place, plan in planned:
        group.append((place, plan))
        chunks += len(plan.chunks)
        if chunks >= _GROUP_CHUNKS:
            yield group
            group, chunks = [], 0
    if group:
        yield group


def _record(planned: _Planned) -> DocumentRecord:
    document, former = planned.document, planned.former
    return DocumentRecord(
        id=document.id,
        path=document.path,
        title=document.title,
        fingerprint=planned.fingerprint,
        chunk_count=len(planned.chunks),
        created_at=former.created_at if former else datetime.now(UTC).isoformat(timespec="seconds"),
        sequence=former.sequence if former else time.time_ns(),
        metadata=document.metadata,
        acl=None if document.acl == "kept" else document.acl,
    )


def _why_not(document: Document, closed: Collection[str], access: Access) -> str:
    """Returns why somebody may not write a document; empty where they may."""
    if document.id in closed:
        return "There is a document of this id that the groups of your key may not read."
    if document.acl != "kept" and not access.may_read(document.acl):
        return "Its `acl` has none of the groups of your key: you could not read it."
    return ""


def _outcome(planned: _Planned) -> IngestOutcome:
    document = planned.document
    return IngestOutcome(
        document.path,
        "updated" if planned.former else "added",
        document.id,
        len(planned.chunks),
        warnings=document.warnings,
    )
