"""The indexer's shell over stages that are plain coroutines."""

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Document, DocumentRecord, IndexedDocument, Part, Upload
from deployments.contracts.errors import Overloaded, Unavailable
from deployments.contracts.search import Embedded
from deployments.contracts.tenants import Access

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from deployments.indexer.deployment import Indexer

CALL = CallContext("request", 60.0)
LONG = "\n\n".join(
    f"# Heading {number}\n\nWords about queues, replicas and the batches between them."
    for number in range(600)
)
"""A text of more than one group's chunks, and many calls of the embedder."""


class Method:
    """A handle's method over a coroutine."""

    def __init__(self, method: Callable[..., Awaitable[Any]]) -> None:
        self.remote = method


class Stages:
    """An embedder and a retriever; `fails_at` is the number of the embedder's call that is
    refused."""

    def __init__(self) -> None:
        self.fails_at = 0
        self.write_failure: Exception | None = None
        self.calls = self.calls_at_write = 0
        self.written: list[str] = []
        self.embed = Method(self._embed)
        self.records = Method(self._records)
        self.replace = Method(self._replace)

    async def _embed(self, texts: Sequence[str], *, input_type: str, call: CallContext) -> Embedded:
        self.calls += 1
        number = self.calls
        await asyncio.sleep(0)
        if number == self.fails_at:
            raise Overloaded("Full.", "embedder", 1.0)
        return Embedded(np.zeros((len(texts), 4), dtype=np.float32), (1,) * len(texts))

    async def _records(
        self, document_ids: Sequence[str], *, call: CallContext
    ) -> dict[str, DocumentRecord]:
        return {}

    async def _replace(self, documents: Sequence[IndexedDocument], *, call: CallContext) -> None:
        self.calls_at_write = self.calls
        await asyncio.sleep(0)
        if self.write_failure is not None:
            raise self.write_failure
        self.written += [document.record.id for document in documents]


@pytest.fixture
def stages() -> Stages:
    return Stages()


@pytest.fixture
async def indexer(stages: Stages) -> Indexer:
    return Indexer({"max_chunk_tokens": 32, "overlap_tokens": 0}, stages, [stages])  # type: ignore[arg-type, list-item]


def document(name: str, text: str = "A short text about queues.") -> Document:
    return Document(name, f"{name}.md", name.title(), (Part(text),))


async def test_what_is_said_again_is_embedded_once(indexer: Indexer, stages: Stages) -> None:
    line = "The same words about queues and replicas, once more and once more again."
    [outcome] = await indexer.ingest([document("a", "\n\n".join([line] * 400))], [], call=CALL)
    assert outcome.chunk_count == 400
    assert stages.calls == 1


async def test_groups_are_written_in_order(indexer: Indexer, stages: Stages) -> None:
    names = ["a", "b", "c"]
    outcomes = await indexer.ingest([document(name, LONG) for name in names], [], call=CALL)
    assert stages.written == [outcome.document_id for outcome in outcomes] == names
    assert {outcome.status for outcome in outcomes} == {"added"}


async def test_nothing_is_embedded_for_an_ingestion_that_has_failed(
    indexer: Indexer, stages: Stages
) -> None:
    stages.fails_at = 3
    with pytest.raises(Overloaded):
        await indexer.ingest([document("a", LONG)], [], call=CALL)
    calls = stages.calls
    for _ in range(20):
        await asyncio.sleep(0)
    assert stages.calls == calls < 10


async def test_a_write_that_fails_ends_the_embedding_beside_it(
    indexer: Indexer, stages: Stages
) -> None:
    stages.write_failure = Unavailable("The vector store does not answer.", "retriever", 1.0)
    with pytest.raises(Unavailable):
        await indexer.ingest([document(name, LONG) for name in "abc"], [], call=CALL)
    assert stages.calls_at_write <= stages.calls < stages.calls_at_write + 10


class AclStages(Stages):
    """A retriever that knows one document, which only the board may read."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[CallContext] = []
        self.acls: dict[str, object] = {}
        self.closed = Method(self._closed)

    async def _closed(self, document_ids: Sequence[str], *, call: CallContext) -> frozenset[str]:
        self.seen.append(call)
        may_read = call.access.may_read(frozenset({"board"}))
        return frozenset() if may_read else frozenset({"known"}) & set(document_ids)

    async def _records(
        self, document_ids: Sequence[str], *, call: CallContext
    ) -> dict[str, DocumentRecord]:
        self.seen.append(call)
        record = DocumentRecord("known", "", "", "", 1, "2026", 1, acl=frozenset({"board"}))
        return {"known": record} if "known" in document_ids else {}

    async def _embed(self, texts: Sequence[str], *, input_type: str, call: CallContext) -> Embedded:
        self.seen.append(call)
        return await super()._embed(texts, input_type=input_type, call=call)

    async def _replace(self, documents: Sequence[IndexedDocument], *, call: CallContext) -> None:
        self.seen.append(call)
        self.acls |= {document.record.id: document.record.acl for document in documents}


async def test_a_document_has_the_groups_that_it_is_given_or_has() -> None:
    stages = AclStages()
    indexer = Indexer({"max_chunk_tokens": 32, "overlap_tokens": 0}, stages, [stages])  # type: ignore[arg-type, list-item]
    given = [
        document("known"),
        document("new"),
        replace(document("named"), acl=frozenset({"legal"})),
    ]
    upload = Upload("up.md", b"A text.", acl=frozenset({"staff"}))
    access = Access("acme", frozenset({"board", "legal", "staff"}))
    call = replace(CALL, access=access)
    outcomes = await indexer.ingest(given, [upload], call=call)
    assert [one.status for one in outcomes] == ["updated", "added", "added", "added"]
    assert stages.acls == {
        "known": {"board"},
        "new": None,
        "named": {"legal"},
        outcomes[3].document_id: {"staff"},
    }
    assert {one.access for one in stages.seen} == {access}


async def test_nobody_writes_over_what_is_closed_to_them_or_locks_themselves_out() -> None:
    stages = AclStages()
    indexer = Indexer({"max_chunk_tokens": 32, "overlap_tokens": 0}, stages, [stages])  # type: ignore[arg-type, list-item]
    given = [
        document("known"),
        replace(document("named"), acl=frozenset({"legal"})),
        document("new"),
    ]
    call = replace(CALL, access=Access("acme", frozenset({"staff"})))
    outcomes = await indexer.ingest(given, [], call=call)
    assert [one.status for one in outcomes] == ["failed", "failed", "added"]
    assert "may not read" in outcomes[0].message
    assert "none of the groups" in outcomes[1].message
    assert stages.acls == {"new": None}


class Reranker:
    """Reads passages while they are indexed, or is too busy to."""

    def __init__(self, *, is_busy: bool = False) -> None:
        self.read: list[str] = []
        self.prepare = Method(self._prepare)
        self._is_busy = is_busy

    async def _prepare(self, texts: Sequence[str], *, call: CallContext) -> None:
        if self._is_busy:
            raise Overloaded("Full.", "reranker", 1.0)
        self.read += texts


@pytest.mark.parametrize("reads", [True, False])
async def test_a_reranker_reads_passages_where_the_settings_say_so(
    stages: Stages, reads: bool
) -> None:
    reranker = Reranker()
    args: dict[str, object] = {"reranker_reads": reads}
    indexer = Indexer(args, stages, [stages], reranker)  # type: ignore[arg-type, list-item]
    [outcome] = await indexer.ingest([document("a")], [], call=CALL)
    assert outcome.status == "added"
    assert reranker.read == (["A\nA short text about queues."] if reads else [])


async def test_a_reranker_that_is_busy_keeps_no_document_out(stages: Stages) -> None:
    reranker = Reranker(is_busy=True)
    indexer = Indexer({"reranker_reads": True}, stages, [stages], reranker)  # type: ignore[arg-type, list-item]
    [outcome] = await indexer.ingest([document("a")], [], call=CALL)
    assert (outcome.status, stages.written) == ("added", ["a"])
