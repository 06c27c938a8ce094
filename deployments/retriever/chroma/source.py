"""What a follower reads of Chroma: announcements, versions and chunks."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from deployments.contracts.documents import Chunk
from deployments.contracts.tenants import Access
from deployments.contracts.vectors import Vectors
from deployments.retriever.chroma.change_log import WriterLog
from deployments.retriever.chroma.rows import read_rows
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.chroma.versions import Version

_PAGE_RECORDS = 1000
_PAGE_CHUNKS = 200
"""Some 5 MB while they are read, vectors as JSON most of all. Larger pages leave more memory behind
that the process does not give back."""

_ALL = ["documents", "metadatas", "embeddings"]


class StoredContent:
    """The source of a follower.

    Args:
        store: The store of one version.
    """

    def __init__(self, store: ChromaStore) -> None:
        self._store = store

    def identity(self) -> str:
        """Returns the id that Chroma gave the collection when it was made."""
        return str(self._store.chroma.chunks().id)

    def numbers(self) -> Mapping[str, int]:
        """Returns how many changes each writer has announced."""
        return self._store.changes.numbers()

    def logs(self) -> Mapping[str, WriterLog]:
        """Returns what each writer changed last."""
        return self._store.changes.logs()

    def versions(self, document_ids: Sequence[str] | None = None) -> dict[str, Version]:
        """Returns the versions of those documents that are there, or of all."""
        if document_ids is not None:
            return self._store.documents.there(document_ids)
        versions: dict[str, Version] = {}
        after: int | None = 0
        while after is not None:
            page, after = self._store.documents.page(
                after=after, limit=_PAGE_RECORDS, access=Access.everything()
            )
            versions.update((version.record.id, version) for version in page)
        return versions

    def chunks(self, versions: Mapping[str, Version]) -> Iterator[tuple[list[Chunk], Vectors]]:
        """Returns the chunks of those versions, a page at a time. Where one is replaced meanwhile
        some may be missing; whoever replaces it announces it later."""
        if not versions:
            return
        collection = self._store.chroma.chunks()
        where = {"document_id": {"$in": list(versions)}}
        offset = 0
        while True:
            found = self._store.chroma.guard(
                partial(
                    collection.get, where=where, limit=_PAGE_CHUNKS, offset=offset, include=_ALL
                )
            )
            rows = list(read_rows(found))
            own = [
                place
                for place, (write_id, chunk) in enumerate(rows)
                if write_id == versions[chunk.document_id].write_id
            ]
            if own:
                vectors = np.asarray(found["embeddings"], dtype=np.float32)
                yield [rows[place][1] for place in own], vectors[own]
            if len(rows) < _PAGE_CHUNKS:
                return
            offset += len(rows)
