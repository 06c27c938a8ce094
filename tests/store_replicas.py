"""Replicas of the retriever over one store with one document, and what must hold of them whoever
wrote it, in whatever order, and was killed."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import numpy as np

from deployments.contracts.documents import (
    Chunk,
    DocumentRecord,
    IndexedDocument,
    Part,
    chunk_id,
)
from deployments.contracts.errors import NotFound
from deployments.contracts.tenants import DEFAULT_ACCESS, Access
from deployments.retriever.chroma.connection import Chroma
from deployments.retriever.chroma.source import StoredContent
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.config import StoreArgs
from deployments.retriever.follower import Follower
from deployments.retriever.index.chunk_index import ChunkIndex
from tests.doubles import vector_of

ARGS = StoreArgs(url="http://127.0.0.1:9")

SIZES = {"old": 4, "amber": 5, "cobalt": 3, "olive": 1}
"""Texts, and how many chunks each has."""


def indexed(text: str) -> IndexedDocument:
    chunks = tuple(
        Chunk(chunk_id("d", ordinal), "d", ordinal, f"{text} {ordinal}", "d.md", "")
        for ordinal in range(SIZES[text])
    )
    record = DocumentRecord("d", "d.md", "", f"mark of {text}", len(chunks), "2026", 1)
    vectors = np.stack([vector_of(chunk.text) for chunk in chunks])
    return IndexedDocument(record, chunks, vectors, (Part(text),))


class Replica:
    """A replica of the retriever: its own connection, its own index in memory."""

    def __init__(self, chroma: Chroma) -> None:
        self.store = ChromaStore(ARGS, chroma)
        self.index = ChunkIndex()
        self.follower = Follower(StoredContent(self.store), self.index)

    def write(self, text: str) -> None:
        self.store.replace([indexed(text)])

    def delete(self) -> None:
        with suppress(NotFound):
            self.store.delete("d")

    def text(self) -> str | None:
        """Returns the one text that the memory holds, whole; None for none."""
        self.follower.sync()
        assert not self.follower.damaged
        view = self.index.view()
        hits = view.by_words("old amber cobalt olive", 100, access=DEFAULT_ACCESS)
        return whole([view.rows[hit.number].chunk() for hit in hits])


def whole(chunks: Sequence[Chunk]) -> str | None:
    texts = {chunk.text.split()[0] for chunk in chunks}
    assert len(texts) <= 1, f"a mixture: {sorted(chunk.text for chunk in chunks)}"
    if not texts:
        return None
    [text] = texts
    assert sorted(chunks, key=lambda chunk: chunk.id) == list(indexed(text).chunks)
    return text


def stored_text(store: ChromaStore) -> str | None:
    """Returns the one text that a search of the store itself finds."""
    return whole(list(store.texts([chunk_id("d", ordinal) for ordinal in range(6)]).values()))


def check(replicas: Sequence[Replica], chroma: Chroma, *, acknowledged: Sequence[str] = ()) -> None:
    """Whatever is left is one text; where it counts as finished, everybody has it; and once it is
    written again, it is there and nothing else."""
    store = ChromaStore(ARGS, chroma)
    record = store.records(["d"]).get("d")
    left = [replica.text() for replica in (*replicas, Replica(chroma))]
    if record is not None and record.fingerprint:
        text = stored_text(store)
        assert record == indexed(str(text)).record
        assert left == [text] * len(left)
        assert store.sources(after=0, limit=1, access=Access.everything()).documents[0].parts == (
            Part(str(text)),
        )
        assert not acknowledged or text in acknowledged
    else:
        stored_text(store)
    replicas[0].write("olive")
    assert [replica.text() for replica in replicas] == ["olive"] * len(replicas)
    assert_clean(store)


def assert_clean(store: ChromaStore) -> None:
    """Nothing is left of writes that do not count."""
    record = store.records(["d"])["d"]
    assert store.chroma.chunks().count() == record.chunk_count
    assert store.chroma.beside("documents").count() == 1
    assert store.chroma.beside("sources").count() == 1


Job = Callable[[Replica], None]
JOBS: Mapping[str, Job] = {
    "amber": lambda replica: replica.write("amber"),
    "cobalt": lambda replica: replica.write("cobalt"),
    "delete": Replica.delete,
    "read": lambda replica: replica.follower.sync(),
}
