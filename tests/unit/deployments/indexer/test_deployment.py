"""The indexer's shell over stages that are plain coroutines."""

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np
import pytest

from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Document, DocumentRecord, IndexedDocument, Part
from deployments.contracts.errors import Overloaded, Unavailable
from deployments.contracts.search import Embedded

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
    return Indexer({"max_chunk_tokens": 32, "overlap_tokens": 0}, stages, stages)  # type: ignore[arg-type]


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
